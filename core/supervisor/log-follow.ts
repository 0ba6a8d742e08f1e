import { constants, statSync } from 'node:fs'
import { type FileHandle, open, stat } from 'node:fs/promises'
import type { Clock } from '../../lib/clock.ts'
import { serialQueue } from '../platform/serial-queue.ts'
import { watchFile } from './file-watch.ts'
import type { LogBatch, LogLimits } from './log-file.ts'
import { createLineSplitter, type LineSplitter } from './log-lines.ts'
import { lastLinesIn } from './log-read.ts'

/** A log that is somebody else's: read, and never made, changed, rotated or truncated. */
export interface LogFollower {
  /** The newest lines, oldest first; those in a file that was renamed away come before those under the name. */
  tail(count: number): Promise<string[]>
  /** The writer starts anew and so opens the name: what it was renamed away from is read to its end and let go. */
  writerStarts(): void
  close(): Promise<void>
}

/** One file that the name stood for. A writer goes on in it after a rename, until it opens the name again. */
interface Piece {
  id: string
  handle: FileHandle
  position: number
  cutter: LineSplitter
}

/** While a writer may be in a file without a name, no watch tells of its lines: looked at so often, ms. */
const lookEvery = 1000
/** Of the files that were renamed away so many are read on. */
const mostPieces = 3

/**
 * Calls back for lines that are written to `file` from now on, across rotation by rename (logrotate's `create`), by copy
 * and truncate, and across its removal. It need not be there yet.
 */
export function followLog(
  file: string,
  clock: Clock,
  limits: LogLimits,
  listener: (batch: LogBatch) => void,
): LogFollower {
  const first = statSync(file, { throwIfNoEntry: false })
  const begun = first && { id: idOf(first), size: first.size }
  let pieces: Piece[] = []
  let readAt = 0
  /** Of the lines read last: what was skipped is counted by it. */
  let lineBytes = 100
  let closed = false
  let leaving = false
  const queue = serialQueue()
  let cancel: (() => void) | undefined

  /** Soon after a change, and not more often than `every`. */
  function nudge(): void {
    wakeAt(Math.max(clock.now() + 10, readAt + limits.intervalMs))
  }

  function wakeAt(at: number): void {
    if (closed || cancel !== undefined) return
    cancel = clock.setTimer(at, () => {
      cancel = undefined
      readAt = clock.now()
      void queue.run(round).catch(() => {})
    })
  }

  async function round(): Promise<void> {
    if (closed) return
    await openNamed()
    const grown = new Set<Piece>()
    for (const piece of pieces) if (await readNew(piece)) grown.add(piece)
    await letGo(grown)
    if (pieces.length > 1) wakeAt(clock.now() + lookEvery)
  }

  /** The file of that name now, last of the pieces. */
  async function openNamed(): Promise<void> {
    const found = await stat(file).catch(() => undefined)
    if (!found?.isFile() || pieces.at(-1)?.id === idOf(found)) return
    const back = pieces.find(({ id }) => id === idOf(found))
    if (back !== undefined) {
      pieces = [...pieces.filter(piece => piece !== back), back]
      return
    }
    // Not for ever, where a pipe took its place in this instant.
    const handle = await open(file, constants.O_RDONLY | constants.O_NONBLOCK)
    const opened = await handle.stat()
    const id = idOf(opened)
    const isFirst = pieces.length === 0 && id === begun?.id
    pieces.push({
      id,
      handle,
      position: isFirst ? Math.min(begun.size, opened.size) : 0,
      cutter: createLineSplitter(limits.lineChars),
    })
  }

  /** Answers whether there was something. */
  async function readNew(piece: Piece): Promise<boolean> {
    const { handle, cutter } = piece
    const { size } = await handle.stat()
    if (size < piece.position) {
      piece.position = 0
      cutter.reset(false)
    }
    if (size === piece.position) return false
    const skipped = Math.max(0, size - piece.position - limits.batchBytes)
    if (skipped > 0) cutter.reset(true)
    piece.position += skipped
    const buffer = Buffer.allocUnsafe(size - piece.position)
    const { bytesRead } = await handle.read(buffer, 0, buffer.length, piece.position)
    piece.position += bytesRead
    publish(cutter.push(buffer.subarray(0, bytesRead)), bytesRead, skipped)
    return true
  }

  /** Once the writer is in the file of the name, the others are at their end. */
  async function letGo(grown: ReadonlySet<Piece>): Promise<void> {
    const named = pieces.at(-1)
    const moved = leaving || (named !== undefined && grown.has(named))
    leaving = false
    const kept = pieces.filter(
      (piece, index) =>
        piece === named || grown.has(piece) || (!moved && index >= pieces.length - mostPieces),
    )
    const gone = pieces.filter(piece => !kept.includes(piece))
    pieces = kept
    for (const { handle } of gone) await handle.close()
  }

  function publish(lines: string[], bytes: number, skipped: number): void {
    if (lines.length > 0) lineBytes = bytes / lines.length
    const kept = lines.slice(-limits.batchLines)
    const unread = skipped === 0 ? 0 : Math.max(1, Math.round(skipped / lineBytes))
    const dropped = lines.length - kept.length + unread
    if (kept.length > 0 || dropped > 0) listener({ lines: kept, dropped })
  }

  const unwatch = watchFile(file, clock, nudge)
  // The file as it is now is held, so that it is read to its end even where it is renamed before a line comes.
  void queue.run(openNamed).catch(() => {})

  return {
    tail: count =>
      queue.run(async () => {
        if (closed) return []
        await openNamed()
        let lines: string[] = []
        for (const { handle } of pieces.toReversed()) {
          if (lines.length >= count) break
          const { lineChars } = limits
          lines = [...(await lastLinesIn(handle, count - lines.length, { lineChars })), ...lines]
        }
        return lines
      }),
    writerStarts() {
      leaving = true
      nudge()
    },
    async close() {
      closed = true
      cancel?.()
      unwatch()
      await queue.run(async () => {
        for (const { handle } of pieces) await handle.close()
        pieces = []
      })
    },
  }
}

const idOf = ({ dev, ino }: { dev: number; ino: number }): string => `${dev}:${ino}`
