import { readFile } from 'node:fs/promises'
import { type ParsedConfig, parseConfig } from './parse.ts'

/** `text` is what was read; empty when nothing could be. */
export type LoadedConfig = ParsedConfig & { file: string; text: string }

/** Reads and parses a config.json. A file that cannot be read is a problem with code `unreadable`. */
export async function loadConfig(file: string): Promise<LoadedConfig> {
  let text: string
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(await readFile(file))
  } catch (error) {
    const message = `the file cannot be read: ${whyUnreadable(error)}`
    return { ok: false, problems: [{ code: 'unreadable', message }], file, text: '' }
  }
  return { ...parseConfig(text), file, text }
}

function whyUnreadable(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  switch (code) {
    case 'ENOENT':
      return 'it does not exist'
    case 'EACCES':
    case 'EPERM':
      return 'access is denied'
    case 'EISDIR':
      return 'it is a folder'
    case 'ERR_ENCODING_INVALID_ENCODED_DATA':
      return 'it is not UTF-8 text'
    default:
      return error instanceof Error ? error.message : String(error)
  }
}
