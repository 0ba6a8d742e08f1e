import { appendFileSync, chmodSync, lstatSync, mkdirSync, renameSync, rmSync, statSync } from 'node:fs'
import { dirname } from 'node:path'

type LogData = Readonly<Record<string, unknown>>

/** The app's own log, for looking into things afterwards. Never given secrets; writing never throws. */
export interface AppLog {
  info(message: string, data?: LogData): void
  warn(message: string, data?: LogData): void
  error(message: string, data?: LogData): void
}

interface Options {
  file: string
  now(): number
  /** Rotated before it grows over this; the one before is kept as FILE.1. */
  maxBytes?: number
}

/**
 * JSON lines: {"time", "level", "message", ...data}. The app says little, so each line is written at once, and the
 * last words before a crash are there.
 */
export function openAppLog({ file, now, maxBytes = 1024 * 1024 }: Options): AppLog {
  let size: number | undefined

  function write(level: string, message: string, data: LogData = {}) {
    const line = `${JSON.stringify({ time: new Date(now()).toISOString(), level, message, ...data }, serializable)}\n`
    try {
      size ??= open(file)
      if (size > 0 && size + Buffer.byteLength(line) > maxBytes) {
        rmSync(`${file}.1`, { force: true })
        renameSync(file, `${file}.1`)
        size = 0
      }
      appendFileSync(file, line, { mode: 0o600 })
      size += Buffer.byteLength(line)
    } catch {
      // A full disk or a folder that went away must not take the app with it. Looked at afresh next time.
      size = undefined
    }
  }
  return {
    info: (message, data) => write('info', message, data),
    warn: (message, data) => write('warn', message, data),
    error: (message, data) => write('error', message, data),
  }
}

function open(file: string): number {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 })
  const stats = statSync(file, { throwIfNoEntry: false })
  // A link leads to something that need not be ours.
  const isPlain = lstatSync(file, { throwIfNoEntry: false })?.isFile() === true
  if (stats !== undefined && isPlain && (stats.mode & 0o077) !== 0) chmodSync(file, 0o600)
  return stats?.size ?? 0
}

/** An Error has no own enumerable keys: without this it would be written as {}. */
function serializable(_key: string, value: unknown): unknown {
  return value instanceof Error
    ? (value.stack ?? value.message)
    : typeof value === 'bigint'
      ? String(value)
      : value
}
