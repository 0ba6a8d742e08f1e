import { randomBytes } from 'node:crypto'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Failure } from '../../contract/failure.ts'
import { isPastReturn } from '../../contract/messages/runbook-message.ts'
import { fail, ok, type Result } from '../../contract/result.ts'
import type {
  RunbookDetails,
  RunbookEnd,
  RunbookLines,
  RunbookProgress,
  RunbookRecord,
} from '../../contract/runbook.ts'
import type { Clock } from '../../lib/clock.ts'
import { reasonOf } from '../../lib/error-code.ts'
import { type SetAside, setAside } from '../platform/json-file.ts'
import {
  type ActiveRun,
  activeDetails,
  applyEvent,
  askUser,
  createActiveRun,
  linesAfter,
  updateSteps,
  waitForLine,
} from './active-run.ts'
import { type Entry, type Journal, JournalUnreadable, openJournal, whileOpen } from './journal.ts'
import {
  closeOlderRuns,
  findNewestRun,
  journalNames,
  pruneJournals,
  readDetails,
  readRecords,
  timeAfter,
  timeStamp,
} from './journals.ts'
import { createRetry } from './retry.ts'
import { type Outcome, runRunbook } from './run.ts'
import { type BrokenOff, type InterruptedRun, planResume, type RunbookKind } from './runbook-kind.ts'
import type { Runbook } from './step.ts'

export interface RunbookRunner {
  /** Begins a run and returns; fails with what `blocked` says while another one is under way. */
  start(runbook: Runbook<object>, by: string): Promise<Result<{ run: string }>>
  /** The run under way; one that broke off is it until it was brought to its end. */
  current(): RunbookProgress | undefined
  /** Why no other run may begin now: `busy`, or `run-broken-off`. */
  blocked(): Failure | undefined
  /**
   * What a run (the newest without a name) told from line `after` on; waits up to `waitMs` for something new. Of the
   * lines that a step merely wrote on its way, the newest 2,000 are there.
   */
  lines(run: string | undefined, after: number, waitMs: number): Promise<Result<RunbookLines>>
  answer(question: string, agreed: boolean): Result<null>
  cancel(): Result<null>
  /** A run in full: the one that is named, else the newest; undefined when there is none. */
  details(run: string | undefined): Promise<RunbookDetails | undefined>
  /** The last 50 runs, newest first. */
  history(): Promise<RunbookRecord[]>
  /**
   * The run that an earlier life of the app did not bring to its end: the newest one, or none. Where its journal cannot
   * be read it is one that broke off. Asked once, before anything else starts; never rejects.
   */
  interrupted(): Promise<InterruptedRun | undefined>
  /** From now on nothing is journaled: whatever runs is left to the next start of the app. */
  close(): void
}

interface Options {
  home: string
  clock: Clock
  kinds: Record<string, RunbookKind>
  /** A journal that could not be understood was set aside. */
  report(what: SetAside): void
  /** An older run that broke off was closed as it was left, since a later one had begun. */
  onClosed?(run: { run: string; title: string }): void
  /** A run broke off, or was tried again in vain. */
  onBrokenOff?(run: BrokenOff): void
  /** Brings a run that broke off to its end, once its journal can be written again. Absent: by `resume` alone. */
  recover?(interrupted: InterruptedRun): Promise<void>
  log(message: string, data?: Record<string, unknown>): void
  onChange(): void
}

/** How often what is merely written on the way is shown, ms. */
const showEveryMs = 100

/** One runbook at a time, with its journal in `home`/runbooks/RUN.jsonl. */
export function createRunner(options: Options): RunbookRunner {
  const { home, clock, kinds, report, log, onChange } = options
  const folder = join(home, 'runbooks')
  let newest: ActiveRun | undefined
  let starting = false
  let closed = false

  const running = (): ActiveRun | undefined => (newest && newest.end === undefined ? newest : undefined)

  /** Set while something that was written on the way is yet to be shown, or was just now. */
  let shownLately: (() => void) | undefined
  let moreToShow = false

  function changed(active: ActiveRun): void {
    shownLately?.()
    shownLately = undefined
    moreToShow = false
    for (const wake of [...active.waiting]) wake()
    onChange()
  }

  /** A build writes thousands of lines a second: the first is shown at once, the others a few times a second. */
  function moved(active: ActiveRun): void {
    if (shownLately) {
      moreToShow = true
      return
    }
    changed(active)
    shownLately = clock.setTimer(
      clock.now() + showEveryMs,
      () => {
        shownLately = undefined
        if (moreToShow) moved(active)
      },
      { unref: true },
    )
  }

  async function perform(active: ActiveRun, runbook: Runbook<object>, journal: Journal): Promise<Outcome> {
    const { run, by } = active.progress
    active.entries = journal.entries
    return runRunbook(runbook, run, {
      journal: whileOpen(journal, {
        isClosed: () => closed,
        added() {
          updateSteps(active, runbook)
          onChange()
        },
      }),
      clock,
      by,
      emit(telling) {
        applyEvent(active, runbook, telling)
        if ('progress' in telling) moved(active)
        else changed(active)
      },
      ask: question => askUser(active, question),
      signal: active.cancel.signal,
    })
  }

  /** Never rejects. */
  async function run(
    active: ActiveRun,
    runbook: Runbook<object>,
    opening: Promise<Journal>,
  ): Promise<Outcome> {
    try {
      const outcome = await perform(active, runbook, await opening)
      const retireAt = outcome.result === 'done' ? runbook.retireAt?.(runbook.memory) : undefined
      end(active, { runbook: runbook.name, ...outcome, ...(retireAt === undefined ? {} : { retireAt }) })
      await pruneJournals(folder).catch(() => {})
      return outcome
    } catch (error) {
      return retry.breakOff(active, error)
    }
  }

  function end(active: ActiveRun, how: RunbookEnd): void {
    delete active.brokenOff
    active.end = how
    retry.ended()
    log('a runbook ended', { run: active.progress.run, ...how })
    changed(active)
  }

  const retry = createRetry({
    folder,
    clock,
    report,
    log,
    onBrokenOff: options.onBrokenOff,
    recover: options.recover,
    newest: () => newest,
    isClosed: () => closed,
    changed,
    end,
    resumable,
  })

  /** Makes the run of a journal the one under way; undefined where nobody understands it. */
  function resumable(
    { file, entries }: { file: string; entries: Entry[] },
    { inThisLife, cancelled }: { inThisLife: boolean; cancelled: boolean },
  ): InterruptedRun | undefined {
    const taken = planResume(entries, kinds, cancelled)
    if (!taken) return undefined
    const { begun, runbook, memory, resumes, isFailing } = taken
    const active = activate(runbook, begun.run, begun.by ?? 'cli', entries)
    active.progress.since = begun.at
    active.progress.undoing = !resumes
    if (!resumes && !isFailing) active.cancel.abort()
    const resume = (): Promise<Outcome> => run(active, runbook, openJournal(file))
    return { runbook: begun.runbook, resumes, memory, inThisLife, serves: true, resume }
  }

  /** A run of which nothing but its name is known. */
  function activateUnreadable(id: string, error: JournalUnreadable): void {
    const nobodyKnows = {
      name: 'unknown',
      title: 'A run whose journal cannot be read',
      steps: [],
      memory: {},
    }
    retry.breakOff(activate(nobodyKnows, id, 'cli', []), error)
  }

  function blocked(): Failure | undefined {
    const active = running()
    if (!active) return undefined
    const { run: id, title } = active.progress
    const reason = active.brokenOff?.error?.words
    return reason === undefined
      ? { code: 'busy', with: title }
      : { code: 'run-broken-off', run: id, title, reason }
  }

  function activate(runbook: Runbook<object>, id: string, by: string, entries: readonly Entry[]): ActiveRun {
    newest = createActiveRun(runbook, { run: id, by, since: clock.now(), entries })
    onChange()
    return newest
  }

  return {
    async start(runbook, by) {
      if (closed) return fail({ code: 'quitting' })
      const before = blocked()
      if (before) return fail(before)
      if (starting) return fail({ code: 'busy', with: runbook.title })
      starting = true
      try {
        await mkdir(folder, { recursive: true, mode: 0o700 })
        const at = timeAfter((await journalNames(folder)).at(-1), clock.now())
        const id = `${timeStamp(at)}-${runbook.name}-${randomBytes(2).toString('hex')}`
        const journal = await openJournal(join(folder, `${id}.jsonl`))
        void run(activate(runbook, id, by, journal.entries), runbook, Promise.resolve(journal))
        return ok({ run: id })
      } catch (error) {
        return fail({ code: 'home-unusable', path: folder, reason: String(error) })
      } finally {
        starting = false
      }
    },
    async lines(id, after, waitMs) {
      const active = newest
      if (!active || (id !== undefined && active.progress.run !== id))
        return fail({ code: 'nothing-under-way' })
      if (active.lineCount <= after && !active.end && !active.brokenOff)
        await waitForLine(active, clock, waitMs)
      const { lineCount: next } = active
      const end = active.end ?? active.brokenOff
      return ok({ lines: linesAfter(active, after), next, ...(end ? { end } : {}) })
    },
    answer(question, agreed) {
      const active = running()
      if (active?.brokenOff && active.progress.question?.id === question) {
        if (agreed) void retry.tryAgain(active)
        else active.cancel.abort()
        return ok(null)
      }
      const asked = active?.asked
      if (asked?.question.id !== question) return fail({ code: 'nothing-under-way' })
      // No is a cancel: nothing failed.
      if (agreed) asked.answer(true)
      else active?.cancel.abort()
      onChange()
      return ok(null)
    },
    cancel() {
      const active = running()
      // Past the point of no return a cancel would change nothing.
      if (!active || isPastReturn(active.progress.steps)) return fail({ code: 'nothing-to-cancel' })
      active.cancel.abort()
      return ok(null)
    },
    details: async id =>
      newest && (id === undefined || id === newest.progress.run)
        ? activeDetails(newest)
        : readDetails(folder, id),
    history: () => readRecords(folder),
    current: () => running()?.progress,
    blocked,
    async interrupted() {
      try {
        const found = await findNewestRun(folder)
        const { closed: overtaken, damaged } = await closeOlderRuns(folder, clock.now)
        for (const older of overtaken) {
          log('a run that broke off was overtaken by a later one, and is closed as it was left', older)
          options.onClosed?.(older)
        }
        for (const file of damaged) await setAside(file, { now: clock.now, report })
        if (found.kind === 'unreadable') activateUnreadable(found.run, new JournalUnreadable(found.reason))
        if (found.kind === 'ended' || found.kind === 'unreadable') return undefined
        const interrupted =
          found.kind === 'unended' ? resumable(found, { inThisLife: false, cancelled: false }) : undefined
        if (!interrupted) await setAside(found.file, { now: clock.now, report })
        return interrupted
      } catch (error) {
        activateUnreadable('unknown', new JournalUnreadable(reasonOf(error)))
        return undefined
      }
    },
    close() {
      closed = true
      retry.stop()
    },
  }
}
