import { join } from 'node:path'
import * as v from 'valibot'
import { fail, ok, type Result } from '../../contract/result.ts'
import type { SettingChanged, SettingRow } from '../../contract/setting.ts'
import type { Clock } from '../../lib/clock.ts'
import { reasonOf } from '../../lib/error-code.ts'
import { isObject } from '../../lib/json.ts'
import { nearest } from '../../lib/nearest.ts'
import { serialQueue } from '../../lib/serial-queue.ts'
import { readJsonFile, type SetAside, setAside, writeJsonFile } from '../platform/json-file.ts'
import { maskedAddress, type Setting } from './setting-kind.ts'
import { isSettingKey, type SettingKey, type SettingValue, settingTable } from './setting-table.ts'

export interface Settings {
  /** `masked`: for those who may not know the values of secret ones. */
  all(options?: { masked: boolean }): SettingRow[]
  get<K extends SettingKey>(key: K): SettingValue<K>
  /** One row; unknown-setting for a key that does not exist. */
  row(key: string, options?: { masked: boolean }): Result<SettingRow>
  /**
   * Changes a setting, durably before it answers; null goes back to the default. Text is read as on a command line.
   * Errors: unknown-setting, bad-setting, setting-not-allowed-here; home-unusable when it cannot be written.
   */
  set(key: string, value: SettingRow['value'] | null, via: SettingRow['via']): Promise<Result<SettingChanged>>
  /** Calls back after every change; returns the end of the subscription. */
  onChange(listener: (key: SettingKey) => void): () => void
}

interface Options {
  home: string
  clock: Pick<Clock, 'now'>
  /** Told when settings.json could not be understood and was moved aside. */
  report(setAside: SetAside): void
}

const keys = Object.keys(settingTable).filter(isSettingKey)
const anyObject = v.custom<Record<string, unknown>>(isObject)

/**
 * Opens `settings.json` of a home. Values that do not fit are set aside with a copy of the file, and replaced by
 * their defaults; keys that this version does not know are kept as they are.
 */
export async function openSettings({ home, clock, report }: Options): Promise<Settings> {
  const file = join(home, 'settings.json')
  const aside = { now: clock.now, report }
  let stored: Record<string, unknown> = (await readJsonFile(file, anyObject, aside)) ?? {}
  const bad = keys.filter(key => stored[key] !== undefined && !v.is(settingTable[key].schema, stored[key]))
  if (bad.length > 0) {
    stored = without(stored, bad)
    await setAside(file, aside)
    await writeJsonFile(file, stored)
  }
  const listeners = new Set<(key: SettingKey) => void>()
  /** One change after the other: each writes the whole file. */
  const queue = serialQueue()

  function get<K extends SettingKey>(key: K): SettingValue<K> {
    const read = v.safeParse<v.GenericSchema<unknown, SettingValue<K>>>(settingTable[key].schema, stored[key])
    return read.success ? read.output : settingTable[key].default
  }

  function rowOf(key: SettingKey, { masked } = { masked: false }): SettingRow {
    const setting: Setting<SettingRow['value']> = settingTable[key]
    const { default: byDefault, words, allowed, how, via, secret } = setting
    const value = get(key)
    const shown = masked && secret && typeof value === 'string' ? maskedAddress(value) : value
    return { key, value: shown, default: byDefault, words, allowed, how, via }
  }

  async function change(key: SettingKey, value: SettingRow['value'] | null): Promise<Result<SettingChanged>> {
    const { schema, allowed, how } = settingTable[key]
    const next = without(stored, [key])
    if (value !== null) {
      const read = v.safeParse(schema, typeof value === 'string' ? value.trim() : value)
      if (!read.success)
        return fail({ code: 'bad-setting', key, wrong: String(value).slice(0, 200), allowed })
      next[key] = read.output
    }
    try {
      await writeJsonFile(file, next)
    } catch (error) {
      return fail({ code: 'home-unusable', path: file, reason: reasonOf(error) })
    }
    const before = get(key)
    stored = next
    if (get(key) !== before) for (const listener of [...listeners]) listener(key)
    return ok({ key, value: get(key), takesEffect: how })
  }

  return {
    all: options => keys.map(key => rowOf(key, options)),
    get,
    row: (key, options) => (isSettingKey(key) ? ok(rowOf(key, options)) : unknown(key)),
    async set(key, value, via) {
      if (!isSettingKey(key)) return unknown(key)
      if (settingTable[key].via === 'cli' && via !== 'cli')
        return fail({ code: 'setting-not-allowed-here', key })
      // A listener that throws fails its own change, not the next one.
      return queue.run(() => change(key, value))
    },
    onChange(listener) {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
  }
}

function unknown(key: string) {
  const suggestion = nearest(key, keys)
  return fail({
    code: 'unknown-setting',
    key: key.slice(0, 100),
    ...(suggestion === undefined ? {} : { near: suggestion }),
  })
}

function without(all: Record<string, unknown>, keys: readonly string[]): Record<string, unknown> {
  return Object.fromEntries(Object.entries(all).filter(([key]) => !keys.includes(key)))
}
