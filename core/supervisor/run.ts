import { join } from 'node:path'
import type { JournalEntry, ProcessState } from '../../contract/registry-state.ts'
import { fail, ok, type Result } from '../../contract/result.ts'
import { createProcessDriver } from './care.ts'
import { type Journal, openJournal, standardJournalLimits } from './journal.ts'
import { createLogFile, standardLogLimits } from './log-file.ts'
import { step } from './machine.ts'
import { standardPolicy } from './policy.ts'
import { publicState } from './public-state.ts'
import { type Effect, type Event, firstState, type State, type UntimedEvent } from './state.ts'
import type { Supervisor, SupervisorDeps } from './supervisor.ts'
import { createWaiters } from './waiters.ts'
import { createWatchers } from './watchers.ts'

/** Feeds events to `step` one after the other, performs what it answers, and tells who listens. */
export function run(parts: SupervisorDeps): Supervisor {
  const { clock, home } = parts
  const policy = { ...standardPolicy, ...parts.policy }
  const limits = { ...standardLogLimits, ...parts.logLimits }
  const logFile = createLogFile(join(home, 'logs', 'registry.log'), clock, limits)
  const waiters = createWaiters()
  const listeners = new Set<() => void>()
  const early: JournalEntry[] = []
  const queue: Event[] = []
  let state: State = firstState(clock.now())
  let shown: ProcessState = publicState(state, policy)
  let journal: Journal | undefined
  let dispatching = false
  let telling = false
  let closed: Promise<void> | undefined
  /** The look at the machine that is under way, or the last one. */
  let looked: Promise<void> = Promise.resolve()

  const care = createProcessDriver({ parts, policy, logFile, tell })
  const watchers = createWatchers({ parts, policy, care, tell })

  /**
   * Events that arrive while one is handled wait their turn; the answer to a spawn comes `first`.
   * `due`: a tick has the time it was set for, also when the clock was set back meanwhile.
   */
  function tell(told: UntimedEvent, { first = false, due = 0 } = {}) {
    const event = { ...told, at: Math.max(clock.now(), due) } as Event
    if (first) queue.unshift(event)
    else queue.push(event)
    if (dispatching) return
    dispatching = true
    try {
      for (let next = queue.shift(); next !== undefined; next = queue.shift()) handle(next)
    } finally {
      dispatching = false
    }
    watchers.keep(state)
    waiters.update(shown)
  }

  function handle(event: Event) {
    const before = state.stage.kind
    const next = step(state, event, policy, parts.engine.drainsItself)
    state = next.state
    for (const effect of next.effects) perform(effect)
    if (state.stage.kind !== before)
      parts.log(`registry: ${before} -> ${state.stage.kind}`, { after: event.kind })
    const now = publicState(state, policy)
    if (JSON.stringify(now) === JSON.stringify(shown)) return
    shown = now
    changed()
  }

  function perform(effect: Effect) {
    if (effect.do === 'check') {
      looked = care.look(effect.serial)
      return
    }
    if (effect.do !== 'journal') return care.perform(effect)
    if (journal === undefined) early.push(effect.entry)
    else void journal.add(effect.entry)
    changed()
  }

  function changed() {
    if (telling) return
    telling = true
    queueMicrotask(() => {
      telling = false
      for (const listener of listeners) listener()
    })
  }

  /** Asks for something, and waits for what comes of it. */
  function ask(told: UntimedEvent, goal: 'serving' | 'stopped'): Promise<Result<ProcessState>> {
    if (closed !== undefined) return Promise.resolve(fail({ code: 'quitting' }))
    tell(told)
    const answer = waiters.wait(goal)
    waiters.update(shown)
    return answer
  }

  function until(reached: () => boolean): Promise<void> {
    return new Promise(resolve => {
      const look = () => {
        if (!reached()) return
        listeners.delete(look)
        resolve()
      }
      listeners.add(look)
      look()
    })
  }

  async function end(keepServing: boolean) {
    waiters.fail({ code: 'quitting' })
    tell(keepServing ? { kind: 'cancel-asked' } : { kind: 'stop-asked', goal: 'quit' })
    await until(() => (keepServing ? isLeft(shown) : shown.kind === 'stopped' || shown.kind === 'failed'))
    watchers.end()
    care.end()
    await logFile.close()
    await journal?.close()
    listeners.clear()
  }

  return {
    async begin() {
      journal = await openJournal(
        join(home, 'journal.jsonl'),
        standardJournalLimits,
        what => parts.report({ kind: 'file-set-aside', ...what }),
        reason => parts.log('the journal cannot be written', { reason }),
      )
      for (const entry of early.splice(0)) void journal.add(entry)
      if (closed === undefined) tell({ kind: 'app-started' })
    },
    recorded: () => care.recorded(),
    state: () => shown,
    journal: () => journal?.newest() ?? [],
    target: () => ('registry' in state.stage ? state.stage.registry.target : undefined),
    start: () => ask({ kind: 'start-asked' }, 'serving'),
    stop: options => ask({ kind: 'stop-asked', goal: 'stopped', ...options }, 'stopped'),
    restart: ({ now }) => ask({ kind: 'restart-asked', now }, 'serving'),
    cancel() {
      if (shown.kind !== 'draining' || !shown.cancellable || shown.then === 'quit')
        return fail({ code: 'nothing-to-cancel' })
      waiters.fail({ code: 'cancelled' })
      tell({ kind: 'cancel-asked' })
      return ok(null)
    },
    async checkAgain() {
      if (closed !== undefined) return
      tell({ kind: 'woke' })
      await looked
    },
    dataLost() {
      if (state.stage.kind === 'serving') tell({ kind: 'data-lost', pid: state.stage.registry.pid })
    },
    woke() {
      watchers.reset()
      tell({ kind: 'woke' })
    },
    tail: count => logFile.tail(count),
    follow: listener => logFile.follow(listener),
    onChange(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    close({ keepServing }) {
      closed ??= end(keepServing)
      return closed
    },
  }
}

/** Whether the process can be left as it is: a restart under way is brought to its new process first. */
const isLeft = (state: ProcessState): boolean =>
  state.kind !== 'draining' &&
  state.kind !== 'stopping' &&
  (state.kind !== 'starting' || state.pid !== undefined)
