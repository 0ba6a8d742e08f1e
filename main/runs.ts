import type { ZotbarHandlers } from '../preload/contract/contract.ts'
import { fail, ok, type Result } from '../preload/contract/result.ts'
import type { RunbookProgress } from '../preload/contract/runbook.ts'
import type { Clock } from './platform/clock.ts'
import type { SetAside } from './platform/json-file.ts'
import { createRunbooks, type Interrupted, type Kind } from './runbook/runbooks.ts'
import type { Runbook } from './runbook/step.ts'
import type { Supervisor } from './supervisor/supervisor.ts'

interface Options {
  home: string
  clock: Clock
  supervisor: Pick<Supervisor, 'begin' | 'start' | 'state'>
  report(what: SetAside): void
  log(message: string, data?: Record<string, unknown>): void
  onChange(): void
}

/** The runbooks of the app, of every kind: one under way at a time. */
export interface Runs {
  handlers: Pick<ZotbarHandlers, 'runbooks'>
  /** Makes kinds known, by the names of their runbooks: before `begin`. */
  know(kinds: Record<string, Kind>): void
  /** Looks for a run that was cut off: it is the one under way from then on. Before anybody can ask. */
  look(): Promise<unknown>
  /** Begins a run and returns; `busy` while another one is under way. */
  start(runbook: Runbook<object>, by: string): Promise<Result<{ run: string }>>
  /** The run under way. */
  current(): RunbookProgress | undefined
  /** Brings an interrupted run to its end, or lets the supervisor begin. Returns when that is under way. */
  begin(): Promise<void>
  close(): void
}

/** Owns the one list of runs; `know` is called for every kind before `begin`. */
export function createRuns({ supervisor, ...options }: Options): Runs {
  const kinds: Record<string, Kind> = {}
  const runbooks = createRunbooks({ ...options, kinds })

  /** The registry first, then the run, then the registry again where the run left it stopped. */
  async function recover(cut: Interrupted): Promise<void> {
    options.log('an interrupted runbook is brought to its end', { runbook: cut.runbook, onward: cut.onward })
    await supervisor.begin()
    void cut.resume().then(() => {
      if (supervisor.state().kind === 'stopped') void supervisor.start()
    })
  }

  let looked: Promise<Interrupted | undefined> | undefined
  const look = (): Promise<Interrupted | undefined> => {
    looked ??= runbooks.interrupted()
    return looked
  }

  return {
    handlers: {
      runbooks: {
        state: ({ run, after, waitMs }) => runbooks.lines(run, after, waitMs),
        answer: async ({ question, agreed }) => runbooks.answer(question, agreed),
        cancel: async () => runbooks.cancel(),
        async show({ run }) {
          const details = await runbooks.details(run)
          return details ? ok(details) : fail({ code: 'nothing-under-way' })
        },
        history: async () => ok({ runs: await runbooks.history() }),
      },
    },
    know: more => void Object.assign(kinds, more),
    look,
    start: (runbook, by) => runbooks.start(runbook, by),
    current: () => runbooks.current(),
    async begin() {
      const cut = await look()
      if (!cut) return supervisor.begin()
      const own = kinds[cut.runbook]?.recover
      return own ? own(cut) : recover(cut)
    },
    close: () => runbooks.close(),
  }
}
