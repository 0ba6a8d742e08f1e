import type { JournalEntry, ProcessState } from '../../contract/registry-state.ts'

export type StepName = 'finish' | 'stop' | 'start' | 'serve'

/** One step of a restart or stop. Times are ms since the epoch; a step that nobody saw has none. */
export interface CourseStep {
  name: StepName
  since?: number
  until?: number
}

/** A restart or stop that was asked for, step by step as the states come in; kept after its end. */
export interface Course {
  goal: 'restart' | 'stopped'
  pid: number
  startedAt: number
  steps: CourseStep[]
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
 * Follows the process through a restart or stop: the course after `state` has come in.
 * Undefined where none is under way, or where it took a turn that the headline explains.
 */
export function follow(course: Course | undefined, state: ProcessState): Course | undefined {
  const open = course !== undefined && course.endedAt === undefined ? course : undefined
  switch (state.kind) {
    case 'draining':
    case 'stopping': {
      if (state.then === 'quit') return undefined
      const base = open?.goal === state.then && open.pid === state.pid ? open : begin(state, state.then)
      return enter(base, stepOf(state), state.since)
    }
    case 'starting':
      return open?.goal === 'restart' ? enter(open, 'start', state.since) : keepEnded(course, state)
    case 'serving':
      if (open?.goal === 'restart' && state.pid !== open.pid)
        return { ...enter(open, 'serve', state.since), endedAt: state.since }
      return open === undefined ? keepEnded(course, state) : undefined
    case 'stopped':
      if (open?.goal === 'stopped') return { ...closeLast(open, state.since), endedAt: state.since }
      return open === undefined ? keepEnded(course, state) : undefined
    default:
      return undefined
  }
}

/** A course that reached its goal stays readable only while the process is where it left it. */
function keepEnded(course: Course | undefined, state: ProcessState): Course | undefined {
  const goalKind = course?.goal === 'restart' ? 'serving' : 'stopped'
  return course?.endedAt === state.since && state.kind === goalKind ? course : undefined
}

function begin(state: { pid: number; since: number }, goal: Course['goal']): Course {
  return { goal, pid: state.pid, startedAt: state.since, steps: stepsOf[goal].map(name => ({ name })) }
}

function enter(course: Course, name: StepName | undefined, at: number): Course {
  const closed = closeLast(course, at, name)
  return {
    ...closed,
    steps: closed.steps.map(step =>
      step.name === name && step.since === undefined ? { ...step, since: at } : step,
    ),
  }
}

function closeLast(course: Course, at: number, except?: StepName): Course {
  return {
    ...course,
    steps: course.steps.map(step =>
      step.since !== undefined && step.until === undefined && step.name !== except
        ? { ...step, until: at }
        : step,
    ),
  }
}

/** The time without an answer that the journal measured for this restart, in ms. */
export function downMsOf(course: Course, journal: JournalEntry[]): number | undefined {
  // The journal's time is the end of the old process, which lies between the first and the last step.
  return journal.find(entry => entry.cause === 'asked-restart' && entry.at >= course.startedAt - 1_000)
    ?.downMs
}
