import { createHmac, randomBytes } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { checkHostKey, fingerprint, knownKeyTypes, parseKnownHosts } from '../../../ssh/known-hosts.ts'
import { knownHostName, parseTarget } from '../../../ssh/ssh-settings.ts'

const keyOf = (type: string, fill: string): Buffer =>
  Buffer.concat([Buffer.from([0, 0, 0, type.length]), Buffer.from(type), Buffer.alloc(36, fill)])
const one = keyOf('ssh-ed25519', 'a')
const two = keyOf('ssh-ed25519', 'b')
const rsa = keyOf('ssh-rsa', 'c')
const line = (hosts: string, key: Buffer, type = 'ssh-ed25519') =>
  `${hosts} ${type} ${key.toString('base64')}`

function hashed(name: string): string {
  const salt = randomBytes(20)
  return `|1|${salt.toString('base64')}|${createHmac('sha1', salt).update(name).digest('base64')}`
}

const kindOf = (lines: string[], name: string, key: Buffer, bare = name) =>
  checkHostKey(parseKnownHosts(lines.join('\n'), 'known_hosts'), name, bare, key).kind

describe('known_hosts', () => {
  it.each([
    ['plain', ['build.example'], 'build.example', 'known'],
    ['several names', ['other,build.example,10.0.0.1'], 'build.example', 'known'],
    ['upper case', ['Build.Example'], 'build.example', 'known'],
    ['a pattern', ['*.example'], 'build.example', 'known'],
    ['one character', ['b?ild.example'], 'build.example', 'known'],
    ['an exception', ['*.example,!build.example'], 'build.example', 'unknown'],
    ['a dot is a dot', ['build-example'], 'build.example', 'unknown'],
    ['another port', ['[build.example]:2222'], '[build.example]:2222', 'known'],
    ['a port is part of the name', ['[build.example]:2222'], 'build.example', 'unknown'],
    ['hashed', [hashed('build.example')], 'build.example', 'known'],
    ['hashed with a port', [hashed('[build.example]:2222')], '[build.example]:2222', 'known'],
    ['hashed otherwise', [hashed('other.example')], 'build.example', 'unknown'],
    ['a damaged hash', ['|1|salt'], 'build.example', 'unknown'],
    ['another version of hash', ['|2|a|b'], 'build.example', 'unknown'],
  ])('%s', (_, hosts, name, kind) => {
    expect(
      kindOf(
        hosts.map(host => line(host, one)),
        name,
        one,
      ),
    ).toBe(kind)
  })

  it('passes over what is no key: comments, empty and damaged lines, certificates', () => {
    const lines = ['', '# build.example', 'build.example', `@cert-authority ${line('build.example', one)}`]
    expect(kindOf(lines, 'build.example', one)).toBe('unknown')
    expect(kindOf([...lines, `\t ${line('build.example', one)} a comment\r`], 'build.example', one)).toBe(
      'known',
    )
  })

  it('tells a changed key with every one that is known, and their lines', () => {
    const entries = parseKnownHosts(
      ['# first', line('build.example', one), line('build.example', rsa, 'ssh-rsa')].join('\n'),
      'known_hosts',
    )
    expect(checkHostKey(entries, 'build.example', 'build.example', two)).toMatchObject({
      kind: 'changed',
      known: [
        { line: 2, key: one },
        { line: 3, key: rsa },
      ],
    })
    expect(knownKeyTypes(entries, 'build.example', 'build.example')).toEqual(['ssh-ed25519', 'ssh-rsa'])
  })

  it('lets a revoked key in by no other line', () => {
    const lines = [line('build.example', one), `@revoked ${line('*', one)}`]
    expect(kindOf(lines, 'build.example', one)).toBe('revoked')
    expect(kindOf([...lines, line('build.example', two)], 'build.example', two)).toBe('known')
  })

  it('takes the key of the host alone for another port, as ssh does, but no other', () => {
    const lines = [line('build.example', one)]
    expect(kindOf(lines, '[build.example]:2222', one, 'build.example')).toBe('known')
    expect(kindOf(lines, '[build.example]:2222', two, 'build.example')).toBe('unknown')
    expect(
      kindOf([...lines, line('[build.example]:2222', two)], '[build.example]:2222', one, 'build.example'),
    ).toBe('changed')
  })

  it('prints fingerprints as OpenSSH does', () => {
    const key = Buffer.from('AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl', 'base64')
    // The key and the fingerprint that GitHub publishes.
    expect(fingerprint(key)).toBe('ssh-ed25519 SHA256:+DiY3wvvV6TuJJhbpZisF/zLDA0zPMSvHdkr4UvCOqU')
  })
})

describe('a target', () => {
  it.each([
    ['build', { host: 'build' }],
    ['me@build.example', { host: 'build.example', user: 'me' }],
    ['me@build.example:2222', { host: 'build.example', user: 'me', port: 2222 }],
    ['[::1]:22', { host: '::1', port: 22 }],
    ['me@[fe80::1%eth0]', { host: 'fe80::1%eth0', user: 'me' }],
  ])('%s', (text, target) => {
    expect(parseTarget(text)).toEqual({ ok: true, value: target })
  })

  it.each([
    '',
    'a b',
    '-oProxyCommand=x',
    'me@',
    '@build',
    'build:0',
    'build:70000',
    'build:x',
    '-x@build',
    'a@b@c',
    'build\n',
  ])('is refused: %j', text => {
    expect(parseTarget(text)).toMatchObject({ ok: false, error: { code: 'bad-input' } })
  })

  it('is named as known_hosts names it', () => {
    expect([knownHostName('Build', 22), knownHostName('build', 2222), knownHostName('::1', 22)]).toEqual([
      'build',
      '[build]:2222',
      '::1',
    ])
  })
})
