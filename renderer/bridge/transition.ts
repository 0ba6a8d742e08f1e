import type { JournalEntry, ProcessState } from '../../contract/registry-state.ts'

export type StepName = 'finish' | 'stop' | 'start' | 'serve'

/** One step of a restart or stop. Times are ms since the epoch; a step that nobody saw has none. */
interface TransitionStep {
  name: StepName
  since?: number
  endedAt?: number
}

/** The steps of a restart or stop, as the states arrive; it stays after its end. */
export interface Transition {
  goal: 'restart' | 'stopped'
  pid: number
  startedAt: number
  steps: TransitionStep[]
  /** Set when the goal is reached. */
  endedAt?: number
}

const stepsOf = { restart: ['finish', 'stop', 'start', 'serve'], stopped: ['finish', 'stop'] } as const

/** The step that a state belongs to while `goal` is being reached. */
function stepOf(state: ProcessState): StepName | undefined {
  switch (state.kind) {
    case 'draining':
      return 'finish'
    case 'stopping':
      return 'stop'
    case 'starting':
      return 'start'
    case 'serving':
      return 'serve'
    default:
      return undefined
  }
}

/**
 * The transition after `state` has arrived. Undefined where none is under way, or where it ended in another state, which
 * the headline explains.
 */
export function nextTransition(
  transition: Transition | undefined,
  state: ProcessState,
): Transition | undefined {
  const open = transition !== undefined && transition.endedAt === undefined ? transition : undefined
  switch (state.kind) {
    case 'draining':
    case 'stopping': {
      if (state.then === 'quit') return undefined
      const base = open?.goal === state.then && open.pid === state.pid ? open : begin(state, state.then)
      return enter(base, stepOf(state), state.since)
    }
    case 'starting':
      return open?.goal === 'restart' ? enter(open, 'start', state.since) : retainEnded(transition, state)
    case 'serving':
      if (open?.goal === 'restart' && state.pid !== open.pid)
        return { ...enter(open, 'serve', state.since), endedAt: state.since }
      return open === undefined ? retainEnded(transition, state) : undefined
    case 'stopped':
      if (open?.goal === 'stopped') return { ...closeLast(open, state.since), endedAt: state.since }
      return open === undefined ? retainEnded(transition, state) : undefined
    default:
      return undefined
  }
}

/** A transition that reached its goal stays visible only while the process stays in that state. */
function retainEnded(transition: Transition | undefined, state: ProcessState): Transition | undefined {
  const goalKind = transition?.goal === 'restart' ? 'serving' : 'stopped'
  return transition?.endedAt === state.since && state.kind === goalKind ? transition : undefined
}

function begin(state: { pid: number; since: number }, goal: Transition['goal']): Transition {
  return { goal, pid: state.pid, startedAt: state.since, steps: stepsOf[goal].map(name => ({ name })) }
}

function enter(transition: Transition, name: StepName | undefined, at: number): Transition {
  const closed = closeLast(transition, at, name)
  return {
    ...closed,
    steps: closed.steps.map(step =>
      step.name === name && step.since === undefined ? { ...step, since: at } : step,
    ),
  }
}

function closeLast(transition: Transition, at: number, except?: StepName): Transition {
  return {
    ...transition,
    steps: transition.steps.map(step =>
      step.since !== undefined && step.endedAt === undefined && step.name !== except
        ? { ...step, endedAt: at }
        : step,
    ),
  }
}

/** The time without an answer that the journal measured for this restart, in ms. */
export function downMsOf(transition: Transition, journal: JournalEntry[]): number | undefined {
  // The journal's time is the end of the old process, which lies between the first and the last step.
  return journal.find(entry => entry.cause === 'asked-restart' && entry.at >= transition.startedAt - 1_000)
    ?.downMs
}
