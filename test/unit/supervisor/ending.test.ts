import { describe, expect, it } from 'vitest'
import { endingIn, waitsForOf } from '../../../core/supervisor/ending.ts'

const log = (level: string, message: string, error?: string) => JSON.stringify({ level, message, error })
const code = (n: number) => ({ kind: 'code', code: n }) as const
const signal = (name: string) => ({ kind: 'signal', signal: name }) as const

describe('what a process said of its end', () => {
  const trace = ['panic: no', '', 'goroutine 1 [running]:', 'main.main()', '\t/zot/main.go:10 +0x18']

  it('are its last lines without the trace, and its last word', () => {
    const lines = Array.from({ length: 30 }, (_, n) => `line ${n}`)
    const ending = endingIn([...lines, log('error', 'no', 'x'.repeat(500)), ...trace], code(2), 0)
    expect(ending).toMatchObject({ exit: code(2), lastWord: `no: ${'x'.repeat(496)}…` })
    expect(ending.lastLines).toHaveLength(20)
    expect(ending.lastLines[0]).toBe('line 12')
    expect(ending.lastLines[18]).toMatch(/^\{"level":"error".{380,}…$/)
    expect(ending.lastLines[19]).toBe('panic: no')
  })

  it('is no word where it was ended from outside, unless it broke off', () => {
    expect(endingIn([log('error', 'no')], signal('SIGKILL'), 0)).not.toHaveProperty('lastWord')
    expect(endingIn([log('error', 'no')], signal('SIGSEGV'), 0)).toHaveProperty('lastWord', 'no')
    expect(endingIn(trace, signal('SIGKILL'), 0)).toHaveProperty('lastWord', 'no')
    expect(endingIn([], code(0), 0)).toEqual({ exit: code(0), lastLines: [] })
  })

  it.each([
    ['failed to initialize new relying party oidc', 'identity-provider'],
    [
      'failed to initialize new relying party oidc: OpenID Provider Configuration Discovery has failed Get "http://id/": context deadline exceeded',
      'identity-provider',
    ],
    ['failed to initialize new relying party oidc: issuer does not match', undefined],
    [
      'failed to initialize OIDC bearer authorizer: invalid server config: failed to create OIDC bearer provider[0]: Get "http://id/": dial tcp: lookup id: no such host',
      'identity-provider',
    ],
    ['failed to initialize OIDC bearer authorizer: invalid server config: issuer is empty', undefined],
    [
      "failed to create cache db: operation timeout: boltdb file is already in use, path '/x/cache.db'",
      'lock',
    ],
    ['failed to init controller: timeout', 'lock'],
    ['failed to start: /x is in use by another zotbar-registry (process 4)', 'lock'],
    [
      'failed to start controller, exiting: listen tcp 10.9.9.9:22001: bind: cannot assign requested address',
      'address',
    ],
    ['failed to reload htpasswd: open /x: no such file or directory', undefined],
    ['failed to start controller, exiting: listen tcp: bind: address already in use', undefined],
  ])('%s: waits for %s', (lastWord, waitsFor) => {
    expect(waitsForOf(lastWord)).toBe(waitsFor)
  })
})
