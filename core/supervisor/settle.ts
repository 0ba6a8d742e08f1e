import type { Failure } from '../../contract/failure.ts'
import type { Cause } from '../../contract/registry-state.ts'
import { unreachable } from '../../contract/result.ts'
import { to } from './ending.ts'
import type { Policy } from './policy.ts'
import type { Finding, Memory, Next } from './state.ts'

export interface Begun {
  since: number
  cause: Cause
  deadline: number
}

export const begun = (at: number, cause: Cause, policy: Policy): Begun => ({
  since: at,
  cause,
  deadline: at + policy.startLimit,
})

/** What the look at the machine leads to. */
export function settle(memory: Memory, start: Begun, finding: Finding, at: number, policy: Policy): Next {
  switch (finding.kind) {
    case 'free':
      return to(
        memory,
        { kind: 'launching', ...start, place: finding.place },
        { do: 'spawn', place: finding.place },
      )
    case 'ours': {
      const { run, ownsPort } = finding
      const deadline = ownsPort ? at + policy.adoptLimit : start.deadline
      return to(memory, { kind: 'starting', since: start.since, cause: 'adopted', deadline, run, ownsPort })
    }
    case 'taken': {
      const { port, owner } = finding
      // The exits before it had this reason: they do not count once the port is free.
      return to(
        { ...memory, exits: [], attempt: 0, looped: 0 },
        { kind: 'foreign', since: at, port, owner, retryAt: at + policy.foreignRetry },
      )
    }
    case 'undecided':
      return to(
        { ...memory, exits: [], attempt: 0, looped: 0 },
        {
          kind: 'undecided',
          since: at,
          undecided: finding.undecided,
          retryAt: at + policy.failedRetry,
        },
      )
    case 'refused':
      return to(memory, failedBy(finding.error, at, policy))
    default:
      return unreachable(finding)
  }
}

/** A failure, and when it is looked at again by itself: what only a person can change is not. */
export function failedBy(error: Failure, at: number, policy: Policy) {
  const pause = retryAfter(error, policy)
  return {
    kind: 'failed' as const,
    since: at,
    error,
    ...(pause === undefined ? {} : { retryAt: at + pause }),
  }
}

/** Pause in ms before a failure is looked at again; undefined: on request and after sleep only. */
export function retryAfter(error: Failure, policy: Policy): number | undefined {
  switch (error.code) {
    case 'data-volume-missing':
    case 'data-unreadable':
    case 'data-read-only':
    case 'data-denied':
    case 'other-folder':
    case 'root-in-use':
      return policy.failedRetry
    case 'config-missing':
    case 'config-invalid':
    case 'data-not-a-folder':
      return undefined
    default:
      return policy.loopRetry
  }
}
