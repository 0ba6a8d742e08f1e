import {
  chmodSync,
  closeSync,
  fstatSync,
  lstatSync,
  mkdirSync,
  openSync,
  readSync,
  statSync,
  writeSync,
} from 'node:fs'
import { open } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { Clock } from '../../lib/clock.ts'
import { watchFile } from './file-watch.ts'
import { createLineSplitter } from './log-lines.ts'
import { lastLinesOf } from './log-read.ts'
import { rotate, rotatedName } from './log-rotation.ts'

/** New lines of the output, oldest first. `dropped`: how many before them were not read (in a flood: about). */
export interface LogBatch {
  lines: string[]
  dropped: number
}

export interface LogLimits {
  /** A log of this size is rotated; so many rotated ones are kept. */
  maxBytes: number
  retained: number
  /** Longest line, in characters. */
  lineChars: number
  /** At most so many lines and bytes are followed in `every` ms. */
  batchLines: number
  batchBytes: number
  intervalMs: number
}

export const standardLogLimits: LogLimits = {
  maxBytes: 10 * 1024 * 1024,
  retained: 4,
  lineChars: 16_384,
  batchLines: 2000,
  batchBytes: 2 * 1024 * 1024,
  intervalMs: 250,
}

/** The registry's output on disk: followed, rotated, read back. */
export interface LogFile {
  /** A descriptor for a new process to append to; begins on a line of its own. */
  openForAppend(): number
  /** Where the output goes on from now, as a number that survives rotation. */
  mark(): number
  /** The last lines written since a mark. */
  linesSince(mark: number, count: number, lineChars: number): Promise<string[]>
  /** The newest lines, rotated ones included; oldest first. */
  tail(count: number): Promise<string[]>
  /** Calls back for lines written from now on; answers the end of the subscription. */
  follow(listener: (batch: LogBatch) => void): () => void
  /** Ends following; waits for a rotation that is under way. */
  close(): Promise<void>
}

/**
 * A file of the app's own: it and its folder are made (0600 and 0700) if they are not there. Where somebody put a link or
 * a device in its place, that is written to and read, and neither rotated nor given another mode.
 */
export function createLogFile(file: string, clock: Clock, limits: LogLimits): LogFile {
  closeSync(openPrivately(file))
  if (isPlain(file)) chmodSync(file, 0o600)

  const listeners = new Set<(batch: LogBatch) => void>()
  const cutter = createLineSplitter(limits.lineChars)
  let position = sizeOf(file)
  /** Bytes that rotation cut off so far: a mark is this plus a place in the file. */
  let cutOff = 0
  let readAt = 0
  /** Of the lines read last: what was skipped is counted by it. */
  let lineBytes = 100
  let closed = false
  let work: Promise<void> | undefined
  let again = false
  let cancel: (() => void) | undefined

  /** Soon after a change, and not more often than `every`. */
  function nudge() {
    if (closed || cancel !== undefined) return
    if (work !== undefined) {
      again = true
      return
    }
    const due = Math.max(clock.now() + 10, readAt + limits.intervalMs)
    cancel = clock.setTimer(due, () => {
      cancel = undefined
      readAt = clock.now()
      work = round()
        .catch(() => {})
        .then(() => {
          work = undefined
          if (!again) return
          again = false
          nudge()
        })
    })
  }

  async function round() {
    await readNew()
    if (sizeOf(file) < limits.maxBytes || closed || !isPlain(file)) return
    await readNew()
    const end = await rotate(file, limits)
    const missed = end - position
    cutOff += end
    position = 0
    if (missed <= 0) return
    cutter.reset(true)
    publish([], 0, missed)
  }

  async function readNew() {
    const handle = await open(file, 'r').catch(() => undefined)
    if (handle === undefined) {
      position = 0
      return
    }
    try {
      const { size } = await handle.stat()
      if (size < position) {
        position = 0
        cutter.reset(false)
      }
      const skipped = Math.max(0, size - position - limits.batchBytes)
      if (skipped > 0) cutter.reset(true)
      position += skipped
      const buffer = Buffer.allocUnsafe(size - position)
      const { bytesRead } = await handle.read(buffer, 0, buffer.length, position)
      position += bytesRead
      publish(cutter.push(buffer.subarray(0, bytesRead)), bytesRead, skipped)
    } finally {
      await handle.close()
    }
  }

  function publish(lines: string[], bytes: number, skipped: number) {
    if (lines.length > 0) lineBytes = bytes / lines.length
    const kept = lines.slice(-limits.batchLines)
    const unread = skipped === 0 ? 0 : Math.max(1, Math.round(skipped / lineBytes))
    const dropped = lines.length - kept.length + unread
    if (kept.length === 0 && dropped === 0) return
    for (const listener of listeners) listener({ lines: kept, dropped })
  }

  const watch = watchFile(file, clock, nudge)
  if (position >= limits.maxBytes) nudge()

  return {
    openForAppend() {
      const output = openPrivately(file)
      const { size } = fstatSync(output)
      const last = Buffer.alloc(1)
      if (size > 0 && readSync(output, last, 0, 1, size - 1) === 1 && last[0] !== 10) endLine(output)
      return output
    },
    mark: () => cutOff + sizeOf(file),
    linesSince: (mark, count, lineChars) =>
      lastLinesOf(file, count, { from: Math.max(0, mark - cutOff), lineChars }),
    async tail(count) {
      const { lineChars } = limits
      const lines = await lastLinesOf(file, count, { lineChars })
      if (lines.length >= count) return lines
      const older = await lastLinesOf(rotatedName(file, 1), count - lines.length, { lineChars })
      return [...older, ...lines]
    },
    follow(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    async close() {
      closed = true
      cancel?.()
      watch()
      listeners.clear()
      await work
    },
  }
}

function sizeOf(file: string): number {
  return statSync(file, { throwIfNoEntry: false })?.size ?? 0
}

const isPlain = (file: string): boolean => lstatSync(file, { throwIfNoEntry: false })?.isFile() === true

function openPrivately(file: string): number {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 })
  return openSync(file, 'a+', 0o600)
}

function endLine(output: number) {
  try {
    writeSync(output, '\n')
  } catch {
    // A full disk: the registry will say so itself.
  }
}
