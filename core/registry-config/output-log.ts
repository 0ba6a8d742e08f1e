import * as v from 'valibot'
import type { Clock } from '../../lib/clock.ts'
import { parseJson } from '../../lib/json.ts'
import { type LogBatch, standardLogLimits } from '../platform/log-lines.ts'
import { followLog, type LogFollower } from './log-follower.ts'
import { type LogOutput, logOutputOf } from './log-output.ts'

/** The engine's log where config.json sends it elsewhere (`log.output`). It is the user's: followed and never changed. */
export interface OutputLog {
  /** What is meant from now on, absolute; undefined: standard output. To be called before each start of the engine. */
  use(path: string | undefined): void
  /**
   * Its newest lines, oldest first; undefined where they are in the registry's own output. A log that cannot be read
   * back gives one line that says so.
   */
  tail(count: number): Promise<string[]> | undefined
  /**
   * Its newest lines that were written at `time` (ms since the epoch) or later, oldest first, going by the time in them;
   * none where they are in the registry's own output or cannot be read back.
   */
  since(time: number): Promise<string[]>
  close(): Promise<void>
}

type Current = { output: LogOutput; follower?: LogFollower }

export function createOutputLog(
  clock: Clock,
  onBatch: (batch: LogBatch) => void,
  complain: (message: string) => void,
): OutputLog {
  let current: Current = { output: { kind: 'launch-log' } }

  function follow(output: LogOutput): Current {
    if (output.kind !== 'file') return { output }
    try {
      return { output, follower: followLog(output.file, clock, standardLogLimits, onBatch) }
    } catch (error) {
      complain(`log.output cannot be followed: ${String(error)}`)
      return { output }
    }
  }
  return {
    use(path) {
      const output = logOutputOf(path)
      if (current.follower && isSame(output, current.output)) return current.follower.writerStarts()
      void current.follower?.close()
      current = follow(output)
    },
    tail(count) {
      const { output, follower } = current
      switch (output.kind) {
        case 'launch-log':
          return undefined
        case 'unreadable':
          return Promise.resolve([`(${output.why})`])
        case 'file':
          return follower?.tail(count) ?? Promise.resolve([])
      }
    },
    async since(time) {
      const lines = (await current.follower?.tail(recentLines)) ?? []
      return lines.filter(line => timeOf(line) >= time)
    },
    close: async () => current.follower?.close(),
  }
}

/** How many lines are read to find those of one run. */
const recentLines = 1000

const entry = v.object({ time: v.string() })

/** NaN where the line names no time. */
function timeOf(line: string): number {
  const parsed = v.safeParse(entry, parseJson(line))
  return parsed.success ? Date.parse(parsed.output.time) : Number.NaN
}

const isSame = (a: LogOutput, b: LogOutput): boolean =>
  a.kind === 'file' && b.kind === 'file' && a.file === b.file
