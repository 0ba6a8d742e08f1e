import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { parseConfig } from '../../../registry/config/config.ts'
import { unsupported } from '../../../registry/config/supported.ts'
import type { Logger } from '../../../registry/log/logger.ts'
import { changedKeys, createReloader, type Reloadable, reload } from '../../../registry/reload/reloader.ts'
import { watchConfig } from '../../../registry/reload/watch-files.ts'
import { eventually } from '../../fakes/eventually.ts'

const folder = mkdtempSync(join(tmpdir(), 'zotbar-reload-'))
afterAll(() => rmSync(folder, { recursive: true }))

const textOf = (changes: object): string => JSON.stringify({ storage: { rootDirectory: '/r' }, ...changes })
const configOf = (changes: object = {}) => {
  const parsed = parseConfig(textOf(changes))
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems))
  return parsed.config
}

describe('changed keys', () => {
  it('are the deepest that differ', () => {
    expect(changedKeys({ a: { b: 1, c: [1] }, d: 1 }, { a: { b: 2, c: [1] }, e: 1 })).toEqual([
      'a.b',
      'd',
      'e',
    ])
    expect(changedKeys({ a: [1, 2] }, { a: [2, 1] })).toEqual(['a'])
    expect(changedKeys({ a: undefined }, {})).toEqual([])
  })

  it('are applied, or wait for a restart', () => {
    const started = configOf()
    const next = configOf({ log: { level: 'error' }, http: { port: '1' }, extensions: { lint: {} } })
    expect(reload(started, started, next, ['log.level'])).toEqual({
      apply: ['log.level'],
      needsRestart: ['http.port'],
    })
    // A key that could not change is still what it was at the start.
    expect(reload(started, next, started, ['log.level'])).toEqual({ apply: ['log.level'], needsRestart: [] })
  })
})

describe('the reloader', () => {
  const setUp = (part: Partial<Reloadable> = {}) => {
    const lines: { level: string; message: string; fields: Record<string, unknown> }[] = []
    const logger = {
      log: (level: string, message: string, fields = {}) => void lines.push({ level, message, fields }),
    } as unknown as Logger
    const applied: string[] = []
    const whole: Reloadable = {
      keys: ['log.level'],
      apply: next => void applied.push(next.log.level),
      ...part,
    }
    return {
      lines,
      applied,
      reloader: createReloader({ file: 'c.json', check: unsupported }, configOf(), logger, [whole]),
    }
  }

  it('brings back what was applied when a later part fails, and says what could not go back', async () => {
    const seen: string[] = []
    let fails = ['warn']
    const part = (key: string, isFragile: boolean): Reloadable => ({
      keys: [key],
      apply: ({ log }) => {
        seen.push(`${key} ${log.level}`)
        if (isFragile && fails.includes(log.level)) throw new Error('no room')
      },
    })
    const lines: string[] = []
    const logger = { log: (_level: string, message: string) => void lines.push(message) } as unknown as Logger
    const reloader = createReloader({ file: 'c.json', check: unsupported }, configOf(), logger, [
      part('log.level', false),
      part('log', true),
      part('log.level', false),
    ])
    const before = reloader.current()
    await reloader.take(textOf({ log: { level: 'warn' } }))
    expect(seen.splice(0)).toEqual(['log.level warn', 'log warn', 'log debug', 'log.level debug'])
    expect(reloader.current()).toBe(before)
    expect(lines.splice(0)).toEqual(['failed to reload config, the old one stays'])

    fails = ['warn', 'debug']
    await reloader.take(textOf({ log: { level: 'warn' } }))
    expect(lines.splice(0)).toEqual([
      expect.stringContaining('could not go back'),
      'failed to reload config, the old one stays',
    ])
    // With the next change it is tried again, although nothing of it changed.
    seen.length = 0
    fails = []
    await reloader.take(textOf({}))
    expect(seen).toEqual(['log debug'])
  })

  it('takes a changed file in YAML', async () => {
    const lines: string[] = []
    const logger = { log: (_level: string, message: string) => void lines.push(message) } as unknown as Logger
    const reloader = createReloader({ file: 'c.yaml', check: unsupported }, configOf(), logger, [])
    await reloader.take('storage: {rootDirectory: /r}\nlog:\n  level: warn\n')
    await reloader.take('storage: {')
    expect(reloader.current().log.level).toBe('warn')
    expect(lines.at(-1)).toBe('failed to reload config, the old one stays')
  })

  it('applies what changed', async () => {
    const { reloader, applied, lines } = setUp()
    await reloader.take(textOf({ log: { level: 'warn' } }))
    await reloader.take(textOf({ log: { level: 'warn' }, http: { port: '1' } }))
    expect(applied).toEqual(['warn'])
    expect(reloader.current().log.level).toBe('warn')
    expect(lines.map(({ level, fields }) => [level, fields['keys']])).toEqual([
      ['info', ['log.level']],
      ['warn', ['http.port']],
      ['info', []],
    ])
  })

  it.each([
    ['{', 'line'],
    [textOf({ http: { prt: 1 }, log: { level: 'x' } }), 'prt'],
    [textOf({ log: { level: 'warn' }, http: { auth: { ldap: {} } } }), 'zot engine'],
  ])('keeps the old one when the new one is %s', async (text, _words) => {
    const { reloader, applied, lines } = setUp()
    await reloader.take(text)
    expect(applied).toEqual([])
    expect(reloader.current().log.level).toBe('debug')
    expect(lines).toMatchObject([{ level: 'error', message: 'failed to reload config, the old one stays' }])
  })

  it('asks every part first', async () => {
    const { reloader, applied, lines } = setUp({ check: () => ['the file is not there'] })
    await reloader.take(textOf({ log: { level: 'warn' } }))
    expect(applied).toEqual([])
    expect(lines[0]!.fields['error']).toBe('the file is not there')
  })
})

describe('the watch on config.json', () => {
  it('sees a write in place, a replacement, and every one after it, once each', async () => {
    const file = join(folder, 'config.json')
    writeFileSync(file, 'one')
    const seen: string[] = []
    const stop = watchConfig(file, 'one', text => void seen.push(text), { settleForMs: 10, lookEveryMs: 200 })
    const replace = (text: string): void => {
      writeFileSync(`${file}.new`, text)
      renameSync(`${file}.new`, file)
    }
    writeFileSync(file, 'two')
    await eventually(() => seen.length === 1)
    replace('three')
    await eventually(() => seen.length === 2)
    writeFileSync(file, 'four')
    await eventually(() => seen.length === 3)
    rmSync(file)
    writeFileSync(file, 'five')
    await eventually(() => seen.length === 4)
    // The same content again is no change.
    replace('five')
    replace('six')
    await eventually(() => seen.length === 5)
    expect(seen).toEqual(['two', 'three', 'four', 'five', 'six'])
    stop()
  })
})
