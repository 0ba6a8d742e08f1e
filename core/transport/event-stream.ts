import type { Writable } from 'node:stream'
import type { Host } from '../../contract/host.ts'
import type { Snapshot } from '../../contract/snapshot.ts'
import { maskSecretsIn } from '../platform/secret-text.ts'

export interface EventStreamLimits {
  /** A comment line is sent this often, so that both ends notice a dead one. */
  heartbeatMs: number
  logLines: number
  logCharacters: number
}

export const eventStreamLimits: EventStreamLimits = {
  heartbeatMs: 15_000,
  logLines: 5_000,
  logCharacters: 1_000_000,
}

let last: { snapshot: Snapshot; text: string } | undefined

/** The same snapshot goes to every listener: it is written as JSON once. */
function snapshotText(snapshot: Snapshot): string {
  if (last?.snapshot !== snapshot)
    last = { snapshot, text: `event: snapshot\ndata: ${JSON.stringify(snapshot)}\n\n` }
  return last.text
}

/** One client's stream. */
export interface PushedEvents {
  /** Begins to send: first what `send` was given before, then the snapshot. */
  start(): void
  /** Whether somebody looks at what this client shows. */
  setLooking(looking: boolean): void
  /** Sends one more event, in front of what waits. */
  send(event: string, value: unknown): void
  /** Ends the subscription; the stream itself is ended by the caller. */
  stop(): void
}

export interface StreamOptions {
  /** The registry's output too. */
  withLog: boolean
  /** Nothing but the registry's output. */
  onlyLog?: boolean
  /** The lines without secrets in them. */
  masked?: boolean
  /** As in `Host.on`. */
  looking: boolean
  limits?: EventStreamLimits
}

/**
 * Pushes the core's events into one response body as server-sent events
 * (https://html.spec.whatwg.org/multipage/server-sent-events.html): a `snapshot` at the start, then each new one, and with
 * `log` also `log` {lines} and, where lines had to be dropped, `dropped` {lines: count} before them.
 * A listener that reads slowly costs a bounded amount: a newer snapshot replaces one not yet sent.
 */
export function pushEvents(
  host: Host,
  to: Writable,
  { withLog, onlyLog = false, masked = false, looking, limits = eventStreamLimits }: StreamOptions,
): PushedEvents {
  let waiting: Snapshot | undefined = onlyLog ? undefined : host.snapshot()
  const direct: string[] = []
  const log = logBacklog({ lines: limits.logLines, characters: limits.logCharacters })
  // Nothing is sent before the start.
  let full = true

  const next = (): string | undefined => {
    const first = direct.shift()
    if (first !== undefined) return first
    if (waiting) {
      const text = snapshotText(waiting)
      waiting = undefined
      return text
    }
    const batch = log.take()
    if (!batch) return undefined
    const dropped = batch.dropped === 0 ? '' : `event: dropped\ndata: {"lines":${batch.dropped}}\n\n`
    const lines =
      batch.lines.length === 0 ? '' : `event: log\ndata: ${JSON.stringify({ lines: batch.lines })}\n\n`
    return dropped + lines
  }
  const flush = (): void => {
    // Ended by the other side of this process: its listener goes a moment later.
    while (!full && !to.writableEnded) {
      const text = next()
      if (text === undefined) return
      full = !to.write(text)
    }
  }
  const drained = (): void => {
    full = false
    flush()
  }
  const takeSnapshots = (isLooking: boolean): (() => void) =>
    host.on(
      'snapshot',
      snapshot => {
        waiting = snapshot
        flush()
      },
      { looking: isLooking },
    )
  let endSnapshots = onlyLog ? () => {} : takeSnapshots(looking)
  const endLog = withLog
    ? host.on('log', ({ lines }) => {
        log.push(masked ? lines.map(maskSecretsIn) : lines)
        flush()
      })
    : undefined
  const heartbeat = setInterval(() => {
    if (!full && !to.writableEnded) full = !to.write(':\n\n')
  }, limits.heartbeatMs)
  heartbeat.unref()
  to.on('drain', drained)
  return {
    start: drained,
    setLooking(isLooking) {
      if (onlyLog) return
      const endBefore = endSnapshots
      endSnapshots = takeSnapshots(isLooking)
      endBefore()
    },
    send(event, value) {
      direct.push(`event: ${event}\ndata: ${JSON.stringify(value)}\n\n`)
      flush()
    },
    stop() {
      clearInterval(heartbeat)
      to.off('drain', drained)
      endSnapshots()
      endLog?.()
    },
  }
}

/** Log lines that wait for a slow listener: bounded in lines and in characters, oldest dropped first, and counted. */
export interface LogBacklog {
  push(lines: readonly string[]): void
  /** What waits, and how many lines before it were dropped; undefined when nothing does. Empties the backlog. */
  take(): { lines: string[]; dropped: number } | undefined
}

export function logBacklog(limit: { lines: number; characters: number }): LogBacklog {
  let lines: string[] = []
  let characters = 0
  let dropped = 0
  return {
    push(more) {
      for (const line of more) {
        lines.push(line)
        characters += line.length
      }
      let droppedCount = 0
      while (lines.length - droppedCount > limit.lines || characters > limit.characters) {
        const oldest = lines[droppedCount]
        if (oldest === undefined) break
        characters -= oldest.length
        droppedCount += 1
      }
      if (droppedCount > 0) lines = lines.slice(droppedCount)
      dropped += droppedCount
    },
    take() {
      if (lines.length === 0 && dropped === 0) return undefined
      const batch = { lines, dropped }
      lines = []
      characters = 0
      dropped = 0
      return batch
    },
  }
}
