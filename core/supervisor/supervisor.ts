import { join } from 'node:path'
import type { JournalEntry, ProcessState } from '../../contract/registry-state.ts'
import { fail, ok, type Result } from '../../contract/result.ts'
import { type LogBatch, type LogLimits, standardLogLimits } from '../platform/log-lines.ts'
import { createEventLoop } from './event-loop.ts'
import { type Journal, openJournal, standardJournalLimits } from './journal.ts'
import { createLogFile } from './log-file.ts'
import { type Policy, standardPolicy } from './policy.ts'
import { createProcessDriver, type ProcessDriverDeps } from './process-driver.ts'
import { createSessionEnd } from './session-end.ts'
import type { Effect, Target, UntimedEvent } from './state.ts'
import { createWaiters } from './waiters.ts'
import { createWatches, type WatchesDeps } from './watches.ts'

/** Everything that is optional is replaced in tests only, or is missing where an engine has no such thing. */
export type SupervisorDeps = ProcessDriverDeps &
  WatchesDeps & {
    policy?: Partial<Policy>
    logLimits?: Partial<LogLimits>
  }

/** One registry process, kept alive. */
export interface Supervisor {
  /**
   * Adopts a process that an earlier core left, or starts one. Returns when that is under way. `stopped`: somebody had
   * stopped it under the core before this one, and it stays so.
   */
  begin(options?: { stopped: boolean }): Promise<void>
  /** The process that an earlier core left and that still runs. To be asked before `begin`. */
  recorded(): Promise<{ engine: string; executable: string; version?: string } | undefined>
  state(): ProcessState
  /** Newest first, at most 20. */
  journal(): JournalEntry[]
  /** Where the process answers: an adopted one may have been started with an earlier config. */
  target(): Target | undefined
  /** Each resolves when its end state is reached, or with why it was not. A start that failed is tried again all the same. */
  start(): Promise<Result<ProcessState>>
  /** `withinMs`: at once, pushes are interrupted, and what still lives after that is killed. */
  stop(options?: { withinMs: number }): Promise<Result<ProcessState>>
  /** Also starts a stopped one. `now` interrupts pushes instead of waiting for them. */
  restart(options: { now: boolean }): Promise<Result<ProcessState>>
  /** Cancels a stop or restart before anything was signalled. */
  cancel(): Result<null>
  /** Checks now whether what kept it from starting is over. Resolves when that is known. */
  checkAgain(): Promise<void>
  /** The data folder of the process that serves is gone, or is another one. */
  dataLost(): void
  /** The computer woke from sleep. */
  woke(): void
  /** The newest lines of the output, oldest first. */
  tail(count: number): Promise<string[]>
  follow(listener: (batch: LogBatch) => void): () => void
  /** Calls back after state or journal changed; several changes at once make one call. */
  onChange(listener: () => void): () => void
  /**
   * Stops the process, or leaves it running for the next core; then closes everything. The same promise each time.
   * `pushesMs`: how long pushes are waited for at most; it holds for an end that is under way too.
   */
  close(options: { keepServing: boolean; pushesMs?: number }): Promise<void>
}

/** Opens log and journal; nothing is started before `begin`. Throws when the home cannot be written. */
export function createSupervisor(deps: SupervisorDeps): Supervisor {
  const { clock, home } = deps
  const policy = { ...standardPolicy, ...deps.policy }
  const limits = { ...standardLogLimits, ...deps.logLimits }
  const logFile = createLogFile(join(home, 'logs', 'registry.log'), clock, limits)
  const waiters = createWaiters()
  const early: JournalEntry[] = []
  let journal: Journal | undefined
  let closed: Promise<void> | undefined
  /** The newest check before a start. */
  let check: Promise<void> = Promise.resolve()

  const loop = createEventLoop({
    clock,
    policy,
    drainsItself: () => deps.engine.drainsItself,
    log: (message, data) => deps.log(message, data),
  })
  const { dispatch } = loop
  const sessionEnd = createSessionEnd({ clock, drainsItself: () => deps.engine.drainsItself, dispatch })
  const driver = createProcessDriver({ deps, policy, logFile, dispatch })
  const watches = createWatches({
    deps,
    policy,
    dispatch,
    startTimeOf: driver.startTimeOf,
    onAdoptedGone: driver.adoptedIsGone,
  })

  function perform(effect: Effect): UntimedEvent | undefined {
    if (effect.do === 'check') {
      check = driver.check(effect.serial)
      return undefined
    }
    if (effect.do !== 'journal') return driver.perform(effect)
    if (journal === undefined) early.push(effect.entry)
    else void journal.add(effect.entry)
    loop.changed()
    return undefined
  }
  loop.connect({
    perform,
    onIdle(state, shown) {
      watches.update(state)
      waiters.update(shown)
    },
  })

  /** Dispatches a request, and waits for the end state that it asks for. */
  function request(event: UntimedEvent, goal: 'serving' | 'stopped'): Promise<Result<ProcessState>> {
    if (closed !== undefined) return Promise.resolve(fail({ code: 'quitting' }))
    dispatch(event)
    const answer = waiters.wait(goal)
    waiters.update(loop.shown())
    return answer
  }

  async function shutDown(keepServing: boolean) {
    waiters.fail({ code: 'quitting' })
    dispatch(keepServing ? { kind: 'cancel-asked' } : { kind: 'stop-asked', goal: 'quit' })
    await loop.waitUntil(keepServing ? canBeLeft : isEnded)
    sessionEnd.cancel()
    watches.close()
    driver.close()
    await logFile.close()
    await journal?.close()
    loop.removeListeners()
  }

  return {
    async begin({ stopped } = { stopped: false }) {
      journal = await openOwnJournal(deps)
      for (const entry of early.splice(0)) void journal.add(entry)
      // Whoever decides on the first start has read the journal by then.
      loop.changed()
      if (closed === undefined) dispatch(stopped ? staysStopped : { kind: 'app-started' })
    },
    recorded: driver.recorded,
    state: loop.shown,
    journal: () => journal?.newest() ?? [],
    target() {
      const { stage } = loop.state()
      return 'registry' in stage ? stage.registry.target : undefined
    },
    start: () => request({ kind: 'start-asked' }, 'serving'),
    stop: options => request({ kind: 'stop-asked', goal: 'stopped', ...options }, 'stopped'),
    restart: ({ now }) => request({ kind: 'restart-asked', now }, 'serving'),
    cancel() {
      const shown = loop.shown()
      if (shown.kind !== 'draining' || !shown.cancellable || shown.then === 'quit')
        return fail({ code: 'nothing-to-cancel' })
      waiters.fail({ code: 'cancelled' })
      dispatch({ kind: 'cancel-asked' })
      return ok(null)
    },
    async checkAgain() {
      if (closed !== undefined) return
      dispatch({ kind: 'woke' })
      await check
    },
    dataLost() {
      const { stage } = loop.state()
      if (stage.kind === 'serving') dispatch({ kind: 'data-lost', pid: stage.registry.pid })
    },
    woke() {
      watches.restartLiveness()
      dispatch({ kind: 'woke' })
    },
    tail: count => logFile.tail(count),
    follow: listener => logFile.follow(listener),
    onChange: loop.onChange,
    close({ keepServing, pushesMs }) {
      closed ??= shutDown(keepServing)
      if (pushesMs !== undefined) sessionEnd.hasten(pushesMs)
      return closed
    },
  }
}

const openOwnJournal = ({ home, report, log }: SupervisorDeps): Promise<Journal> =>
  openJournal(
    join(home, 'journal.jsonl'),
    standardJournalLimits,
    setAside => report({ kind: 'file-set-aside', ...setAside }),
    reason => log('the journal cannot be written', { reason }),
  )

const staysStopped: UntimedEvent = { kind: 'stop-asked', goal: 'stopped' }

const isEnded = ({ kind }: ProcessState): boolean => kind === 'stopped' || kind === 'failed'

/** Whether the process can be left as it is: a restart under way is first brought to its new process. */
const canBeLeft = (state: ProcessState): boolean =>
  state.kind !== 'draining' &&
  state.kind !== 'stopping' &&
  (state.kind !== 'starting' || state.pid !== undefined)
