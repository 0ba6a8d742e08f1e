import type { Failure } from '../contract/failure.ts'
import type { SettingChanged, SettingRow } from '../contract/setting.ts'
import { exitCode } from './output.ts'
import type { Verb, VerbContext } from './verb.ts'

/** All settings with their values. */
export const list: Verb<object> = async ({ out, client }) => {
  const reply = await client.zotbar.settings.list({})
  if (!reply.ok) return out.failure(reply.error)
  const { settings } = reply.value
  out.object({ settings })
  const key = Math.max(...settings.map(row => row.key.length), 3) + 2
  const value = Math.max(...settings.map(row => cell(row.value).length), 5) + 2
  for (const row of settings)
    out.line(`${row.key.padEnd(key)}${cell(row.value).padEnd(value)}${row.words} (${row.allowed})`)
  return exitCode.done
}

/** One setting; people see its value alone. */
export const get: Verb<{ key: string }> = async ({ out, client }, { key }) => {
  const reply = await client.zotbar.settings.get({ key })
  if (!reply.ok) return refused({ out, client }, reply.error)
  out.object(reply.value)
  out.line(text(reply.value.value))
  return exitCode.done
}

/** Changes one setting; without a value it goes back to its default. */
export const set: Verb<{ key: string; value: string | undefined }> = async ({ out, client }, options) => {
  const { key } = options
  const row = await client.zotbar.settings.get({ key })
  if (!row.ok) return refused({ out, client }, row.error)
  const value = options.value === undefined ? null : parseValue(row.value, options.value)
  const done = await client.zotbar.settings.set({ key, value })
  if (!done.ok) return out.failure(done.error)
  out.object(done.value)
  out.line(`${key} is ${text(done.value.value)}: ${effectText(done.value)}`)
  return exitCode.done
}

function effectText({ key, value, takesEffect }: SettingChanged): string {
  if (takesEffect === 'now') return 'in effect now'
  if (key === 'registry.open' && value === '')
    return 'what serves goes on until it is stopped (zotbar stop), and an open registry is not started again'
  return 'takes effect with the next start of the registry: zotbar restart'
}

/** Prints the failure; for an unknown key also the keys that exist. */
async function refused({ out, client }: Pick<VerbContext, 'out' | 'client'>, error: Failure) {
  const code = out.failure(error)
  if (error.code !== 'unknown-setting' || out.json) return code
  const reply = await client.zotbar.settings.list({})
  if (reply.ok) out.note(`  Allowed: ${reply.value.settings.map(({ key }) => key).join(', ')}`)
  return code
}

/** A word of the command line as the kind of value that the setting has; what does not fit is the core's to refuse. */
export function parseValue(row: SettingRow, word: string): string | number | boolean {
  if (typeof row.default === 'boolean') return word === 'true' ? true : word === 'false' ? false : word
  if (typeof row.default === 'number') return /^-?\d+(\.\d+)?$/.test(word) ? Number(word) : word
  return word
}

const text = (value: SettingRow['value']): string => (value === '' ? '(empty)' : String(value))

/** A value in a table: of several lines only their number. */
function cell(value: SettingRow['value']): string {
  const lines = text(value).split('\n').length
  return lines === 1 ? text(value) : `(${lines} lines)`
}
