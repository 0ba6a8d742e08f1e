import type { Then } from '../../contract/registry-state.ts'
import { beginCheck, checkInPlace, stopped, transition, unchanged } from './ending.ts'
import type { Policy } from './policy.ts'
import { afterCheck, retryDelayMs, startAttempt } from './settle.ts'
import type { Event, Next, RegistryProcess, Stage, State } from './state.ts'

/** Nothing runs, and nobody wants it to. */
export function stepStopped(state: State, event: Event, policy: Policy): Next {
  switch (event.kind) {
    case 'app-started':
      return beginCheck(state.memory, 'app-started', event.at, policy)
    case 'start-asked':
    case 'restart-asked':
      return beginCheck(state.memory, 'asked-start', event.at, policy)
    case 'stop-asked':
      return event.goal === 'quit' ? stopped(state.memory, 'quit', event.at) : unchanged(state)
    default:
      return unchanged(state)
  }
}

type Waiting = Extract<Stage, { kind: 'backing-off' | 'crash-looping' }>

/** Nothing runs; the next start is a matter of time, of a request, or of the computer waking up. */
export function stepWaiting(state: State, stage: Waiting, event: Event, policy: Policy): Next {
  const { memory } = state
  switch (event.kind) {
    case 'start-asked':
    case 'restart-asked':
      return beginCheck(memory, 'asked-start', event.at, policy)
    case 'stop-asked':
      return stopped(memory, event.goal, event.at)
    case 'woke':
      return beginCheck(memory, 'woke', event.at, policy)
    case 'tick':
      if (stage.kind === 'backing-off')
        return event.at >= stage.until ? beginCheck(memory, stage.cause, event.at, policy) : unchanged(state)
      return event.at >= stage.retryAt ? beginCheck(memory, 'retry', event.at, policy) : unchanged(state)
    case 'checked': {
      const { finding } = event
      if (event.serial !== memory.checkSerial || finding.kind !== 'taken') return unchanged(state)
      return afterCheck(memory, startAttempt(event.at, 'retry', policy), finding, event.at, policy)
    }
    default:
      return unchanged(state)
  }
}

/** Somebody else owns the port: never signalled, looked at again until the port is free. */
export function stepForeign(
  state: State,
  stage: Extract<Stage, { kind: 'foreign' }>,
  event: Event,
  policy: Policy,
): Next {
  const { memory } = state
  const look = () => checkInPlace(state, { ...stage, retryAt: event.at + policy.foreignRetryMs })
  switch (event.kind) {
    case 'start-asked':
    case 'restart-asked':
      return beginCheck(memory, 'asked-start', event.at, policy)
    case 'stop-asked':
      return stopped(memory, event.goal, event.at)
    case 'woke':
      return look()
    case 'tick':
      return event.at >= stage.retryAt ? look() : unchanged(state)
    case 'checked': {
      const { finding } = event
      if (event.serial !== memory.checkSerial) return unchanged(state)
      if (finding.kind !== 'taken')
        return afterCheck(memory, startAttempt(event.at, 'retry', policy), finding, event.at, policy)
      const known = finding.owner.pid === stage.owner.pid && finding.port === stage.port
      const { command, zot, open } = stage.owner
      const { owner } = finding
      const isSame = owner.command === command && owner.zot?.version === zot?.version
      if (known && isSame && owner.open?.commands.join() === open?.commands.join()) return unchanged(state)
      return transition(memory, {
        ...stage,
        since: known ? stage.since : event.at,
        port: finding.port,
        owner: finding.owner,
      })
    }
    default:
      return unchanged(state)
  }
}

/** Somebody has to choose before anything is started: looked at again until that is so, or no longer needed. */
export function stepUndecided(
  state: State,
  stage: Extract<Stage, { kind: 'undecided' }>,
  event: Event,
  policy: Policy,
): Next {
  const { memory } = state
  // One look at a time, as of a failure.
  const look = () =>
    checkInPlace(state, { ...stage, retryAt: event.at + policy.checkTimeoutMs + policy.failedRetryMs })
  switch (event.kind) {
    case 'start-asked':
    case 'restart-asked':
      return beginCheck(memory, 'asked-start', event.at, policy)
    case 'stop-asked':
      return stopped(memory, event.goal, event.at)
    case 'woke':
      return look()
    case 'tick':
      return event.at >= stage.retryAt ? look() : unchanged(state)
    case 'checked': {
      const { finding } = event
      if (event.serial !== memory.checkSerial) return unchanged(state)
      const isSame = finding.kind === 'undecided' && finding.undecided.why === stage.undecided.why
      return isSame
        ? transition(memory, {
            ...stage,
            undecided: finding.undecided,
            retryAt: event.at + policy.failedRetryMs,
          })
        : afterCheck(memory, startAttempt(event.at, 'retry', policy), finding, event.at, policy)
    }
    default:
      return unchanged(state)
  }
}

/** It could not be started, for a reason that a person can do something about. */
export function stepFailed(
  state: State,
  stage: Extract<Stage, { kind: 'failed' }>,
  event: Event,
  policy: Policy,
): Next {
  const { memory } = state
  if (stage.survivor !== undefined) return stepSurvivor(state, stage, stage.survivor, event, policy)
  const pause = retryDelayMs(stage.error, policy)
  const look = () => {
    // One look at a time: a later one would make the answer of a slow one worthless.
    const next = event.at + policy.checkTimeoutMs + (pause ?? 0)
    return checkInPlace(state, pause === undefined ? stage : { ...stage, retryAt: next })
  }
  switch (event.kind) {
    case 'start-asked':
    case 'restart-asked':
      return beginCheck(memory, 'asked-start', event.at, policy)
    case 'stop-asked':
      return stopped(memory, event.goal, event.at)
    case 'woke':
      return look()
    case 'tick':
      return stage.retryAt !== undefined && event.at >= stage.retryAt ? look() : unchanged(state)
    case 'checked': {
      const { finding } = event
      if (event.serial !== memory.checkSerial) return unchanged(state)
      const isSame =
        finding.kind === 'refused' && JSON.stringify(finding.error) === JSON.stringify(stage.error)
      if (isSame)
        return pause === undefined
          ? unchanged(state)
          : transition(memory, { ...stage, retryAt: event.at + pause })
      return afterCheck(memory, startAttempt(event.at, 'retry', policy), finding, event.at, policy)
    }
    default:
      return unchanged(state)
  }
}

/** It survived SIGKILL (the kernel waits for a dead disk, say). Beside it nothing is started. */
function stepSurvivor(
  state: State,
  stage: Extract<Stage, { kind: 'failed' }>,
  { run, goal }: { run: RegistryProcess; goal: Then },
  event: Event,
  policy: Policy,
): Next {
  const { memory } = state
  switch (event.kind) {
    case 'start-asked':
    case 'restart-asked':
      return transition(
        memory,
        { ...stage, survivor: { run, goal: 'restart' } },
        { do: 'signal', run, signal: 'SIGKILL' },
      )
    case 'stop-asked':
      return transition(memory, { ...stage, survivor: { run, goal: event.goal } })
    case 'exited': {
      if (event.pid !== run.pid) return unchanged(state)
      const next =
        goal === 'restart' ? beginCheck(memory, 'retry', event.at, policy) : stopped(memory, goal, event.at)
      return { ...next, effects: [{ do: 'forget-record' }, ...next.effects] }
    }
    default:
      return unchanged(state)
  }
}
