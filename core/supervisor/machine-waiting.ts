import type { Then } from '../../contract/registry-state.ts'
import type { Policy } from './policy.ts'
import type { CheckResult, Event, Next, RegistryProcess, Stage, StageOf, State } from './state.ts'
import {
  afterCheck,
  beginCheck,
  checkInPlace,
  retryDelayMs,
  startAttempt,
  stopped,
  transition,
  unchanged,
} from './transitions.ts'

/** Nothing runs, and nobody asked for it. */
export function stepStopped(state: State, stage: StageOf<'stopped'>, event: Event, policy: Policy): Next {
  switch (event.kind) {
    case 'app-started':
      return beginCheck(state.memory, 'app-started', event.at, policy)
    case 'start-asked':
    case 'restart-asked':
      return beginCheck(state.memory, 'asked-start', event.at, policy)
    case 'stop-asked':
      return event.goal === 'quit' || stage.why === 'never-started'
        ? stopped(state.memory, event.goal, event.at)
        : unchanged(state)
    default:
      return unchanged(state)
  }
}

/** Nothing runs; it is started again after a pause, on request, or when the computer wakes up. */
export function stepRestarting(
  state: State,
  stage: StageOf<'backing-off' | 'crash-looping'>,
  event: Event,
  policy: Policy,
): Next {
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
      const { result } = event
      if (event.serial !== memory.checkSerial || result.kind !== 'taken') return unchanged(state)
      return afterCheck(memory, startAttempt(event.at, 'retry', policy), result, event.at, policy)
    }
    default:
      return unchanged(state)
  }
}

/** Somebody else owns the port: never signalled, checked again until the port is free. */
export function stepForeign(state: State, stage: StageOf<'foreign'>, event: Event, policy: Policy): Next {
  const { retryAt } = stage
  return stepObstructed(state, event, policy, {
    retryAt,
    checking: { ...stage, retryAt: event.at + policy.foreignRetryMs },
    update(result) {
      if (result.kind !== 'taken') return undefined
      const { port, owner } = result
      const isSameProcess = owner.pid === stage.owner.pid && port === stage.port
      const { command, zot, open } = stage.owner
      const isDescribedSame = owner.command === command && owner.zot?.version === zot?.version
      if (isSameProcess && isDescribedSame && owner.open?.commands.join() === open?.commands.join())
        return unchanged(state)
      const since = isSameProcess ? stage.since : event.at
      return transition(state.memory, { ...stage, since, port, owner })
    },
  })
}

/** Somebody has to choose before anything is started: checked again until that is done, or no longer needed. */
export function stepUndecided(state: State, stage: StageOf<'undecided'>, event: Event, policy: Policy): Next {
  const { retryAt } = stage
  return stepObstructed(state, event, policy, {
    retryAt,
    checking: { ...stage, retryAt: event.at + policy.checkTimeoutMs + policy.failedRetryMs },
    update(result) {
      if (result.kind !== 'undecided' || result.undecided.why !== stage.undecided.why) return undefined
      const { undecided } = result
      return transition(state.memory, { ...stage, undecided, retryAt: event.at + policy.failedRetryMs })
    },
  })
}

/** It could not be started, for a reason that a person can do something about. */
export function stepFailed(state: State, stage: StageOf<'failed'>, event: Event, policy: Policy): Next {
  if (stage.survivor !== undefined) return stepSurvivor(state, stage, stage.survivor, event, policy)
  const delayMs = retryDelayMs(stage.error, policy)
  // One check at a time: a later one would make the result of a slow one worthless.
  const checkingUntil = event.at + policy.checkTimeoutMs + (delayMs ?? 0)
  return stepObstructed(state, event, policy, {
    retryAt: stage.retryAt,
    checking: delayMs === undefined ? stage : { ...stage, retryAt: checkingUntil },
    update(result) {
      const isSame = result.kind === 'refused' && JSON.stringify(result.error) === JSON.stringify(stage.error)
      if (!isSame) return undefined
      return delayMs === undefined
        ? unchanged(state)
        : transition(state.memory, { ...stage, retryAt: event.at + delayMs })
    },
  })
}

interface Obstruction {
  /** When it is checked again without being asked to. */
  retryAt: number | undefined
  /** The stage while that check is under way. */
  checking: Stage
  /** What a result changes while the obstruction stays; undefined: it is gone, or is another one. */
  update(result: CheckResult): Next | undefined
}

/** Something outside keeps the registry from starting: checked again without leaving the stage until it is gone. */
function stepObstructed(state: State, event: Event, policy: Policy, obstruction: Obstruction): Next {
  const { memory } = state
  const { retryAt, checking, update } = obstruction
  switch (event.kind) {
    case 'start-asked':
    case 'restart-asked':
      return beginCheck(memory, 'asked-start', event.at, policy)
    case 'stop-asked':
      return stopped(memory, event.goal, event.at)
    case 'woke':
      return checkInPlace(state, checking)
    case 'tick':
      return retryAt !== undefined && event.at >= retryAt ? checkInPlace(state, checking) : unchanged(state)
    case 'checked': {
      const { result, serial, at } = event
      if (serial !== memory.checkSerial) return unchanged(state)
      return update(result) ?? afterCheck(memory, startAttempt(at, 'retry', policy), result, at, policy)
    }
    default:
      return unchanged(state)
  }
}

/** It survived SIGKILL, for instance because the kernel waits for a dead disk. Nothing is started beside it. */
function stepSurvivor(
  state: State,
  stage: StageOf<'failed'>,
  { registry, goal }: { registry: RegistryProcess; goal: Then },
  event: Event,
  policy: Policy,
): Next {
  const { memory } = state
  switch (event.kind) {
    case 'start-asked':
    case 'restart-asked':
      return transition(
        memory,
        { ...stage, survivor: { registry, goal: 'restart' } },
        { do: 'signal', registry, signal: 'SIGKILL' },
      )
    case 'stop-asked':
      return transition(memory, { ...stage, survivor: { registry, goal: event.goal } })
    case 'exited': {
      if (event.pid !== registry.pid) return unchanged(state)
      const next =
        goal === 'restart' ? beginCheck(memory, 'retry', event.at, policy) : stopped(memory, goal, event.at)
      return { ...next, effects: [{ do: 'forget-record' }, ...next.effects] }
    }
    default:
      return unchanged(state)
  }
}
