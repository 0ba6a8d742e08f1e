import { constants, statSync } from 'node:fs'
import { type FileHandle, open, stat } from 'node:fs/promises'
import type { Clock } from '../../lib/clock.ts'
import { serialQueue } from '../../lib/serial-queue.ts'
import { watchFile } from '../platform/file-watch.ts'
import {
  createLineSplitter,
  createLogReader,
  type LogBatch,
  type LogCursor,
  type LogLimits,
  lastLinesIn,
} from '../platform/log-lines.ts'

/** A log that is somebody else's: read, and never created, changed, rotated or truncated. */
export interface LogFollower {
  /** The newest lines, oldest first; those in a file that was renamed away come before those under the name. */
  tail(count: number): Promise<string[]>
  /** The writer starts anew and so opens the name: files that were renamed away are read to their end and closed. */
  writerStarts(): void
  close(): Promise<void>
}

/** One file that the name stood for. A writer goes on in it after a rename, until it opens the name again. */
interface OpenFile extends LogCursor {
  id: string
  handle: FileHandle
}

/** No watch reports lines in a file without a name, so that it is checked this often while a writer may be in it. */
const checkIntervalMs = 1000
/** How many files are read at a time, those that were renamed away included. */
const maxFiles = 3

/**
 * Calls back for lines that are written to `file` from now on, across rotation by rename (logrotate's `create`), by copy
 * and truncate, and across its removal. It may be missing at first.
 */
export function followLog(
  file: string,
  clock: Clock,
  limits: LogLimits,
  listener: (batch: LogBatch) => void,
): LogFollower {
  const reader = createLogReader(limits, listener)
  const files = createOpenFiles(file, limits.lineChars)
  const queue = serialQueue()
  let readAt = 0
  let isClosed = false
  let hasWriterStarted = false
  let cancel: (() => void) | undefined

  /** Reads soon after a change, and not more often than `intervalMs`. */
  function readSoon(): void {
    readOnceAt(Math.max(clock.now() + 10, readAt + limits.intervalMs))
  }

  function readOnceAt(at: number): void {
    if (isClosed || cancel !== undefined) return
    cancel = clock.setTimer(at, () => {
      cancel = undefined
      readAt = clock.now()
      void queue.run(readAll).catch(() => {})
    })
  }

  async function readAll(): Promise<void> {
    if (isClosed) return
    await files.openNamed()
    const grown = new Set<OpenFile>()
    for (const open of files.all()) if (await reader.readAppended(open.handle, open)) grown.add(open)
    const mayCloseOthers = hasWriterStarted
    hasWriterStarted = false
    await files.closeFinished(grown, mayCloseOthers)
    if (files.all().length > 1) readOnceAt(clock.now() + checkIntervalMs)
  }

  const unwatch = watchFile(file, clock, readSoon)
  // The file is opened now, so that it is read to its end even if it is renamed before a line comes.
  void queue.run(files.openNamed).catch(() => {})

  return {
    tail: count =>
      queue.run(async () => {
        if (isClosed) return []
        await files.openNamed()
        let lines: string[] = []
        for (const { handle } of files.all().toReversed()) {
          if (lines.length >= count) break
          const { lineChars } = limits
          lines = [...(await lastLinesIn(handle, count - lines.length, { lineChars })), ...lines]
        }
        return lines
      }),
    writerStarts() {
      hasWriterStarted = true
      readSoon()
    },
    async close() {
      isClosed = true
      cancel?.()
      unwatch()
      await queue.run(files.closeAll)
    },
  }
}

interface OpenFiles {
  /** The file that has the name comes last. */
  all(): readonly OpenFile[]
  /** Opens the file that has the name now. */
  openNamed(): Promise<void>
  /** Closes the files that a writer has left: once it is in the file of the name, the others are at their end. */
  closeFinished(grown: ReadonlySet<OpenFile>, hasWriterStarted: boolean): Promise<void>
  closeAll(): Promise<void>
}

function createOpenFiles(file: string, lineChars: number): OpenFiles {
  const first = statSync(file, { throwIfNoEntry: false })
  const begun = first && { id: idOf(first), size: first.size }
  let files: OpenFile[] = []
  return {
    all: () => files,
    async openNamed() {
      const stats = await stat(file).catch(() => undefined)
      if (!stats?.isFile() || files.at(-1)?.id === idOf(stats)) return
      const known = files.find(({ id }) => id === idOf(stats))
      if (known !== undefined) {
        files = [...files.filter(open => open !== known), known]
        return
      }
      // Non-blocking, because opening a pipe that took the place of the file would wait for ever.
      const handle = await open(file, constants.O_RDONLY | constants.O_NONBLOCK)
      const opened = await handle.stat()
      const id = idOf(opened)
      const isFirst = files.length === 0 && id === begun?.id
      files.push({
        id,
        handle,
        position: isFirst ? Math.min(begun.size, opened.size) : 0,
        splitter: createLineSplitter(lineChars),
      })
    },
    async closeFinished(grown, hasWriterStarted) {
      const named = files.at(-1)
      const hasMoved = hasWriterStarted || (named !== undefined && grown.has(named))
      const remaining = files.filter(
        (open, index) => open === named || grown.has(open) || (!hasMoved && index >= files.length - maxFiles),
      )
      const finished = files.filter(open => !remaining.includes(open))
      files = remaining
      for (const { handle } of finished) await handle.close()
    },
    async closeAll() {
      for (const { handle } of files) await handle.close()
      files = []
    },
  }
}

const idOf = ({ dev, ino }: { dev: number; ino: number }): string => `${dev}:${ino}`
