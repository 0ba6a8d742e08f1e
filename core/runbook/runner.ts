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
import { createRetry, type Retry } from './retry.ts'
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
  /** No run may begin until the answer is called; fails with what `blocked` says. `title`: what is under way instead. */
  hold(title: string): Result<() => void>
  /** The title of what is under way: a run, or what holds runs off. */
  busyWith(): string | undefined
  /**
   * The lines of a run (the newest without a name) from number `after` on; waits up to `waitMs` for something new. Of the
   * lines that a step merely wrote on its way, the newest 2,000 are there.
   */
  lines(run: string | undefined, after: number, waitMs: number): Promise<Result<RunbookLines>>
  /** `by`, in words, is for whoever answers later; `run` is the run that is meant, where that is known. */
  answer(question: string, agreed: boolean, from: { by: string; run?: string }): Result<null>
  /** Who answered this question of the newest run, in words. */
  answeredBy(question: string): string | undefined
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
  report(setAside: SetAside): void
  /** An older run that broke off was closed as it was left, since a later one had begun. */
  onClosed?(run: { run: string; title: string }): void
  /** A run is done, and not all of it could be proven. */
  onUnproven?(run: { run: string; title: string; unproven: string[] }): void
  /** A run broke off, or was tried again in vain. */
  onBrokenOff?(run: BrokenOff): void
  /** Brings a run that broke off to its end, once its journal can be written again. Absent: by `resume` alone. */
  recover?(interrupted: InterruptedRun): Promise<void>
  log(message: string, data?: Record<string, unknown>): void
  onChange(): void
}

/** How often the output of a step is shown, ms. */
const showEveryMs = 100

/** One runbook at a time, with its journal in `home`/runbooks/RUN.jsonl. */
export const createRunner = (options: Options): RunbookRunner => new Runner(options)

class Runner implements RunbookRunner {
  readonly #options: Options
  readonly #folder: string
  readonly #retry: Retry
  #newest: ActiveRun | undefined
  #isStarting = false
  #heldBy: string | undefined
  #isClosed = false
  /** Set while output of a step was shown a moment ago; `moreToShow` where some came since. */
  #stopShowing: (() => void) | undefined
  #moreToShow = false

  constructor(options: Options) {
    this.#options = options
    this.#folder = join(options.home, 'runbooks')
    this.#retry = createRetry({
      folder: this.#folder,
      clock: options.clock,
      report: options.report,
      log: options.log,
      onBrokenOff: options.onBrokenOff,
      recover: options.recover,
      newest: () => this.#newest,
      isClosed: () => this.#isClosed,
      changed: active => this.#changed(active),
      end: (active, end) => this.#end(active, end),
      resumable: (journal, origin) => this.#resumable(journal, origin),
    })
  }

  async start(runbook: Runbook<object>, by: string): Promise<Result<{ run: string }>> {
    if (this.#isClosed) return fail({ code: 'quitting' })
    const blocked = this.blocked()
    if (blocked) return fail(blocked)
    if (this.#isStarting) return fail({ code: 'busy', with: runbook.title })
    this.#isStarting = true
    const folder = this.#folder
    try {
      await mkdir(folder, { recursive: true, mode: 0o700 })
      const at = timeAfter((await journalNames(folder)).at(-1), this.#options.clock.now())
      const id = `${timeStamp(at)}-${runbook.name}-${randomBytes(2).toString('hex')}`
      const journal = await openJournal(join(folder, `${id}.jsonl`))
      void this.#run(this.#activate(runbook, id, by, journal.entries), runbook, Promise.resolve(journal))
      return ok({ run: id })
    } catch (error) {
      return fail({ code: 'home-unusable', path: folder, reason: String(error) })
    } finally {
      this.#isStarting = false
    }
  }

  current(): RunbookProgress | undefined {
    return this.#running()?.progress
  }

  blocked(): Failure | undefined {
    const active = this.#running()
    if (!active) return this.#heldBy === undefined ? undefined : { code: 'busy', with: this.#heldBy }
    const { run, title } = active.progress
    const reason = active.brokenOff?.error?.words
    return reason === undefined
      ? { code: 'busy', with: title }
      : { code: 'run-broken-off', run, title, reason }
  }

  hold(title: string): Result<() => void> {
    const blocked = this.blocked()
    if (blocked) return fail(blocked)
    if (this.#isStarting) return fail({ code: 'busy', with: 'the beginning of a run' })
    this.#heldBy = title
    return ok(() => {
      this.#heldBy = undefined
    })
  }

  busyWith(): string | undefined {
    return this.current()?.title ?? this.#heldBy
  }

  async lines(run: string | undefined, after: number, waitMs: number): Promise<Result<RunbookLines>> {
    const active = this.#newest
    if (!active || (run !== undefined && active.progress.run !== run))
      return fail({ code: 'nothing-under-way' })
    if (active.lineCount <= after && !active.end && !active.brokenOff)
      await waitForLine(active, this.#options.clock, waitMs)
    const { lineCount: next } = active
    const end = active.end ?? active.brokenOff
    return ok({ lines: linesAfter(active, after), next, ...(end ? { end } : {}) })
  }

  answer(question: string, agreed: boolean, { by, run }: { by: string; run?: string }): Result<null> {
    if (run !== undefined && run !== this.#newest?.progress.run) return fail({ code: 'nothing-under-way' })
    const active = this.#running()
    if (active?.brokenOff && active.progress.question?.id === question) {
      if (agreed) void this.#retry.tryAgain(active)
      else active.cancel.abort()
      return ok(null)
    }
    const pending = active?.asked
    if (pending?.question.id !== question) {
      const before = this.answeredBy(question)
      return fail(
        before === undefined ? { code: 'nothing-under-way' } : { code: 'already-answered', by: before },
      )
    }
    active?.answeredBy.set(question, by)
    // No is a cancel: nothing failed.
    if (agreed) pending.answer(true)
    else active?.cancel.abort()
    this.#options.onChange()
    return ok(null)
  }

  answeredBy(question: string): string | undefined {
    return this.#newest?.answeredBy.get(question)
  }

  cancel(): Result<null> {
    const active = this.#running()
    // Past the point of no return a cancel would change nothing.
    if (!active || isPastReturn(active.progress.steps)) return fail({ code: 'nothing-to-cancel' })
    active.cancel.abort()
    return ok(null)
  }

  async details(run: string | undefined): Promise<RunbookDetails | undefined> {
    const newest = this.#newest
    return newest && (run === undefined || run === newest.progress.run)
      ? activeDetails(newest)
      : readDetails(this.#folder, run)
  }

  history(): Promise<RunbookRecord[]> {
    return readRecords(this.#folder)
  }

  async interrupted(): Promise<InterruptedRun | undefined> {
    const { clock, report, log, onClosed } = this.#options
    try {
      const newest = await findNewestRun(this.#folder)
      const { closed, damaged } = await closeOlderRuns(this.#folder, clock.now)
      for (const older of closed) {
        log('a run that broke off was overtaken by a later one, and is closed as it was left', older)
        onClosed?.(older)
      }
      for (const file of damaged) await setAside(file, { now: clock.now, report })
      if (newest.kind === 'unreadable')
        this.#activateUnreadable(newest.run, new JournalUnreadable(newest.reason))
      if (newest.kind === 'ended' || newest.kind === 'unreadable') return undefined
      const interrupted =
        newest.kind === 'unended'
          ? this.#resumable(newest, { inThisLife: false, cancelled: false })
          : undefined
      if (!interrupted) await setAside(newest.file, { now: clock.now, report })
      return interrupted
    } catch (error) {
      this.#activateUnreadable('unknown', new JournalUnreadable(reasonOf(error)))
      return undefined
    }
  }

  close(): void {
    this.#isClosed = true
    this.#retry.stop()
  }

  #running(): ActiveRun | undefined {
    return this.#newest && this.#newest.end === undefined ? this.#newest : undefined
  }

  #activate(runbook: Runbook<object>, run: string, by: string, entries: readonly Entry[]): ActiveRun {
    const active = createActiveRun(runbook, { run, by, since: this.#options.clock.now(), entries })
    this.#newest = active
    this.#options.onChange()
    return active
  }

  /** A run of which nothing but its name is known. */
  #activateUnreadable(run: string, error: JournalUnreadable): void {
    const unknown = { name: 'unknown', title: 'A run whose journal cannot be read', steps: [], memory: {} }
    this.#retry.breakOff(this.#activate(unknown, run, 'cli', []), error)
  }

  /** Makes the run of a journal the one under way; undefined where its journal is of no known kind. */
  #resumable(
    { file, entries }: { file: string; entries: Entry[] },
    { inThisLife, cancelled }: { inThisLife: boolean; cancelled: boolean },
  ): InterruptedRun | undefined {
    const plan = planResume(entries, this.#options.kinds, cancelled)
    if (!plan) return undefined
    const { begun, runbook, memory, resumes, isFailing } = plan
    const active = this.#activate(runbook, begun.run, begun.by ?? 'cli', entries)
    active.progress.since = begun.at
    active.progress.undoing = !resumes
    if (!resumes && !isFailing) active.cancel.abort()
    const resume = (): Promise<Outcome> => this.#run(active, runbook, openJournal(file))
    return { runbook: begun.runbook, resumes, memory, inThisLife, serves: true, resume }
  }

  /** Never rejects. */
  async #run(active: ActiveRun, runbook: Runbook<object>, opening: Promise<Journal>): Promise<Outcome> {
    try {
      const outcome = await this.#perform(active, runbook, await opening)
      const retireAt = outcome.result === 'done' ? runbook.retireAt?.(runbook.memory) : undefined
      this.#end(active, {
        runbook: runbook.name,
        ...outcome,
        ...(retireAt === undefined ? {} : { retireAt }),
      })
      await pruneJournals(this.#folder).catch(() => {})
      return outcome
    } catch (error) {
      return this.#retry.breakOff(active, error)
    }
  }

  async #perform(active: ActiveRun, runbook: Runbook<object>, journal: Journal): Promise<Outcome> {
    const { clock, onChange } = this.#options
    const { run, by } = active.progress
    active.entries = journal.entries
    return runRunbook(runbook, run, {
      journal: whileOpen(journal, {
        isClosed: () => this.#isClosed,
        added() {
          updateSteps(active, runbook)
          onChange()
        },
      }),
      clock,
      by,
      emit: event => {
        applyEvent(active, runbook, event)
        if ('progress' in event) this.#progressed(active)
        else this.#changed(active)
      },
      ask: question => askUser(active, question),
      signal: active.cancel.signal,
    })
  }

  #end(active: ActiveRun, end: RunbookEnd): void {
    delete active.brokenOff
    active.end = end
    this.#retry.ended()
    const { run, title } = active.progress
    this.#options.log('a runbook ended', { run, ...end })
    if (end.unproven) this.#options.onUnproven?.({ run, title, unproven: end.unproven })
    this.#changed(active)
  }

  #changed(active: ActiveRun): void {
    this.#stopShowing?.()
    this.#stopShowing = undefined
    this.#moreToShow = false
    for (const wake of [...active.waiting]) wake()
    this.#options.onChange()
  }

  /** A build writes thousands of lines a second: the first is shown at once, the others a few times a second. */
  #progressed(active: ActiveRun): void {
    if (this.#stopShowing) {
      this.#moreToShow = true
      return
    }
    this.#changed(active)
    const { clock } = this.#options
    this.#stopShowing = clock.setTimer(
      clock.now() + showEveryMs,
      () => {
        this.#stopShowing = undefined
        if (this.#moreToShow) this.#progressed(active)
      },
      { unref: true },
    )
  }
}
