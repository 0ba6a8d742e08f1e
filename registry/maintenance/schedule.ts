import { opensIn, type TimeWindow } from './time-window.ts'

/** Work that comes again and again in the background. Times in ms. */
export interface Task {
  readonly name: string
  /** From the end of one run to the beginning of the next; 0: it runs once. */
  readonly interval: number
  /** How long after a run that did not do all of its work the next one begins; asked when a run ended. Undefined: `interval`. */
  readonly sooner?: () => number | undefined
  /** When it first runs, from now. */
  readonly first: number
  /** It only begins while this is open. */
  readonly window: TimeWindow | undefined
  /** Ends soon after `signal`. What it throws is a bug and ends the process. */
  readonly run: (signal: AbortSignal) => Promise<void>
}

export interface ScheduleOptions {
  readonly now?: () => number
  /** Answers how to call it off. */
  readonly timer?: (ms: number, fire: () => void) => () => void
  /** From 0 to 1. */
  readonly random?: () => number
  /** A run begins; the answer is called when it ends. */
  readonly began?: (name: string) => () => void
}

export interface Schedule {
  /** Replaces all tasks; a run under way goes on to its end. */
  set(tasks: readonly Task[]): void
  /** Calls everything off; ends when nothing runs any more. */
  stop(): Promise<void>
}

/** So much later at most than asked for, of the wait: not all registries of a host at the same moment. */
const jitter = 0.05
/** Longer waits are cut in pieces: a timer of Node holds 24 days. */
const longest = 24 * 60 * 60_000

const nodeTimer = (ms: number, fire: () => void): (() => void) => {
  const timer = setTimeout(fire, ms).unref()
  return () => clearTimeout(timer)
}

/** Runs tasks one at a time. */
export function createSchedule(options: ScheduleOptions = {}): Schedule {
  const { now = Date.now, timer = nodeTimer, random = Math.random, began = () => () => {} } = options
  const stopping = new AbortController()
  let cancels = new Map<Task, () => void>()
  let turn = Promise.resolve()

  const arm = (task: Task, at: number): void => {
    const wait = Math.max(0, at - now())
    const fire = wait > longest ? () => arm(task, at) : () => due(task)
    cancels.set(task, timer(Math.min(wait, longest), fire))
  }

  const due = (task: Task): void => {
    turn = turn.then(async () => {
      if (!cancels.has(task) || stopping.signal.aborted) return
      const closedFor = task.window ? opensIn(task.window, now()) : 0
      if (closedFor > 0) return arm(task, now() + closedFor)
      const ended = began(task.name)
      try {
        await task.run(stopping.signal)
      } finally {
        ended()
      }
      const wait = task.sooner?.() ?? task.interval
      if (wait > 0 && cancels.has(task)) later(task, wait)
    })
  }

  const later = (task: Task, wait: number): void => arm(task, now() + wait * (1 + jitter * random()))
  const callOff = (): void => {
    for (const cancel of cancels.values()) cancel()
    cancels = new Map()
  }
  return {
    set: tasks => {
      callOff()
      if (!stopping.signal.aborted) for (const task of tasks) later(task, task.first)
    },
    stop: async () => {
      stopping.abort()
      callOff()
      await turn
    },
  }
}
