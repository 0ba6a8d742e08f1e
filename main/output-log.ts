import type { Clock } from './platform/clock.ts'
import { createLogFile, type LogBatch, type LogFile, standardLogLimits } from './supervisor/log-file.ts'

/** The engine's log where config.json sends it to a file (`log.output`): followed, and never rotated by us. */
export interface OutputLog {
  /** The file that is meant from now on; undefined: the engine writes to standard output. */
  use(file: string | undefined): void
  /** Its newest lines, oldest first; undefined where there is no such file. */
  tail(count: number): Promise<string[]> | undefined
  close(): Promise<void>
}

export function createOutputLog(
  clock: Clock,
  onBatch: (batch: LogBatch) => void,
  complain: (message: string) => void,
): OutputLog {
  let current: { file: string; log: LogFile } | undefined
  const close = async (): Promise<void> => {
    const closing = current
    current = undefined
    await closing?.log.close()
  }
  return {
    use(file) {
      if (file === current?.file) return
      void close()
      if (file === undefined) return
      try {
        const log = createLogFile(file, clock, { ...standardLogLimits, bytes: Number.POSITIVE_INFINITY })
        log.follow(onBatch)
        current = { file, log }
      } catch (error) {
        // The engine will say the same, louder: it cannot write there either.
        complain(`log.output cannot be followed: ${String(error)}`)
      }
    },
    tail: count => current?.log.tail(count),
    close,
  }
}
