import { constants, openSync, readlinkSync, statSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import sonicBoom from 'sonic-boom'
import { isStandardOutput, ownDescriptor } from '../config/log-output.ts'

export type Level = 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal' | 'panic'

const ranks: Record<string, number> = {
  trace: 0,
  debug: 1,
  info: 2,
  warn: 3,
  warning: 3,
  error: 4,
  fatal: 5,
  panic: 6,
}

/** Lines are written together after this, ms. */
const lineDelayMs = 50
/** With so much unwritten text (a full disk, a stuck reader) further lines are dropped, bytes. */
const maxBacklogBytes = 8 * 1024 * 1024

/** How long the end waits for the last lines, ms. */
const flushTimeoutMs = 500

/** zot's log: JSON lines that begin with time, level and message. */
export interface Logger {
  log(level: Level, message: string, fields?: Readonly<Record<string, unknown>>): void
  /** Whether lines of this level are kept. */
  isEnabled(level: Level): boolean
  /** From now on keeps lines of this level and above. */
  setLevel(level: string): void
  /** A finished line without its newline; for callers who build their own. */
  line(text: string): void
  /** Lines for which there was no room, since the start. */
  dropped(): number
  flush(): Promise<void>
  /** For the moment of death. */
  flushSync(): void
}

/** Opens the log on a file (a new one is 0600; appended to; throws when it cannot be) or on standard output. */
export function openLogger(
  level: string,
  output: string | undefined,
  maxBacklog: number = maxBacklogBytes,
): Logger {
  const fd = output === undefined ? 1 : openOutput(resolve(output))
  const sink = new sonicBoom.SonicBoom({
    fd,
    sync: false,
    // Longer ones live long enough to be promoted to the old generation, which costs memory and time.
    minLength: 8192,
    maxLength: maxBacklog,
  })
  // A log that cannot be written must not end the registry; the next write tries again.
  sink.on('error', () => {})
  let threshold = ranks[level] ?? 0
  let timer: NodeJS.Timeout | undefined

  /** Bytes that the sink has taken and not yet written. */
  let unwritten = 0
  let dropped = 0
  /** Of them, those that no line speaks of yet. */
  let unreported = 0

  const line = (text: string): void => {
    const ended = `${text}\n`
    unwritten += Buffer.byteLength(ended)
    sink.write(ended)
    if (timer !== undefined) return
    timer = setTimeout(() => {
      timer = undefined
      sink.flush()
    }, lineDelayMs)
  }
  sink.on('drop', (text: string) => {
    unwritten -= Buffer.byteLength(text)
    dropped++
    unreported++
  })
  sink.on('write', (bytes: number) => {
    unwritten -= bytes
  })
  sink.on('drain', () => {
    // While something is being written the sink forgets that a flush was asked for.
    if (unwritten > 0 && timer === undefined) sink.flush()
    if (unreported === 0) return
    const lines = unreported
    unreported = 0
    line(printLine('warn', `${lines} lines were dropped: they could not be written in time`, { lines }))
  })

  return {
    line,
    setLevel: next => {
      threshold = ranks[next] ?? 0
    },
    isEnabled: asked => (ranks[asked] ?? 0) >= threshold,
    log: (asked, message, fields) => {
      if ((ranks[asked] ?? 0) >= threshold) line(printLine(asked, message, fields))
    },
    dropped: () => dropped,
    flush: async () => {
      const deadline = performance.now() + flushTimeoutMs
      // The line about dropped lines is one more.
      while (unwritten > 0 && performance.now() < deadline) await drained(sink, deadline)
    },
    flushSync: () => {
      try {
        sink.flushSync()
      } catch {
        // Nowhere left to say it.
      }
    },
  }
}

function openOutput(file: string): number {
  const descriptor = ownDescriptor(file, readLink)
  if (isStandardOutput(descriptor)) return descriptor
  if (descriptor !== undefined) throw new Error('no log can go there, only to standard output or error')
  // For writing alone, a named pipe would hold up the start until somebody reads it.
  const isPipe = statSync(file, { throwIfNoEntry: false })?.isFIFO() === true
  return openSync(file, isPipe ? constants.O_RDWR | constants.O_NONBLOCK : 'a', 0o600)
}

export function readLink(path: string): string | undefined {
  try {
    return resolve(dirname(path), readlinkSync(path))
  } catch {
    return undefined
  }
}

/** Without SonicBoom's own callback: that one waits for the disk, which a log is not worth. */
function drained(sink: InstanceType<typeof sonicBoom.SonicBoom>, deadline: number): Promise<void> {
  return new Promise(resolve => {
    const done = (): void => {
      clearTimeout(timer)
      sink.off('drain', done)
      resolve()
    }
    const timer = setTimeout(done, deadline - performance.now())
    sink.once('drain', done)
    sink.flush()
  })
}

export function printLine(
  level: Level,
  message: string,
  fields: Readonly<Record<string, unknown>> = {},
): string {
  return JSON.stringify({ time: timestamp(Date.now()), level, message, ...fields })
}

let lastMs = 0
let lastText = ''

/** RFC 3339 in UTC; many lines share one millisecond. */
export function timestamp(ms: number): string {
  if (ms !== lastMs) {
    lastMs = ms
    lastText = new Date(ms).toISOString()
  }
  return lastText
}
