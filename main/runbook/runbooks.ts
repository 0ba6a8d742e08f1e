import { randomBytes } from 'node:crypto'
import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { fail, ok, type Result } from '../../preload/contract/result.ts'
import type {
  RunbookDetails,
  RunbookLines,
  RunbookProgress,
  RunbookRecord,
} from '../../preload/contract/runbook.ts'
import { isPastReturn } from '../../preload/words/runbook-words.ts'
import type { Clock } from '../platform/clock.ts'
import { type SetAside, setAside } from '../platform/json-file.ts'
import { type Active, activeOf, ask, detailsOf, nextTold, refresh, take, toldFrom } from './active.ts'
import { type Entry, type Journal, openJournal, readEntries } from './journal.ts'
import { journals, prune, readDetails, readRecords } from './records.ts'
import { type Outcome, runRunbook } from './run.ts'
import type { Runbook } from './step.ts'

/** A kind of runbook that an interrupted run of it can be brought to its end. */
export interface Kind {
  /** The runbook as it was begun, from what its journal remembers; undefined when that cannot be understood. */
  revive(memory: Record<string, unknown>): Runbook<object> | undefined
  /** Whether a run that was killed before anything failed goes on; otherwise it goes back. */
  onward(begun: (step: string) => boolean, memory: Record<string, unknown>): boolean
  /** Brings an interrupted run to its end, and the registry up. Absent: the registry first, then the run. */
  recover?(cut: Interrupted): Promise<void>
}

/** A run that the end of the app cut off. */
export interface Interrupted {
  runbook: string
  /** It goes on to its end; otherwise back to how it was. */
  onward: boolean
  /** What its steps had found out. */
  memory: Record<string, unknown>
  /** Never rejects. */
  resume(): Promise<Outcome>
}

export interface Runbooks {
  /** Begins a run and returns; `busy` while another one is under way. */
  start(runbook: Runbook<object>, by: string): Promise<Result<{ run: string }>>
  /** The run under way. */
  current(): RunbookProgress | undefined
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
  /** A run that an earlier life of the app did not bring to its end. Asked once, before anything else starts. */
  interrupted(): Promise<Interrupted | undefined>
  /** From now on nothing is journaled: whatever runs is left to the next start of the app. */
  close(): void
}

interface Options {
  home: string
  clock: Clock
  kinds: Record<string, Kind>
  /** A journal that could not be understood was set aside. */
  report(what: SetAside): void
  log(message: string, data?: Record<string, unknown>): void
  onChange(): void
}

/** How often what is merely written on the way is shown, ms. */
const showEveryMs = 100

/** One runbook at a time, with its journal in `home`/runbooks/RUN.jsonl. */
export function createRunbooks({ home, clock, kinds, report, log, onChange }: Options): Runbooks {
  const folder = join(home, 'runbooks')
  let newest: Active | undefined
  let starting = false
  let closed = false

  const running = (): Active | undefined => (newest && newest.end === undefined ? newest : undefined)

  /** Set while something that was written on the way is yet to be shown, or was just now. */
  let shownLately: (() => void) | undefined
  let moreToShow = false

  function changed(active: Active): void {
    shownLately?.()
    shownLately = undefined
    moreToShow = false
    for (const wake of [...active.waiting]) wake()
    onChange()
  }

  /** A build writes thousands of lines a second: the first is shown at once, the others a few times a second. */
  function moved(active: Active): void {
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

  async function perform(active: Active, runbook: Runbook<object>, journal: Journal): Promise<Outcome> {
    const { run, by } = active.progress
    active.entries = journal.entries
    return runRunbook(runbook, run, {
      journal: whileOpen(journal, {
        isClosed: () => closed,
        added() {
          refresh(active, runbook)
          onChange()
        },
      }),
      clock,
      by,
      tell(telling) {
        take(active, runbook, telling)
        if ('progress' in telling) moved(active)
        else changed(active)
      },
      ask: question => ask(active, question),
      signal: active.cancel.signal,
    })
  }

  /** Never rejects. */
  async function run(active: Active, runbook: Runbook<object>, opening: Promise<Journal>): Promise<Outcome> {
    const { name } = runbook
    const id = active.progress.run
    const work = opening.then(journal => perform(active, runbook, journal))
    const outcome = await work.catch((error: unknown): Outcome => {
      // The journal cannot be opened or written: nothing more is done, and the next start looks at it again.
      log('a runbook broke off', { run: id, error: String(error) })
      const words = 'What is done cannot be written down, so nothing more is done.'
      return { result: 'failed', error: { code: 'journal-unwritable', words, detail: String(error) } }
    })
    const retireAt = outcome.result === 'done' ? runbook.retireAt?.(runbook.memory) : undefined
    active.end = { runbook: name, ...outcome, ...(retireAt === undefined ? {} : { retireAt }) }
    log('a runbook ended', { run: id, ...outcome })
    changed(active)
    await prune(folder).catch(() => {})
    return outcome
  }

  function activate(runbook: Runbook<object>, id: string, by: string, entries: readonly Entry[]): Active {
    newest = activeOf(runbook, { run: id, by, since: clock.now(), entries })
    onChange()
    return newest
  }

  return {
    async start(runbook, by) {
      const busy = running()
      if (closed) return fail({ code: 'quitting' })
      if (busy || starting) return fail({ code: 'busy', with: busy?.progress.title ?? runbook.title })
      starting = true
      try {
        await mkdir(folder, { recursive: true, mode: 0o700 })
        const id = `${stamp(clock.now())}-${runbook.name}-${randomBytes(2).toString('hex')}`
        const journal = await openJournal(join(folder, `${id}.jsonl`))
        void run(activate(runbook, id, by, journal.entries), runbook, Promise.resolve(journal))
        return ok({ run: id })
      } catch (error) {
        return fail({ code: 'home-unusable', path: folder, reason: String(error) })
      } finally {
        starting = false
      }
    },
    current: () => running()?.progress,
    async lines(id, after, waitMs) {
      const active = newest
      if (!active || (id !== undefined && active.progress.run !== id))
        return fail({ code: 'nothing-under-way' })
      if (active.lines <= after && active.end === undefined) await nextTold(active, clock, waitMs)
      const { lines: next, end } = active
      return ok({ lines: toldFrom(active, after), next, ...(end ? { end } : {}) })
    },
    answer(question, agreed) {
      const asked = running()?.asked
      if (asked?.question.id !== question) return fail({ code: 'nothing-under-way' })
      // No is a cancel: nothing failed.
      if (agreed) asked.answer(true)
      else running()?.cancel.abort()
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
        ? detailsOf(newest)
        : readDetails(folder, id),
    history: () => readRecords(folder),
    async interrupted() {
      for (const name of (await journals(folder)).reverse()) {
        const file = join(folder, name)
        const entries = await readEntries(file).catch(() => undefined)
        if (entries?.some(entry => entry.kind === 'ended')) continue
        // Killed before its first line was whole: nothing was done.
        if (entries?.length === 0) {
          await rm(file, { force: true })
          continue
        }
        const begun = entries?.find(entry => entry.kind === 'begun')
        const kind = begun && kinds[begun.runbook]
        const memory = entries && rememberedBy(entries)
        const runbook = memory && kind?.revive(memory)
        if (!entries || !begun || !kind || !runbook) {
          await setAside(file, { now: clock.now, report })
          continue
        }
        const steps = new Set(entries.flatMap(entry => (entry.kind === 'applying' ? [entry.step] : [])))
        const turned = entries.some(entry => entry.kind === 'failed' || entry.kind === 'cancelled')
        const onward = !turned && kind.onward(step => steps.has(step), memory)
        const active = activate(runbook, begun.run, begun.by ?? 'cli', entries)
        active.progress.since = begun.at
        active.progress.undoing = !onward
        if (!onward && !turned) active.cancel.abort()
        return {
          runbook: begun.runbook,
          onward,
          memory,
          resume: () => run(active, runbook, openJournal(file)),
        }
      }
      return undefined
    },
    close() {
      closed = true
    },
  }
}

/** A quit is like a kill for a run: what it would still write is never acknowledged, so it goes no further. */
function whileOpen(journal: Journal, { isClosed, added }: { isClosed(): boolean; added(): void }): Journal {
  return {
    entries: journal.entries,
    async add(entry) {
      if (isClosed()) return new Promise(() => {})
      await journal.add(entry)
      added()
    },
  }
}

function rememberedBy(entries: readonly Entry[]): Record<string, unknown> | undefined {
  const last = entries.findLast(entry => entry.kind === 'applied' || entry.kind === 'begun')
  return last && 'memory' in last ? last.memory : undefined
}

/** "20260301T120000123Z": sorts as the time does. */
const stamp = (at: number): string => new Date(at).toISOString().replace(/[-:.]/g, '')
