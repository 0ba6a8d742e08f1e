import type { Clock } from '../../lib/clock.ts'
import type { UntimedEvent } from './state.ts'

/** From SIGTERM to SIGKILL at the end of a session, in ms. */
const killAfterMs = 1000

interface Deps {
  clock: Pick<Clock, 'now' | 'setTimer'>
  /** Whether the engine waits for pushes by itself. */
  drainsItself(): boolean
  dispatch(event: UntimedEvent): void
}

export interface SessionEnd {
  /** Ends the process soon, whatever end is under way: pushes are waited for `pushesMs` at most. */
  hasten(pushesMs: number): void
  cancel(): void
}

/** The user logs out: an engine that drains by itself gets its signal at once, another one when pushes had their time. */
export function createSessionEnd({ clock, drainsItself, dispatch }: Deps): SessionEnd {
  let cancel = (): void => {}
  const end = (withinMs: number): void => dispatch({ kind: 'stop-asked', goal: 'quit', withinMs })
  return {
    hasten(pushesMs) {
      cancel()
      if (drainsItself()) end(pushesMs + killAfterMs)
      else cancel = clock.setTimer(clock.now() + pushesMs, () => end(killAfterMs), { unref: true })
    },
    cancel: () => cancel(),
  }
}
