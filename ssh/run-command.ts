import { StringDecoder } from 'node:string_decoder'
import type { Clock } from '../lib/clock.ts'
import { withDeadline } from '../lib/with-deadline.ts'

/** Ends work that takes too long or is cancelled. */
export interface Deadline {
  /** Fires when the work has to stop. */
  signal: AbortSignal
  /** Undefined until it has to stop. */
  endedBy(): 'too-slow' | 'cancelled' | undefined
  /** Drops the timer and the listener. */
  clear(): void
}

/** Runs out `limitMs` from now, or when `cancel` fires. Call `clear` when the work is over. */
export function startDeadline(clock: Clock, limitMs: number, cancel?: AbortSignal): Deadline {
  const stop = new AbortController()
  let endedBy: 'too-slow' | 'cancelled' | undefined
  function end(reason: 'too-slow' | 'cancelled'): void {
    endedBy ??= reason
    stop.abort()
  }
  const cancelled = (): void => end('cancelled')
  const stopTimer = clock.setTimer(clock.now() + limitMs, () => end('too-slow'))
  cancel?.addEventListener('abort', cancelled, { once: true })
  if (cancel?.aborted) cancelled()
  return {
    signal: stop.signal,
    endedBy: () => endedBy,
    clear() {
      stopTimer()
      cancel?.removeEventListener('abort', cancelled)
    },
  }
}

/** Resolves once the signal fires. */
export function whenAborted(signal: AbortSignal): Promise<void> {
  return new Promise(resolve => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })
}

/** A command that runs here or on another host. */
export interface RunningCommand {
  /** Resolves once the command has ended and its output is read. */
  ended: Promise<void>
  /** Ends the command and everything that it started: TERM first, KILL for what stays. */
  stop(): Promise<void>
  /** Stops reading its output. */
  detach(): void
}

/** How long the last output of a stopped command is waited for. */
const lastOutputMs = 2000

/** Waits for a command to end, and stops it when the deadline does. */
export async function waitOrStop(
  running: RunningCommand,
  deadline: Deadline,
  clock: Clock,
): Promise<'over' | 'too-slow' | 'cancelled'> {
  await Promise.race([running.ended, whenAborted(deadline.signal)])
  const reason = deadline.endedBy()
  if (reason === undefined) return 'over'
  await running.stop()
  await withDeadline(clock, lastOutputMs, running.ended)
  running.detach()
  return reason
}

/** The end of an output, passed on by lines while it arrives. */
export interface OutputBuffer {
  append(chunk: Buffer): void
  /** Passes on a last line that has no line end. */
  end(): void
  /** The last 64 KiB. */
  text(): string
}

const retainedBytes = 64 * 1024
/** A longer line is passed on in parts. */
const maxLineChars = 8 * 1024

/** A carriage return ends a line too, because progress counters redraw with it. */
export function createOutputBuffer(onLines?: (lines: string[]) => void): OutputBuffer {
  const decoder = new StringDecoder('utf8')
  let chunks: Buffer[] = []
  let size = 0
  let rest = ''

  function pass(text: string): void {
    if (!onLines) return
    const lines = (rest + text).split(/[\r\n]+/)
    rest = lines.pop() ?? ''
    while (rest.length >= maxLineChars) {
      lines.push(rest.slice(0, maxLineChars))
      rest = rest.slice(maxLineChars)
    }
    const full = lines.filter(line => line !== '')
    if (full.length > 0) onLines(full)
  }

  return {
    append(chunk) {
      chunks.push(chunk)
      size += chunk.length
      if (size > 2 * retainedBytes) {
        chunks = [Buffer.concat(chunks).subarray(-retainedBytes)]
        size = retainedBytes
      }
      pass(decoder.write(chunk))
    },
    end() {
      pass(`${decoder.end()}\n`)
    },
    text: () => Buffer.concat(chunks).subarray(-retainedBytes).toString('utf8'),
  }
}

/** Quotes a path for a POSIX shell; a leading `~/` still means the home folder. */
export function shellWord(path: string): string {
  const [, home = '', rest = ''] = /^(~\/)?(.*)$/s.exec(path) ?? []
  return `${home}'${rest.replaceAll("'", `'\\''`)}'`
}
