import { existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { parseConfig } from '../../../registry/config/config.ts'
import { inspect } from '../../../registry/verify.ts'
import { makeCertificate } from '../../fakes/certificates.ts'

const folder = mkdtempSync(join(tmpdir(), 'zotbar-inspect-'))
afterAll(() => rmSync(folder, { recursive: true }))
const file = (name: string, text: string): string => {
  writeFileSync(join(folder, name), text)
  return join(folder, name)
}

async function look(changes: object, now?: number) {
  const parsed = parseConfig(JSON.stringify({ storage: { rootDirectory: join(folder, 'root') }, ...changes }))
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems))
  const { problems, warnings } = await inspect(parsed, now)
  const told = (list: typeof problems) => list.map(({ keyPath, message }) => `${keyPath}: ${message}`)
  return { problems: told(problems), warnings: told(warnings), placed: [...problems, ...warnings] }
}

const policy = (repositories: object, more: object = {}) => ({
  http: { accessControl: { repositories, ...more } },
})

describe('verify', () => {
  it('finds nothing wrong with what is right, and creates nothing', async () => {
    expect(await look({ log: { output: join(folder, 'new.log') } })).toEqual({
      problems: [],
      warnings: [],
      placed: [],
    })
    expect(existsSync(join(folder, 'new.log'))).toBe(false)
    expect(existsSync(join(folder, 'root'))).toBe(false)
  })

  it('sees through a link that a sub path lies in the root', async () => {
    const [root, link] = [join(folder, 'images'), join(folder, 'link')]
    mkdirSync(join(root, 'a'), { recursive: true })
    symlinkSync(join(root, 'a'), link)
    const storage = { rootDirectory: root, subPaths: { '/a': { rootDirectory: link } } }
    expect((await look({ storage })).problems).toEqual([
      `storage.subPaths./a.rootDirectory: ${link} lies within storage.rootDirectory ${root}: give each a folder of its own, none inside another`,
    ])
  })

  it('takes a descriptor in log.output for that of a registry, and not for its own', async () => {
    for (const output of ['/dev/stdout', '/proc/self/fd/2'])
      expect((await look({ log: { output } })).problems).toEqual([])
    expect((await look({ log: { output: '/dev/fd/0' } })).problems).toEqual([
      'log.output: /dev/fd/0 is not open in a registry',
    ])
  })

  it('reads the lines of htpasswd and never repeats a hash', async () => {
    const path = file(
      'htpasswd',
      'ann:$2y$05$abcdefghijklmnopqrstuuW4TzvW4TzvW4TzvW4TzvW4TzvW4TzvO\nbob:$apr1$S3CRET$x\nnonsense\n',
    )
    const { problems, warnings } = await look({ http: { auth: { htpasswd: { path } } } })
    // Ann can sign in, so the registry serves.
    expect(problems).toEqual([])
    expect(warnings).toHaveLength(2)
    expect(warnings[0]).toMatch(/^http\.auth\.htpasswd\.path: .*htpasswd:2: "bob"/)
    expect(warnings.join()).not.toContain('S3CRET')
    const empty = await look({ http: { auth: { htpasswd: { path: file('empty', '') } } } })
    expect(empty.warnings[0]).toContain('nobody can sign in')
    const none = await look({ http: { auth: { htpasswd: { path: '/nope' } } } })
    expect(none.problems).toEqual(['http.auth.htpasswd.path: /nope: it does not exist'])
    const folders = await look({ http: { auth: { htpasswd: { path: folder } } } })
    expect(folders.problems).toEqual([`http.auth.htpasswd.path: ${folder}: it is a folder`])
  })

  it('compares certificate and key, and knows the date', async () => {
    const one = makeCertificate(folder, 'one')
    const two = makeCertificate(folder, 'two')
    const tls = (cert: string, key: string) => ({ http: { tls: { cert, key } } })
    expect((await look(tls(one.cert, one.key))).problems).toEqual([])
    expect((await look(tls(one.cert, two.key))).problems[0]).toContain('does not belong')
    const day = 86_400_000
    expect((await look(tls(one.cert, one.key), Date.now() + 9 * day)).problems[0]).toContain('expired on')
    expect((await look(tls(one.cert, one.key), Date.now() - 9 * day)).problems[0]).toContain(
      'not valid before',
    )
  })

  it('reads the shapes of secret files without repeating them', async () => {
    const sessionKeysFile = file('keys.json', '{"hashKey":"S3CRET","encryptKey":7}')
    const credentialsFile = file('sync.json', '{"docker.io": {"username":"S3CRET"}}')
    const { problems } = await look({
      http: { auth: { sessionKeysFile } },
      extensions: { sync: { credentialsFile } },
    })
    expect(problems.map(line => line.split(':')[0])).toEqual([
      'http.auth.sessionKeysFile',
      'extensions.sync.credentialsFile',
    ])
    const broken = await look({ http: { auth: { sessionKeysFile: file('broken.json', 'S3CRET') } } })
    expect([...problems, ...broken.problems].join()).not.toContain('S3CRET')
  })

  it('compiles patterns by the rules of Go', async () => {
    const retention = {
      policies: [{ repositories: ['a/**', '[x'], keepTags: [{ patterns: ['(?i)^v.*$', '(v'] }] }],
    }
    const { problems } = await look({ storage: { rootDirectory: join(folder, 'root'), retention } })
    expect(problems).toEqual([
      expect.stringMatching(/^storage\.retention\.policies\[0\]\.repositories: "\[x"/),
      expect.stringMatching(/^storage\.retention\.policies\[0\]\.keepTags\[0\]\.patterns: "\(v"/),
    ])
  })

  it('warns of retention that never counts, as the first entry that matches does', async () => {
    const keep = (...patterns: string[]) => ({ patterns, mostRecentlyPushedCount: 1 })
    const keepTags = [keep('^v'), keep('^v'), keep('^w'), keep('.*'), keep('.*'), keep('^x')]
    const retention = {
      policies: [{ repositories: ['a/**'], keepTags }, { repositories: ['**'] }, { repositories: ['b'] }],
    }
    const storage = { rootDirectory: join(folder, 'root'), retention }
    const all = await look({ storage })
    expect(all.problems).toEqual([])
    const keys = all.warnings.map(line => line.split(':')[0])
    const key = 'storage.retention.policies'
    expect(keys).toEqual([`${key}[2]`, ...[1, 4, 5].map(at => `${key}[0].keepTags[${at}]`)])
    expect(all.warnings[2]).toContain('keepTags[3] comes before')

    const sub = { rootDirectory: join(folder, 'sub'), retention: { policies: [{ repositories: ['[x'] }] } }
    const inSub = await look({ storage: { rootDirectory: join(folder, 'root'), subPaths: { '/s': sub } } })
    expect(inSub.problems).toEqual([
      expect.stringMatching(/^storage\.subPaths\.\/s\.retention\.policies\[0\]/),
    ])
  })

  it('warns of rules that mean something else to zot, with their place', async () => {
    const { problems, warnings, placed } = await look(
      policy(
        { '**': { anonymousPolicy: ['read'], policies: [{ groups: ['CI'], actions: ['read'] }] } },
        { groups: { CI: { users: ['a'] } }, metrics: { users: [''] } },
      ),
    )
    expect(problems).toEqual([])
    expect(warnings).toEqual([
      expect.stringContaining('people who are signed in, unless defaultPolicy has it too'),
      expect.stringContaining('names of groups are read in lower case'),
      expect.stringMatching(/^http\.accessControl: without http\.auth .*only anonymousPolicy counts/),
      expect.stringMatching(/^http\.accessControl\.metrics\.users: .*v2\.1\.18/),
    ])
    expect(placed.every(({ line }) => line !== undefined)).toBe(true)
  })

  it('names once what only zot does', async () => {
    const { problems, warnings } = await look({
      extensions: {
        search: { cve: { updateInterval: '2h' } },
        ui: { enable: true },
        lint: { enable: true },
        trust: { enable: true },
        events: { enable: true },
        sync: { registries: [] },
        scrub: { enable: true },
        metrics: { enable: true },
      },
    })
    expect(problems).toEqual([])
    expect(warnings.map(line => line.split(':')[0]).sort()).toEqual([
      'extensions.events',
      'extensions.lint',
      'extensions.search',
      'extensions.search.cve',
      'extensions.sync',
      'extensions.trust',
      'extensions.ui',
    ])
    expect(warnings.join()).toContain('pulls nothing through')
  })
})
