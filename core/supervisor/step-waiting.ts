import type { Then } from '../../contract/registry-state.ts'
import { check, checkQuietly, same, stopped, to } from './ending.ts'
import type { Policy } from './policy.ts'
import { begun, retryAfter, settle } from './settle.ts'
import type { Event, Next, Run, Stage, State } from './state.ts'

/** Nothing runs, and nobody wants it to. */
export function stepStopped(state: State, event: Event, policy: Policy): Next {
  switch (event.kind) {
    case 'app-started':
      return check(state.memory, 'app-started', event.at, policy)
    case 'start-asked':
    case 'restart-asked':
      return check(state.memory, 'asked-start', event.at, policy)
    case 'stop-asked':
      return event.goal === 'quit' ? stopped(state.memory, 'quit', event.at) : same(state)
    default:
      return same(state)
  }
}

type Waiting = Extract<Stage, { kind: 'backing-off' | 'crash-looping' }>

/** Nothing runs; the next start is a matter of time, of a request, or of the computer waking up. */
export function stepWaiting(state: State, stage: Waiting, event: Event, policy: Policy): Next {
  const { memory } = state
  switch (event.kind) {
    case 'start-asked':
    case 'restart-asked':
      return check(memory, 'asked-start', event.at, policy)
    case 'stop-asked':
      return stopped(memory, event.goal, event.at)
    case 'woke':
      return check(memory, 'woke', event.at, policy)
    case 'tick':
      if (stage.kind === 'backing-off')
        return event.at >= stage.until ? check(memory, stage.cause, event.at, policy) : same(state)
      return event.at >= stage.retryAt ? check(memory, 'retry', event.at, policy) : same(state)
    case 'checked': {
      const { finding } = event
      if (event.serial !== memory.serial || finding.kind !== 'taken') return same(state)
      return settle(memory, begun(event.at, 'retry', policy), finding, event.at, policy)
    }
    default:
      return same(state)
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
  const look = () => checkQuietly(state, { ...stage, retryAt: event.at + policy.foreignRetry })
  switch (event.kind) {
    case 'start-asked':
    case 'restart-asked':
      return check(memory, 'asked-start', event.at, policy)
    case 'stop-asked':
      return stopped(memory, event.goal, event.at)
    case 'woke':
      return look()
    case 'tick':
      return event.at >= stage.retryAt ? look() : same(state)
    case 'checked': {
      const { finding } = event
      if (event.serial !== memory.serial) return same(state)
      if (finding.kind !== 'taken')
        return settle(memory, begun(event.at, 'retry', policy), finding, event.at, policy)
      const known = finding.owner.pid === stage.owner.pid && finding.port === stage.port
      const { command, zot, open } = stage.owner
      const { owner } = finding
      const isSame = owner.command === command && owner.zot?.version === zot?.version
      if (known && isSame && owner.open?.commands.join() === open?.commands.join()) return same(state)
      return to(memory, {
        ...stage,
        since: known ? stage.since : event.at,
        port: finding.port,
        owner: finding.owner,
      })
    }
    default:
      return same(state)
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
    checkQuietly(state, { ...stage, retryAt: event.at + policy.checkLimit + policy.failedRetry })
  switch (event.kind) {
    case 'start-asked':
    case 'restart-asked':
      return check(memory, 'asked-start', event.at, policy)
    case 'stop-asked':
      return stopped(memory, event.goal, event.at)
    case 'woke':
      return look()
    case 'tick':
      return event.at >= stage.retryAt ? look() : same(state)
    case 'checked': {
      const { finding } = event
      if (event.serial !== memory.serial) return same(state)
      const isSame = finding.kind === 'undecided' && finding.undecided.why === stage.undecided.why
      return isSame
        ? to(memory, { ...stage, undecided: finding.undecided, retryAt: event.at + policy.failedRetry })
        : settle(memory, begun(event.at, 'retry', policy), finding, event.at, policy)
    }
    default:
      return same(state)
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
  const pause = retryAfter(stage.error, policy)
  const look = () => {
    // One look at a time: a later one would make the answer of a slow one worthless.
    const next = event.at + policy.checkLimit + (pause ?? 0)
    return checkQuietly(state, pause === undefined ? stage : { ...stage, retryAt: next })
  }
  switch (event.kind) {
    case 'start-asked':
    case 'restart-asked':
      return check(memory, 'asked-start', event.at, policy)
    case 'stop-asked':
      return stopped(memory, event.goal, event.at)
    case 'woke':
      return look()
    case 'tick':
      return stage.retryAt !== undefined && event.at >= stage.retryAt ? look() : same(state)
    case 'checked': {
      const { finding } = event
      if (event.serial !== memory.serial) return same(state)
      const unchanged =
        finding.kind === 'refused' && JSON.stringify(finding.error) === JSON.stringify(stage.error)
      if (unchanged)
        return pause === undefined ? same(state) : to(memory, { ...stage, retryAt: event.at + pause })
      return settle(memory, begun(event.at, 'retry', policy), finding, event.at, policy)
    }
    default:
      return same(state)
  }
}

/** It survived SIGKILL (the kernel waits for a dead disk, say). Beside it nothing is started. */
function stepSurvivor(
  state: State,
  stage: Extract<Stage, { kind: 'failed' }>,
  { run, goal }: { run: Run; goal: Then },
  event: Event,
  policy: Policy,
): Next {
  const { memory } = state
  switch (event.kind) {
    case 'start-asked':
    case 'restart-asked':
      return to(
        memory,
        { ...stage, survivor: { run, goal: 'restart' } },
        { do: 'signal', run, signal: 'SIGKILL' },
      )
    case 'stop-asked':
      return to(memory, { ...stage, survivor: { run, goal: event.goal } })
    case 'exited': {
      if (event.pid !== run.pid) return same(state)
      const next =
        goal === 'restart' ? check(memory, 'retry', event.at, policy) : stopped(memory, goal, event.at)
      return { ...next, effects: [{ do: 'forget-record' }, ...next.effects] }
    }
    default:
      return same(state)
  }
}
