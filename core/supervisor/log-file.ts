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
import { type FileHandle, open, rename, rm, truncate } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { Clock } from '../../lib/clock.ts'
import { watchFile } from '../platform/file-watch.ts'
import {
  createLineSplitter,
  createLogReader,
  type LogBatch,
  type LogLimits,
  lastLinesOf,
} from '../platform/log-lines.ts'

const recentBytes = 256 * 1024

/** The registry's output on disk: followed, rotated, read back. */
export interface LogFile {
  /** A descriptor for a new process to append to; begins on a line of its own. */
  openForAppend(): number
  /** Where the output goes on from now, as a number that survives rotation. */
  mark(): number
  /** The newest lines written since a mark, out of the last 256 KB; oldest first. */
  linesSince(mark: number): Promise<string[]>
  /** The newest lines, rotated ones included; oldest first. */
  tail(count: number): Promise<string[]>
  /** Calls back for lines written from now on; answers how to end the subscription. */
  follow(listener: (batch: LogBatch) => void): () => void
  /** Ends following; waits for a rotation that is under way. */
  close(): Promise<void>
}

/**
 * A file of the core's own: it and its folder are created (0600 and 0700) if they are missing. Where somebody put a link
 * or a device in its place, that is written to and read, and neither rotated nor given another mode.
 */
export function createLogFile(file: string, clock: Clock, limits: LogLimits): LogFile {
  closeSync(openPrivately(file))
  if (isRegularFile(file)) chmodSync(file, 0o600)

  const listeners = new Set<(batch: LogBatch) => void>()
  const reader = createLogReader(limits, batch => {
    for (const listener of listeners) listener(batch)
  })
  const cursor = { position: sizeOf(file), splitter: createLineSplitter(limits.lineChars) }
  /** Bytes that rotation removed so far: a mark is this plus a position in the file. */
  let rotatedBytes = 0
  let readAt = 0
  let isClosed = false
  let work: Promise<void> | undefined
  let isWorkWaiting = false
  let cancel: (() => void) | undefined

  /** Works soon after a change, and not more often than `intervalMs`. */
  function workSoon() {
    if (isClosed || cancel !== undefined) return
    if (work !== undefined) {
      isWorkWaiting = true
      return
    }
    const due = Math.max(clock.now() + 10, readAt + limits.intervalMs)
    cancel = clock.setTimer(due, () => {
      cancel = undefined
      readAt = clock.now()
      work = readAndRotate()
        .catch(() => {})
        .then(() => {
          work = undefined
          if (!isWorkWaiting) return
          isWorkWaiting = false
          workSoon()
        })
    })
  }

  async function readAndRotate() {
    await readNew()
    if (sizeOf(file) < limits.maxBytes || isClosed || !isRegularFile(file)) return
    await readNew()
    const end = await rotate(file, limits)
    const missedBytes = end - cursor.position
    rotatedBytes += end
    cursor.position = 0
    if (missedBytes <= 0) return
    cursor.splitter.reset(true)
    reader.publishSkipped(missedBytes)
  }

  async function readNew() {
    const handle = await open(file, 'r').catch(() => undefined)
    if (handle === undefined) {
      cursor.position = 0
      return
    }
    try {
      await reader.readAppended(handle, cursor)
    } finally {
      await handle.close()
    }
  }

  const unwatch = watchFile(file, clock, workSoon)
  if (cursor.position >= limits.maxBytes) workSoon()

  return {
    openForAppend() {
      const output = openPrivately(file)
      const { size } = fstatSync(output)
      const last = Buffer.alloc(1)
      if (size > 0 && readSync(output, last, 0, 1, size - 1) === 1 && last[0] !== 10) endLine(output)
      return output
    },
    mark: () => rotatedBytes + sizeOf(file),
    linesSince: mark =>
      lastLinesOf(file, Number.POSITIVE_INFINITY, {
        from: Math.max(0, mark - rotatedBytes),
        maxBytes: recentBytes,
        lineChars: limits.lineChars,
      }),
    async tail(count) {
      const { lineChars, retained } = limits
      // Each file as a whole, so that no lines are missing between two of them.
      const maxBytes = 2 * limits.maxBytes
      let lines = await lastLinesOf(file, count, { lineChars, maxBytes })
      for (let age = 1; age <= retained && lines.length < count; age += 1) {
        const older = await lastLinesOf(rotatedName(file, age), count - lines.length, { lineChars, maxBytes })
        lines = [...older, ...lines]
      }
      return lines
    },
    follow(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    async close() {
      isClosed = true
      cancel?.()
      unwatch()
      listeners.clear()
      await work
    },
  }
}

function sizeOf(file: string): number {
  return statSync(file, { throwIfNoEntry: false })?.size ?? 0
}

const isRegularFile = (file: string): boolean => lstatSync(file, { throwIfNoEntry: false })?.isFile() === true

function openPrivately(file: string): number {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 })
  return openSync(file, 'a+', 0o600)
}

function endLine(output: number) {
  try {
    writeSync(output, '\n')
  } catch {
    // A full disk: the registry will report it itself.
  }
}

/** `registry.log` -> `registry.log.1`; .1 is the newest. */
const rotatedName = (file: string, number: number): string => `${file}.${number}`

/**
 * Rotates by copy and truncate, so that the writer keeps its descriptor: it appends, and so goes on at 0. Of a file that
 * outgrew the limit in a flood only the last `maxBytes` are copied. Answers the size removed. Lines written between the
 * last read and the truncation are lost, a few of them in a flood.
 */
async function rotate(
  file: string,
  { maxBytes, retained }: Pick<LogLimits, 'maxBytes' | 'retained'>,
): Promise<number> {
  const copy = `${file}.copy`
  const source = await open(file, 'r')
  try {
    const end = await copyTail(source, copy, maxBytes)
    await rm(rotatedName(file, retained), { force: true })
    for (let number = retained - 1; number >= 1; number--)
      await rename(rotatedName(file, number), rotatedName(file, number + 1)).catch(() => {})
    if (retained > 0) await rename(copy, rotatedName(file, 1))
    else await rm(copy)
    await truncate(file, 0)
    return end
  } finally {
    await source.close()
  }
}

const chunkBytes = 1024 * 1024

/** Copies the last `maxBytes`, and what arrives meanwhile up to as much again. Answers the position of its end. */
async function copyTail(source: FileHandle, to: string, maxBytes: number): Promise<number> {
  const { size } = await source.stat()
  let position = Math.max(0, size - maxBytes)
  const limit = size + maxBytes
  const buffer = Buffer.allocUnsafe(chunkBytes)
  const target = await open(to, 'w', 0o600)
  try {
    while (position < limit) {
      const { bytesRead } = await source.read(buffer, 0, Math.min(chunkBytes, limit - position), position)
      if (bytesRead === 0) break
      await target.write(buffer, 0, bytesRead)
      position += bytesRead
    }
  } finally {
    await target.close()
  }
  return position
}
