import { setTimeout as sleep } from 'node:timers/promises'

/** Work in the background goes on for so long before it makes way, ms. */
const spell = 2
const longestPause = 50

/**
 * A function to call between small pieces of work: it takes half of the time for everybody else, and throws
 * once `signal` says to stop.
 */
export function createPace(signal: AbortSignal): () => Promise<void> {
  let since = performance.now()
  return async () => {
    signal.throwIfAborted()
    const worked = performance.now() - since
    if (worked < spell) return
    await sleep(Math.min(worked, longestPause), undefined, { signal })
    since = performance.now()
  }
}

/** For when there is nobody else. */
export const noPause = async (): Promise<void> => {}

/** A part of every day in UTC, minutes since midnight; may lie across midnight. Both ends alike: all day. */
export interface TimeWindow {
  readonly from: number
  readonly to: number
}

const day = 24 * 60
const minute = 60_000

/** Reads "HH:MM-HH:MM"; undefined when it is something else. */
export function parseTimeWindow(text: string): TimeWindow | undefined {
  const match = /^([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-3]):([0-5]\d)$/.exec(text)
  if (!match) return undefined
  const [, ...parts] = match
  const [fromHour = 0, fromMinute = 0, toHour = 0, toMinute = 0] = parts.map(Number)
  return { from: fromHour * 60 + fromMinute, to: toHour * 60 + toMinute }
}

/** How long from `at` (ms since the epoch) until the window is open, ms; 0: it is. */
export function opensIn({ from, to }: TimeWindow, at: number): number {
  const now = (at / minute) % day
  const length = (to - from + day) % day || day
  const since = (now - from + day) % day
  return since < length ? 0 : Math.ceil((day - since) * minute)
}

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
  let lastRun = Promise.resolve()

  const arm = (task: Task, at: number): void => {
    const wait = Math.max(0, at - now())
    const fire = wait > longest ? () => arm(task, at) : () => due(task)
    cancels.set(task, timer(Math.min(wait, longest), fire))
  }

  const later = (task: Task, wait: number): void => arm(task, now() + wait * (1 + jitter * random()))

  function due(task: Task): void {
    lastRun = lastRun.then(async () => {
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
      await lastRun
    },
  }
}
