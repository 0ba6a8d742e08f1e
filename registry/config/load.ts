import { readFile, stat } from 'node:fs/promises'
import { type ParsedConfig, type ParseOptions, parseConfig } from './config.ts'
import { endingOf, formatOf } from './format.ts'

/** `text` is what was read; empty when nothing could be. */
export type LoadedConfig = ParsedConfig & { file: string; text: string }

/**
 * Reads and parses a config file, in the format of its ending unless one is given. A file that cannot be read is a
 * problem with code `unreadable`.
 */
export async function loadConfig(file: string, options: ParseOptions = {}): Promise<LoadedConfig> {
  const read = await readConfigText(file)
  if (!read.ok) return unreadable(file, read.reason)
  const { text } = read
  const format = options.format ?? formatOf(file)
  if (format === undefined)
    return unreadable(file, `Zotbar reads .json, .yaml and .yml, and this is .${endingOf(file)}`)
  return { ...parseConfig(text, { ...options, format }), file, text }
}

/** Several times what the parser takes, in any script. */
const maxBytes = 4_000_000

/** The text of a config file as it is; `reason` is half a sentence. Text that could not be written back is none. */
export async function readConfigText(
  file: string,
): Promise<{ ok: true; text: string } | { ok: false; reason: string }> {
  try {
    // A pipe would be waited for without end.
    const found = await stat(file)
    if (!found.isFile())
      return { ok: false, reason: found.isDirectory() ? 'it is a folder' : 'it is not a plain file' }
    if (found.size > maxBytes) return { ok: false, reason: `it is larger than ${maxBytes / 1e6} MB` }
    const bytes = await readFile(file)
    return { ok: true, text: new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes) }
  } catch (error) {
    return { ok: false, reason: whyUnreadable(error) }
  }
}

function unreadable(file: string, why: string): LoadedConfig {
  const message = `the file cannot be read: ${why}`
  return { ok: false, problems: [{ code: 'unreadable', message }], warnings: [], file, text: '' }
}

function whyUnreadable(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  switch (code) {
    case 'ENOENT':
      return 'it does not exist'
    case 'EACCES':
    case 'EPERM':
      return 'access is denied'
    case 'ERR_ENCODING_INVALID_ENCODED_DATA':
      return 'it is not UTF-8 text'
    default:
      return error instanceof Error ? error.message : String(error)
  }
}
