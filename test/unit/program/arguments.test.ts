import { describe, expect, it } from 'vitest'
import { parseStart, wantsJson } from '../../../core/program/arguments.ts'

const read = (...args: string[]) => parseStart(args, '/here')

describe("the core's command line", () => {
  it('takes what `zotbar start` takes, with or without its name', () => {
    const value = {
      json: true,
      keeper: 'terminal',
      successor: false,
      configFile: '/here/c.json',
      dashboardPort: 0,
    }
    const args = ['--headless', '--json', '--config', 'c.json', '--dashboard-port=0']
    expect(read('start', ...args)).toEqual({ ok: true, value })
    expect(read(...args)).toEqual({ ok: true, value })
    expect(read()).toEqual({ ok: true, value: { json: false, keeper: 'terminal', successor: false } })
    expect(read('--keeper', 'app')).toMatchObject({ value: { keeper: 'app' } })
  })

  it.each([
    [['--hedless'], "unknown option '--hedless'", '--headless'],
    [['--frobnicate'], "unknown option '--frobnicate'", undefined],
    [['-x'], "unknown option '-x'", undefined],
    [['--config'], "option '--config <file>' argument missing", undefined],
    [['--config='], "option '--config <file>' argument missing", undefined],
    [['--json=yes'], "option '--json' takes no value", undefined],
    [
      ['--keeper', 'me'],
      "option '--keeper <name>' argument 'me' is invalid. Allowed: terminal, service, app",
      undefined,
    ],
    ...['65536', '-1', '1.5', 'x', ' 1'].map(
      port =>
        [
          [`--dashboard-port=${port}`],
          `option '--dashboard-port <n>' argument '${port}' is invalid. Allowed: 0 to 65535`,
          undefined,
        ] as [string[], string, undefined],
    ),
    [['start', 'now'], "too many arguments for 'start'. Expected 0 arguments but got 1", undefined],
  ] as [string[], string, string | undefined][])('%j is refused in words', (args, message, near) => {
    expect(read(...args)).toEqual({
      ok: false,
      error: { code: 'usage', message, ...(near === undefined ? {} : { near }) },
    })
  })

  it('knows whether JSON was asked for', () => {
    expect(wantsJson(['start', '--nonsense', '--json'])).toBe(true)
    expect(wantsJson(['start', '--', '--json'])).toBe(false)
  })
})
