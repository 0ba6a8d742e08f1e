import { describe, expect, it } from 'vitest'
import { lastWordOf, withoutTraces } from '../../../core/platform/last-word.ts'
import { maskSecretsIn } from '../../../core/platform/secret-text.ts'

// The outputs are those of zot v2.1.15, and of zotbar-registry, in the runs that the names say; paths are shortened.
const line = (level: string, message: string, more: Record<string, unknown> = {}, time = '12:03:09.5879') =>
  JSON.stringify({ time: `2026-12-01T${time}Z`, level, message, ...more, goroutine: 1 })

const frames = [
  '',
  'goroutine 1 [running]:',
  'zotregistry.dev/zot/v2/pkg/log.(*Event).Msg(0x104bb813220, {0x2a954ab, 0x2b})',
  '\t/src/pkg/log/log.go:257 +0x334',
  'github.com/spf13/cobra.(*Command).ExecuteC(0x104bb4a8f08)',
  '\t/go/pkg/mod/github.com/spf13/cobra@v1.10.2/command.go:1148 +0x465',
  'main.main()',
  '\t/src/cmd/zot/main.go:10 +0x18',
]
const usage = ['Usage:', '  zot serve <config> [flags]', '', 'Aliases:', '  serve, serve', '', 'Flags:']
const help = '  -h, --help   help for serve'
const refused =
  'OpenID Provider Configuration Discovery has failed\nGet "http://127.0.0.1:22002/.well-known/openid-configuration": dial tcp 127.0.0.1:22002: connect: connection refused'
const relyingParty = 'failed to initialize new relying party oidc'
const inUse = "operation timeout: boltdb file is already in use, path '/images/cache.db'"

const runs: { of: string; lines: string[]; gives: ReturnType<typeof lastWordOf> }[] = [
  {
    of: 'an identity provider that refuses connections',
    lines: [
      line('info', 'successfully initialized'),
      line('error', relyingParty, { error: refused }),
      `panic: ${relyingParty}`,
      ...frames,
    ],
    gives: {
      kind: 'logged',
      message:
        'failed to initialize new relying party oidc: OpenID Provider Configuration Discovery has failed Get "http://127.0.0.1:22002/.well-known/openid-configuration": dial tcp 127.0.0.1:22002: connect: connection refused',
    },
  },
  {
    of: 'the same where its log cannot be read',
    lines: [`panic: ${relyingParty}`, ...frames],
    gives: { kind: 'panic', message: relyingParty },
  },
  {
    of: 'a missing htpasswd file: the first line about it says most',
    lines: [
      line('error', 'failed to reload htpasswd', { error: 'open /etc/htpasswd: no such file or directory' }),
      line('error', 'failed to init controller', { error: 'open /etc/htpasswd: no such file or directory' }),
      'Error: open /etc/htpasswd: no such file or directory',
      ...usage,
      help,
      '',
    ],
    gives: {
      kind: 'logged',
      message: 'failed to reload htpasswd: open /etc/htpasswd: no such file or directory',
    },
  },
  {
    of: 'a lock that another process holds',
    lines: [
      line('error', 'failed to create cache db', { error: inUse, dbPath: '/images/cache.db' }),
      line('error', 'failed to init controller', { error: inUse }),
      `Error: ${inUse}`,
      ...usage,
      help,
    ],
    gives: { kind: 'logged', message: `failed to create cache db: ${inUse}` },
  },
  {
    of: 'a lock, without its log',
    lines: [`Error: ${inUse}`, ...usage, help],
    gives: { kind: 'error', message: inUse },
  },
  {
    of: 'exit 0 on a taken port',
    lines: [
      line('warn', 'skipping setting up ui routes'),
      line('error', 'failed to start controller, exiting', {
        error: 'listen tcp 127.0.0.1:5050: bind: address already in use',
      }),
    ],
    gives: {
      kind: 'logged',
      message: 'failed to start controller, exiting: listen tcp 127.0.0.1:5050: bind: address already in use',
    },
  },
  {
    of: 'an end that a signal asked for',
    lines: [
      line('error', 'failed to sync', { error: 'denied' }),
      line('info', 'received signal', { signal: 1 }),
      line('error', 'failed to start controller, exiting', { error: 'http: Server closed' }),
    ],
    gives: undefined,
  },
  {
    of: 'a bad config: its message has two lines and a blank one',
    lines: [
      line('error', 'failed to unmarshal new config', {
        error: "decoding failed due to the following error(s):\n\n'HTTP' has invalid keys: teapot",
      }),
      'Error: decoding failed due to the following error(s):',
      '',
      "'HTTP' has invalid keys: teapot",
      ...usage,
    ],
    gives: {
      kind: 'logged',
      message:
        "failed to unmarshal new config: decoding failed due to the following error(s): 'HTTP' has invalid keys: teapot",
    },
  },
  {
    of: 'log.output in a folder that is not there',
    lines: ['panic: open /nowhere/zot.log: no such file or directory', ...frames],
    gives: { kind: 'panic', message: 'open /nowhere/zot.log: no such file or directory' },
  },
  {
    of: 'a fault of the program after its own error',
    lines: [
      line('error', 'failed to create root dir', { error: 'local: mkdir /images: not a directory' }),
      'panic: runtime error: invalid memory address or nil pointer dereference',
      '[signal SIGSEGV: segmentation violation code=0x1 addr=0xd0 pc=0x20a95f2]',
      ...frames,
    ],
    gives: {
      kind: 'panic',
      message:
        'failed to create root dir: local: mkdir /images: not a directory; then it broke off: runtime error: invalid memory address or nil pointer dereference',
    },
  },
  {
    of: 'a fault of the program long after an error',
    lines: [
      line('error', 'failed to sync', { error: 'denied' }, '11:00:00.0'),
      line('info', 'HTTP API'),
      'fatal error: concurrent map writes',
      ...frames,
    ],
    gives: { kind: 'panic', message: 'concurrent map writes' },
  },
  {
    of: 'an end without a word after lines that say nothing about it',
    lines: [
      '(node:123) ExperimentalWarning: soon',
      line('error', 'failed to sync', {}, '11:00:00.0'),
      line('info', 'HTTP API'),
    ],
    gives: undefined,
  },
  {
    of: 'a zotbar-registry without its accounts',
    lines: [
      line('error', 'failed to start', { error: 'http.auth.htpasswd.path /x: it does not exist' }),
      'zotbar-registry: http.auth.htpasswd.path /x: it does not exist',
    ],
    gives: { kind: 'logged', message: 'failed to start: http.auth.htpasswd.path /x: it does not exist' },
  },
  {
    of: 'a fault in zotbar-registry',
    lines: [
      'file:///app/zotbar-registry.mjs:12',
      "        throw new TypeError('no')",
      '              ^',
      '',
      'TypeError [ERR_NO]: no such thing',
      '    at ModuleJob.run (node:internal/modules/esm/module_job:413:25) {',
      "  code: 'ERR_NO'",
      '}',
      '',
      'Node.js v26.10.0',
    ],
    gives: { kind: 'error', message: 'TypeError [ERR_NO]: no such thing' },
  },
  {
    of: 'a program that cannot be loaded',
    lines: ['dyld[81]: Library not loaded: /usr/lib/libx.dylib'],
    gives: { kind: 'output', message: 'dyld[81]: Library not loaded: /usr/lib/libx.dylib' },
  },
  { of: 'nothing at all', lines: ['', '  '], gives: undefined },
]

describe('the last word', () => {
  it.each(runs)('is found in the output of $of', ({ lines, gives }) => {
    expect(lastWordOf(lines)).toEqual(gives)
  })

  it('is no error that was logged long before the end', () => {
    const lines = [line('error', 'failed to sync', { error: 'denied' })]
    const loggedAt = Date.parse('2026-12-01T12:03:09.587Z')
    expect(lastWordOf(lines, { endedAt: loggedAt + 1000 })?.message).toBe('failed to sync: denied')
    expect(lastWordOf(lines, { endedAt: loggedAt + 3_600_000 })).toBeUndefined()
  })

  it('is one short line without control characters', () => {
    const message = `\u001b[31mred\u001b[0m\u0007 a\nb ${'x'.repeat(600)}`
    const found = lastWordOf([line('error', message)])?.message ?? ''
    expect(found).toMatch(/^red a b x+…$/)
    expect(found).toHaveLength(501)
  })

  it('masks what would let its reader in', () => {
    for (const [text, masked] of [
      ['Get "https://ci:hush@ghcr.io/v2/": no', 'Get "https://***@ghcr.io/v2/": no'],
      ['Authorization: Bearer eyJhbGciOiJSUzI1NiJ9.e30', 'Authorization: Bearer ***'],
      ['key zak_0123456789 is void', 'key zak_*** is void'],
      ['post ?client_secret=hush&n=1', 'post ?client_secret=***&n=1'],
      ['{"password":"hush"}', '{"password":"***"}'],
      ['{"bindPassword": "hu\\"sh"}', '{"bindPassword": "***"}'],
      [
        '{"headers":{"Cookie":["session=a]b; user=ci","x=\\"y\\""],"User-Agent":["curl"]}}',
        '{"headers":{"Cookie":"***","User-Agent":["curl"]}}',
      ],
      ['{"headers":{"Cookie":["session=hu', '{"headers":{"Cookie":"***"'],
      ['{"set-cookie": "session=hush; Path=/"}', '{"set-cookie": "***"}'],
      [
        String.raw`{"m":"{\"Cookie\":[\"session=hush\"]}","n":1}`,
        String.raw`{"m":"{\"Cookie\":[\"***","n":1}`,
      ],
      ['Cookie: session="hush"; user=ci', 'Cookie: ***'],
      ['map[Cookie:[session=hush] Accept:[*/*]]', 'map[Cookie:[***'],
      ['cannot read the cookie: it is too old', 'cannot read the cookie: it is too old'],
      ['{"Authorization":["Basic YTpi"]}', '{"Authorization":["***"]}'],
      ['"User-Agent":["zotbar (run 0a1b2c3d)"]', '"User-Agent":["zotbar (run ***)"]'],
      ['dial redis://:hu@sh@cache:6379: no', 'dial redis://***@cache:6379: no'],
      ['open password_file=/run/pw: no', 'open password_file=/run/pw: no'],
      [
        'failed to load public key for bearer authentication',
        'failed to load public key for bearer authentication',
      ],
    ] as const)
      expect(maskSecretsIn(text)).toBe(masked)
  })
})

describe('lines without traces', () => {
  it('are what was said, and what follows a trace', () => {
    const said = [line('info', 'a'), 'panic: b', '']
    expect(withoutTraces([...said, ...frames.slice(1), line('info', 'c')])).toEqual([
      ...said,
      line('info', 'c'),
    ])
    expect(withoutTraces(['Error: a', ...usage, help])).toEqual(['Error: a'])
  })
})
