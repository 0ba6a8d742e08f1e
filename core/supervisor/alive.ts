import type { Clock } from '../../lib/clock.ts'
import type { ProcessTable } from '../platform/process-table.ts'
import type { Policy } from './policy.ts'

interface Parts {
  pid: number
  /** Its start time when it was adopted: another one means that the pid was given to a new process. */
  startTime: number | undefined
  clock: Clock
  processes: Pick<ProcessTable, 'alive' | 'startTime'>
  policy: Pick<Policy, 'aliveIntervalMs' | 'identityIntervalMs'>
  onGone(): void
}

/** An adopted process is not our child: nobody tells us when it ends, so it is looked at. Calls back once. */
export function watchAdopted({ pid, startTime, clock, processes, policy, onGone }: Parts): () => void {
  let ended = false
  let checkedAt = clock.now()
  let cancel = () => {}

  function wait() {
    cancel = clock.setTimer(clock.now() + policy.aliveIntervalMs, () => void look())
  }
  async function look() {
    let gone = !processes.alive(pid)
    if (!gone && clock.now() - checkedAt >= policy.identityIntervalMs) {
      checkedAt = clock.now()
      const seen = await processes.startTime(pid)
      // Undefined while it lives says only that it could not be read.
      gone = seen === undefined ? !processes.alive(pid) : startTime !== undefined && seen !== startTime
    }
    if (ended) return
    if (!gone) return wait()
    ended = true
    onGone()
  }
  wait()
  return () => {
    ended = true
    cancel()
  }
}
