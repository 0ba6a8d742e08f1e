import type { Clock } from '../../lib/clock.ts'
import type { SignOfLife } from './liveness.ts'
import type { Policy } from './policy.ts'
import type { Silence } from './state.ts'

interface Parts {
  clock: Clock
  /** Asks once; never rejects. */
  ask(limitMs: number): Promise<SignOfLife>
  policy: Pick<Policy, 'hangIntervalMs' | 'hangTimeoutMs' | 'hangMisses'>
  /** It gives no answer now: told once, and again when it turns out to live, or not to. Undefined: it answers again. */
  onSilence(silence: Silence | undefined): void
  /** `answeredAt`: when it last answered, ms since the epoch. */
  onHung(answeredAt: number): void
}

/**
 * Asks a living process for a sign of life; calls `onHung` once after enough misses in a row.
 * Time that the computer slept through is not held against the process.
 */
export function watchForHang({ clock, ask, policy, onSilence, onHung }: Parts): () => void {
  const { hangIntervalMs: hangEvery, hangTimeoutMs: hangLimit, hangMisses } = policy
  let answeredAt = clock.now()
  let misses = 0
  let told: Silence | undefined
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
    if (sign === 'alive') answeredAt = now
    if (sign === 'alive' || sign === 'overloaded' || slept) misses = 0
    else if (sign === 'silent') misses += 1
    if (misses >= hangMisses) {
      ended = true
      return onHung(answeredAt)
    }
    wait(Math.max(now, asked + hangEvery))
    if (sign === 'alive') tell(undefined)
    else if (sign === 'overloaded') tell({ since: answeredAt, overloaded: true })
    else if (misses > 0) tell({ since: answeredAt, overloaded: false })
  }
  function tell(silence: Silence | undefined) {
    if (silence?.overloaded === told?.overloaded) return
    told = silence
    onSilence(silence)
  }
  wait(clock.now() + hangEvery)
  return () => {
    ended = true
    cancel()
  }
}
