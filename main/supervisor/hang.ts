import type { Clock } from '../platform/clock.ts'
import type { SignOfLife } from './liveness.ts'
import type { Policy } from './policy.ts'

interface Parts {
  clock: Clock
  /** Asks once; never rejects. */
  ask(limitMs: number): Promise<SignOfLife>
  policy: Pick<Policy, 'hangEvery' | 'hangLimit' | 'hangMisses'>
  /** The first question without a sign of life. `answeredAt`: when the last one came, ms since the epoch. */
  onMiss(answeredAt: number): void
  /** A sign of life after a miss. */
  onAnswer(): void
  onHung(answeredAt: number): void
}

/**
 * Asks a living process for a sign of life; calls `onHung` once after enough misses in a row.
 * Time that the computer slept through is not held against the process.
 */
export function watchForHang({ clock, ask, policy, onMiss, onAnswer, onHung }: Parts): () => void {
  const { hangEvery, hangLimit, hangMisses } = policy
  let answeredAt = clock.now()
  let misses = 0
  let missed = false
  let ended = false
  let cancel = () => {}

  function wait(due: number) {
    cancel = clock.setTimer(due, () => void look(due))
  }
  async function look(due: number) {
    const asked = clock.now()
    if (asked - due > hangEvery) misses = 0
    const sign = await ask(hangLimit)
    if (ended) return
    const now = clock.now()
    const slept = now - asked > hangLimit + hangEvery
    if (sign === 'alive') answered(now)
    else if (slept) misses = 0
    else if (sign === 'silent') misses += 1
    if (misses >= hangMisses) {
      ended = true
      return onHung(answeredAt)
    }
    wait(Math.max(now, asked + hangEvery))
    if (misses === 0 || missed) return
    missed = true
    onMiss(answeredAt)
  }
  function answered(now: number) {
    misses = 0
    answeredAt = now
    if (!missed) return
    missed = false
    onAnswer()
  }
  wait(clock.now() + hangEvery)
  return () => {
    ended = true
    cancel()
  }
}
