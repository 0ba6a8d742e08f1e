import type { ProcessState } from '../registry-state.ts'
import { atTime, duration } from './format.ts'

type Starting = Extract<ProcessState, { kind: 'starting' }>

/** "Restarting, for 12 s now". `now` in ms since the epoch. */
export function startingHeadline(state: Starting, now: number): string {
  const words = state.cause === 'asked-restart' ? 'Restarting' : 'Starting'
  return now - state.since > 10_000 ? `${words}, for ${duration(now - state.since)} now` : words
}

/** Why it starts, and until when it may take. */
export function startingReason(state: Starting, now: number): string {
  const limit = `It has until ${atTime(state.deadline, now)} to answer.`
  switch (state.cause) {
    case 'crashed':
    case 'ended-by-itself':
    case 'start-failed':
      return `The registry ended by itself and is being started again. ${limit}`
    case 'hung':
      return `The registry had stopped answering and is being started again. ${limit}`
    case 'asked-restart':
      return `You asked. ${limit}`
    default:
      return limit
  }
}
