import type { Cause, JournalEntry } from '../../contract/registry-state.ts'
import { afterUnaskedExit, stopped, transition, unaskedCause, unchanged } from './ending.ts'
import type { Policy } from './policy.ts'
import { afterCheck } from './settle.ts'
import type { Effect, Event, Memory, Next, RegistryProcess, Stage, State } from './state.ts'
import { beginDrain, kill, terminate } from './step-stopping.ts'

type Of<K extends Stage['kind']> = Extract<Stage, { kind: K }>

/** The look at the machine is under way. A stop waits for it: there may be a process of ours to stop. */
export function stepChecking(
  state: State,
  stage: Of<'checking'>,
  event: Event,
  policy: Policy,
  drainsItself: boolean,
): Next {
  const { memory } = state
  const { goal, since, cause, deadline } = stage
  switch (event.kind) {
    case 'start-asked':
    case 'restart-asked':
      return goal === 'quit'
        ? unchanged(state)
        : transition(memory, { kind: 'checking', since, cause, deadline })
    case 'stop-asked':
      return transition(memory, { ...stage, goal: goal === 'quit' ? 'quit' : event.goal })
    case 'checked': {
      if (event.serial !== memory.checkSerial) return unchanged(state)
      const { finding } = event
      if (goal === undefined) return afterCheck(memory, { since, cause, deadline }, finding, event.at, policy)
      if (finding.kind !== 'ours') return stopped(memory, goal, event.at)
      return beginDrain(memory, finding.run, event.at, goal, event.at, policy, drainsItself)
    }
    default:
      return unchanged(state)
  }
}

/** The spawn was asked for; its answer comes before anything else. */
export function stepLaunching(state: State, stage: Of<'launching'>, event: Event, policy: Policy): Next {
  const { memory } = state
  const { since, cause, deadline, place } = stage
  switch (event.kind) {
    case 'spawned':
      return transition(memory, { kind: 'starting', since, cause, deadline, run: event.run, ownsPort: false })
    case 'spawn-failed': {
      const { error, at, dice, reason } = event
      if (error !== undefined)
        return transition(memory, { kind: 'failed', since: at, error, retryAt: at + policy.loopRetryMs })
      const exit = { kind: 'not-spawned' as const, reason }
      return afterUnaskedExit(memory, { cause: 'start-failed', exit, lastLines: [], at, dice, place }, policy)
    }
    default:
      return unchanged(state)
  }
}

/** A process lives and has not answered yet. */
export function stepStarting(state: State, stage: Of<'starting'>, event: Event, policy: Policy): Next {
  const { memory } = state
  const { run } = stage
  const ending = { run, since: event.at, servingSince: event.at, pushes: [] }
  switch (event.kind) {
    case 'ready':
      return event.pid === run.pid ? serving(memory, run, stage.cause, event.at) : unchanged(state)
    case 'exited': {
      if (event.pid !== run.pid) return unchanged(state)
      const { exit, lastLines, at, dice } = event
      const cause = unaskedCause(exit) === 'crashed' ? 'start-failed' : 'ended-by-itself'
      return afterUnaskedExit(memory, { cause, exit, lastLines, at, dice, run, place: run.place }, policy)
    }
    case 'stop-asked':
      return terminate(memory, { ...ending, goal: event.goal }, event.at, {
        ...policy,
        killAfterMs: event.withinMs ?? policy.killAfterMs,
      })
    case 'restart-asked':
      // A start that is under way is as fresh as a restart; only an impatient one begins again.
      return event.now
        ? terminate(memory, { ...ending, goal: 'restart' }, event.at, policy)
        : unchanged(state)
    case 'woke':
      return transition(memory, {
        ...stage,
        deadline: Math.max(stage.deadline, event.at + policy.startTimeoutMs),
      })
    case 'tick':
      if (event.at < stage.deadline) return unchanged(state)
      return tooSlow(state, stage, event.at, policy)
    default:
      return unchanged(state)
  }
}

/** One that owns its port and does not answer hangs; any other is given up with its last lines. */
function tooSlow({ memory }: State, stage: Of<'starting'>, at: number, policy: Policy): Next {
  const { run } = stage
  const ending = { run, since: at, servingSince: at, goal: 'restart' as const, pushes: [] }
  if (stage.ownsPort) return kill(memory, ending, 'hung', at, stage.since)
  const next = terminate(memory, ending, at, policy)
  const { stage: now } = next.state
  if (now.kind !== 'stopping') return next
  return transition(memory, { ...now, cause: 'start-failed', tooSlow: true }, ...next.effects)
}

/** It answers: every outage that waited for this moment gets its length. */
function serving(memory: Memory, run: RegistryProcess, cause: Cause, at: number): Next {
  const back = memory.openOutages.map(({ entry, since }): Effect => {
    return { do: 'journal', entry: { ...entry, downMs: Math.max(0, at - since) } }
  })
  const started: JournalEntry = {
    id: `${at.toString(36)}-${memory.checkSerial}`,
    at,
    cause,
    pid: run.pid,
    lastLines: [],
  }
  // A start that ends an outage is told by the line of that outage.
  const told: Effect[] =
    back.length > 0 && cause !== 'adopted' ? back : [...back, { do: 'journal', entry: started }]
  return transition({ ...memory, openOutages: [] }, { kind: 'serving', since: at, run }, ...told)
}
