import type { Clock } from '../../lib/clock.ts'
import { withDeadline } from '../../lib/with-deadline.ts'
import type { Scan } from './scan.ts'

export interface CountsDeps {
  clock: Clock
  /** Counts one folder: passes its scan to `started`, and checks `cancelled` before it uses a result. */
  count(folder: string | undefined, cancelled: () => boolean, started: (scan: Scan) => void): Promise<void>
  /** A count was given up after `stuckMs` without progress. */
  onStuck(folder: string | undefined, stuckMs: number): void
  /** A count has begun or ended. */
  onChange(): void
}

export interface Counts {
  isRunning(): boolean
  /** Counts a folder: joins a count of the same one, ends one of another. Resolves when it is over, also on failure. */
  begin(folder: string | undefined): Promise<void>
  /** The count under way has made progress. */
  noteProgress(): void
  /** Ends the count under way; resolves when it has ended. */
  end(): Promise<void>
}

/** After this time without progress a count is given up: a volume that was removed may never answer. */
export const stuckAfterMs = 15 * 60_000
/** How long the next count waits for the end of the previous one. */
const previousCountGraceMs = 5000

interface Running {
  folder: string | undefined
  done: Promise<void>
  cancel(): void
  noteProgress(): void
}

/** Runs one count at a time, and gives up those that are stuck. */
export function createCounts({ clock, count, onStuck, onChange }: CountsDeps): Counts {
  let current: Running | undefined

  function start(folder: string | undefined, previous: Running | undefined): Running {
    let cancelled = false
    let scan: Scan | undefined
    let progressAt = clock.now()
    let cancelTimer = (): void => {}
    const abandoned = Promise.withResolvers<void>()
    const cancel = (): void => {
      cancelled = true
      scan?.cancel()
    }
    const watch = (): void => {
      cancelTimer = clock.setTimer(progressAt + stuckAfterMs, () => {
        if (clock.now() - progressAt < stuckAfterMs) return watch()
        cancel()
        onStuck(folder, stuckAfterMs)
        abandoned.resolve()
      })
    }
    const run = async (): Promise<void> => {
      if (previous) await withDeadline(clock, previousCountGraceMs, previous.done)
      await count(
        folder,
        () => cancelled,
        started => {
          scan = started
          if (cancelled) started.cancel()
        },
      )
    }
    const running: Running = {
      folder,
      cancel,
      noteProgress() {
        progressAt = clock.now()
      },
      done: Promise.race([Promise.resolve().then(run), abandoned.promise]).finally(() => {
        cancelTimer()
        if (current === running) current = undefined
        onChange()
      }),
    }
    watch()
    return running
  }

  return {
    isRunning: () => current !== undefined,
    begin(folder) {
      if (current?.folder === folder && current) return current.done
      const previous = current
      previous?.cancel()
      current = start(folder, previous)
      return current.done
    },
    noteProgress: () => current?.noteProgress(),
    async end() {
      current?.cancel()
      await current?.done
    },
  }
}
