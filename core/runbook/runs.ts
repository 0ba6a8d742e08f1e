import { actorOf } from '../../contract/caller.ts'
import type { ZotbarHandlers } from '../../contract/contract.ts'
import type { Failure } from '../../contract/failure.ts'
import { initiatorText } from '../../contract/messages/runbook-message.ts'
import type { ProcessState } from '../../contract/registry-state.ts'
import { fail, ok, type Result } from '../../contract/result.ts'
import type { RunbookProgress } from '../../contract/runbook.ts'
import type { Notice } from '../../contract/snapshot.ts'
import type { Clock } from '../../lib/clock.ts'
import type { SetAside } from '../platform/json-file.ts'
import type { BrokenOff, InterruptedRun, RunbookKind } from './runbook-kind.ts'
import { createRunner } from './runner.ts'
import type { Runbook } from './step.ts'

interface Options {
  home: string
  clock: Clock
  supervisor: {
    state(): ProcessState
    /** Adopts a running registry, or starts one. */
    begin(options?: { stopped: boolean }): Promise<void>
    start(): Promise<unknown>
  }
  report(setAside: SetAside): void
  notify(notice: Notice): void
  log(message: string, data?: Record<string, unknown>): void
  onChange(): void
}

/** The runbooks of the app, of every kind: one under way at a time. */
export interface Runs {
  handlers: Pick<ZotbarHandlers, 'runbooks'>
  /** Makes kinds known, by the names of their runbooks: before `begin`. */
  register(kinds: Record<string, RunbookKind>): void
  /** Finds a run that was interrupted: it is the one under way from then on. To be called before anybody can ask. */
  findInterrupted(): Promise<unknown>
  /** Begins a run and returns; fails with what `blocked` says while another one is under way. */
  start(runbook: Runbook<object>, by: string): Promise<Result<{ run: string }>>
  /** The run under way; one that broke off is it until it was brought to its end. */
  current(): RunbookProgress | undefined
  /** Who answered this question of the newest run, in words; undefined where nobody did. */
  answeredBy(question: string): string | undefined
  /** Why no other run may begin now: `busy`, or `run-broken-off`. */
  blocked(): Failure | undefined
  /** Does something during which no run may begin; fails with what `blocked` says. `title`: as that of a run. */
  exclusively<T>(title: string, work: () => Promise<Result<T>>): Promise<Result<T>>
  /** The title of what is under way: a run, or what holds runs off. */
  busyWith(): string | undefined
  /**
   * Brings an interrupted run to its end, or lets the supervisor begin. Returns when that is under way. `stopped`: the
   * registry is to stay stopped.
   */
  begin(options?: { stopped: boolean }): Promise<void>
  close(): void
}

/** Owns the one list of runs; `know` is called for every kind before `begin`. */
export function createRuns({ supervisor, ...options }: Options): Runs {
  const kinds: Record<string, RunbookKind> = {}
  /** The registry served, or was to serve, when the run under way began. */
  let served = true

  /** The registry first, then the run, then the registry again where the run left it stopped. */
  async function recover(interrupted: InterruptedRun): Promise<void> {
    const { runbook, resumes, inThisLife, serves } = interrupted
    options.log('an interrupted runbook is brought to its end', { runbook, resumes })
    if (!inThisLife) await supervisor.begin()
    void interrupted.resume().then(() => {
      if (serves && supervisor.state().kind === 'stopped') void supervisor.start()
    })
  }

  const bringToItsEnd = (interrupted: InterruptedRun): Promise<void> =>
    kinds[interrupted.runbook]?.recover?.(interrupted) ?? recover(interrupted)

  /** A disk may stay full for hours: what a run that broke off left stopped serves again after the second try. */
  async function serveMeanwhile({ runbook, memory, tries }: BrokenOff): Promise<void> {
    if (tries < 2 || !served || supervisor.state().kind !== 'stopped') return
    try {
      await kinds[runbook]?.servesMeanwhile?.(memory)
      await supervisor.start()
    } catch (error) {
      options.log('the registry does not serve meanwhile', { error: String(error) })
    }
  }

  const runbooks = createRunner({
    ...options,
    kinds,
    onClosed({ run, title }) {
      const at = options.clock.now()
      options.notify({ kind: 'run-overtaken', id: `run-overtaken:${run}`, at, run, title })
    },
    onUnproven(ended) {
      const at = options.clock.now()
      options.notify({ kind: 'run-unproven', id: `run-unproven:${ended.run}`, at, ...ended })
    },
    onBrokenOff: run => void serveMeanwhile(run),
    recover: interrupted => bringToItsEnd({ ...interrupted, serves: served }),
  })

  let search: Promise<InterruptedRun | undefined> | undefined
  const findInterrupted = (): Promise<InterruptedRun | undefined> => {
    // A search that failed is not remembered: the next one may succeed.
    search ??= runbooks.interrupted().catch(error => {
      search = undefined
      throw error
    })
    return search
  }

  return {
    handlers: {
      runbooks: {
        state: ({ run, after, waitMs }) => runbooks.lines(run, after, waitMs),
        answer: async ({ question, agreed, run }, caller) =>
          runbooks.answer(question, agreed, {
            by: initiatorText(actorOf(caller)),
            ...(run === undefined ? {} : { run }),
          }),
        cancel: async () => runbooks.cancel(),
        async show({ run }) {
          const details = await runbooks.details(run)
          return details ? ok(details) : fail({ code: 'nothing-under-way' })
        },
        history: async () => ok({ runs: await runbooks.history() }),
      },
    },
    register: more => void Object.assign(kinds, more),
    findInterrupted,
    async start(runbook, by) {
      const serving = supervisor.state().kind !== 'stopped'
      const begun = await runbooks.start(runbook, by)
      if (begun.ok) served = serving
      return begun
    },
    current: () => runbooks.current(),
    answeredBy: question => runbooks.answeredBy(question),
    blocked: () => runbooks.blocked(),
    async exclusively(title, work) {
      const held = runbooks.hold(title)
      if (!held.ok) return held
      try {
        return await work()
      } finally {
        held.value()
      }
    },
    busyWith: () => runbooks.busyWith(),
    async begin(beginning) {
      try {
        const interrupted = await findInterrupted()
        return interrupted ? await bringToItsEnd(interrupted) : await supervisor.begin(beginning)
      } catch (error) {
        options.log('an interrupted runbook cannot be taken up', { error: String(error) })
        // Whatever is wrong with a run, the registry is supervised.
        const { kind } = supervisor.state()
        if (kind === 'stopped') await supervisor.begin()
      }
    },
    close: () => runbooks.close(),
  }
}
