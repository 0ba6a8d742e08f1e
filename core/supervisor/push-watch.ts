import type { PushInProgress } from '../../contract/registry-state.ts'
import type { Clock } from '../../lib/clock.ts'
import { withDeadline } from '../../lib/with-deadline.ts'
import type { RegistryProcess } from './state.ts'

export interface PushWatchDeps {
  clock: Clock
  /** Uploads to this process that are under way. */
  uploadsInProgress(registry: { pid: number; port: number }): Promise<PushInProgress[]>
  /** Repositories with an upload that the process left unfinished when it ended, after `since` (ms since the epoch). */
  uploadsLeft(since: number): Promise<string[]>
  readonly engine: { drainsItself: boolean }
  log(message: string, data?: Record<string, unknown>): void
}

/** Which pushes the registry process has under way, and which its end cut off. */
export interface PushWatch {
  list(registry: RegistryProcess): Promise<PushInProgress[]>
  /**
   * To be called before each signal: what is under way is looked at once more, where nobody waited for it, so that
   * nothing is cut off without a word.
   */
  beforeSignal(registry: RegistryProcess): Promise<void>
  /** Repositories with a push that the end of the process cut off; undefined where nobody can say. */
  findCut(pid: number): Promise<string[] | undefined>
}

/** An upload that was written to so shortly before the end, ms, was under way. */
const cutWithinMs = 1_000
/** A folder that does not answer must not hold up a signal or the next start, ms. */
const [lookLimitMs, cutLimitMs] = [250, 500]

export function createPushWatch(deps: PushWatchDeps): PushWatch {
  const { clock, log } = deps
  /** When a process was first asked to end. */
  let asked: { pid: number; at: number } | undefined
  /** When the uploads to a process were listed last. */
  let listed: { pid: number; at: number } | undefined

  async function list({ pid, target: { port } }: RegistryProcess): Promise<PushInProgress[]> {
    listed = { pid, at: clock.now() }
    return deps.uploadsInProgress({ pid, port }).catch((error: unknown) => {
      log('uploads under way cannot be seen', { error: String(error) })
      return []
    })
  }

  return {
    list,
    async beforeSignal(registry) {
      const { pid } = registry
      if (asked?.pid === pid) return
      asked = { pid, at: clock.now() }
      if (listed?.pid === pid && clock.now() - listed.at < cutWithinMs) return
      // One that drains by itself is listed while it does.
      if (!deps.engine.drainsItself) await withDeadline(clock, lookLimitMs, list(registry))
    },
    async findCut(pid) {
      const endedAt = asked?.pid === pid ? asked.at : clock.now()
      let found: string[] | undefined
      const search = deps.uploadsLeft(endedAt - cutWithinMs).then(
        left => {
          found = left
        },
        () => {},
      )
      await withDeadline(clock, cutLimitMs, search)
      return found
    },
  }
}
