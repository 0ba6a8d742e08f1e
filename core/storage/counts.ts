import type { Clock } from '../../lib/clock.ts'
import { withDeadline } from '../../lib/with-deadline.ts'
import type { Scan } from './scan.ts'

export interface CountsParts {
  clock: Clock
  /** Counts one folder: tells the scan that it began, and looks at `cancelled` before it takes a result. */
  count(of: string | undefined, cancelled: () => boolean, started: (scan: Scan) => void): Promise<void>
  /** A count moved nothing for `stuckAfter` ms and was given up. */
  onStuck(of: string | undefined, stuckMs: number): void
  /** A count has begun or ended. */
  onChange(): void
}

export interface Counts {
  running(): boolean
  /** Counts `of`; joins a count of the same folder, ends one of another. Resolves when it is over, also on failure. */
  begin(of: string | undefined): Promise<void>
  /** The count that is under way has got on. */
  moved(): void
  /** Ends what is under way; resolves when it has ended. */
  end(): Promise<void>
}

/** Without progress for so long a count is given up: a volume that went away may never answer. */
export const stuckAfter = 15 * 60_000
/** How long the count before may hold up the next one. */
const handOver = 5000

interface Running {
  of: string | undefined
  done: Promise<void>
  cancel(): void
  moved(): void
}

/** One count at a time, and none for ever. */
export function createCounts({ clock, count, onStuck, onChange }: CountsParts): Counts {
  let current: Running | undefined

  function start(of: string | undefined, before: Running | undefined): Running {
    let cancelled = false
    let scan: Scan | undefined
    let movedAt = clock.now()
    let cancelTimer = (): void => {}
    const given = Promise.withResolvers<void>()
    const cancel = (): void => {
      cancelled = true
      scan?.cancel()
    }
    const watch = (): void => {
      cancelTimer = clock.setTimer(movedAt + stuckAfter, () => {
        if (clock.now() - movedAt < stuckAfter) return watch()
        cancel()
        onStuck(of, stuckAfter)
        given.resolve()
      })
    }
    const run = async (): Promise<void> => {
      if (before) await withDeadline(clock, handOver, before.done)
      await count(
        of,
        () => cancelled,
        started => {
          scan = started
          if (cancelled) started.cancel()
        },
      )
    }
    const own: Running = {
      of,
      cancel,
      moved() {
        movedAt = clock.now()
      },
      done: Promise.race([Promise.resolve().then(run), given.promise]).finally(() => {
        cancelTimer()
        if (current === own) current = undefined
        onChange()
      }),
    }
    watch()
    return own
  }

  return {
    running: () => current !== undefined,
    begin(of) {
      if (current?.of === of && current) return current.done
      const before = current
      before?.cancel()
      current = start(of, before)
      return current.done
    },
    moved: () => current?.moved(),
    async end() {
      current?.cancel()
      await current?.done
    },
  }
}
