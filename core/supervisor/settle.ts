import type { Failure } from '../../contract/failure.ts'
import type { Cause } from '../../contract/registry-state.ts'
import { unreachable } from '../../contract/result.ts'
import { transition } from './ending.ts'
import type { Policy } from './policy.ts'
import type { CheckResult, Memory, Next } from './state.ts'

export interface StartAttempt {
  since: number
  cause: Cause
  deadline: number
}

export const startAttempt = (at: number, cause: Cause, policy: Policy): StartAttempt => ({
  since: at,
  cause,
  deadline: at + policy.startTimeoutMs,
})

/** What the look at the machine leads to. */
export function afterCheck(
  memory: Memory,
  start: StartAttempt,
  finding: CheckResult,
  at: number,
  policy: Policy,
): Next {
  switch (finding.kind) {
    case 'free':
      return transition(
        memory,
        { kind: 'launching', ...start, place: finding.place },
        { do: 'spawn', place: finding.place },
      )
    case 'ours': {
      const { run, ownsPort } = finding
      const deadline = ownsPort ? at + policy.adoptTimeoutMs : start.deadline
      return transition(memory, {
        kind: 'starting',
        since: start.since,
        cause: 'adopted',
        deadline,
        run,
        ownsPort,
      })
    }
    case 'taken': {
      const { port, owner } = finding
      // The exits before it had this reason: they do not count once the port is free.
      return transition(
        { ...memory, exits: [], attempt: 0, reportedExits: 0 },
        { kind: 'foreign', since: at, port, owner, retryAt: at + policy.foreignRetryMs },
      )
    }
    case 'undecided':
      return transition(
        { ...memory, exits: [], attempt: 0, reportedExits: 0 },
        {
          kind: 'undecided',
          since: at,
          undecided: finding.undecided,
          retryAt: at + policy.failedRetryMs,
        },
      )
    case 'refused':
      return transition(memory, failedStage(finding.error, at, policy))
    default:
      return unreachable(finding)
  }
}

/** A failure, and when it is looked at again by itself: what only a person can change is not. */
export function failedStage(error: Failure, at: number, policy: Policy) {
  const pause = retryDelayMs(error, policy)
  return {
    kind: 'failed' as const,
    since: at,
    error,
    ...(pause === undefined ? {} : { retryAt: at + pause }),
  }
}

/** Pause in ms before a failure is looked at again; undefined: on request and after sleep only. */
export function retryDelayMs(error: Failure, policy: Policy): number | undefined {
  switch (error.code) {
    case 'data-volume-missing':
    case 'data-unreadable':
    case 'data-read-only':
    case 'data-denied':
    case 'other-folder':
    case 'root-in-use':
      return policy.failedRetryMs
    case 'config-missing':
    case 'config-invalid':
    case 'data-not-a-folder':
      return undefined
    default:
      return policy.loopRetryMs
  }
}
