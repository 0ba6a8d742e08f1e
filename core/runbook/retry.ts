import type { RunbookEnd, RunbookError, RunbookQuestion } from '../../contract/runbook.ts'
import type { Clock } from '../../lib/clock.ts'
import { reasonOf } from '../../lib/error-code.ts'
import { type SetAside, setAside } from '../platform/json-file.ts'
import type { ActiveRun } from './active-run.ts'
import { type Entry, JournalUnreadable, JournalUnwritable, openJournal } from './journal.ts'
import { findNewestRun, type NewestRun } from './journals.ts'
import type { Outcome } from './run.ts'
import { type BrokenOff, type InterruptedRun, lastMemory } from './runbook-kind.ts'

interface RetryDeps {
  folder: string
  clock: Clock
  report(setAside: SetAside): void
  log(message: string, data?: Record<string, unknown>): void
  onBrokenOff?: ((run: BrokenOff) => void) | undefined
  /** See `createRunbooks`. */
  recover?: ((interrupted: InterruptedRun) => Promise<void>) | undefined
  /** The newest run of this life of the app. */
  newest(): ActiveRun | undefined
  isClosed(): boolean
  changed(active: ActiveRun): void
  end(active: ActiveRun, end: RunbookEnd): void
  /** Makes the run of a journal the one under way; undefined where nobody understands it. */
  resumable(
    journal: { file: string; entries: Entry[] },
    origin: { inThisLife: boolean; cancelled: boolean },
  ): InterruptedRun | undefined
}

/** What becomes of a run that cannot go on. */
export interface Retry {
  /** Nothing more is done, and nothing else begins, until it can go on; it is tried again by itself. */
  breakOff(active: ActiveRun, error: unknown): Outcome
  /** Takes it up as the next start of the app would, as soon as its journal can be read and written. Never rejects. */
  tryAgain(active: ActiveRun): Promise<void>
  /** A run ended: the next one that breaks off does so for the first time. */
  ended(): void
  /** Nothing is tried again by itself any more. */
  stop(): void
}

export function createRetry(deps: RetryDeps): Retry {
  const { folder, clock, report, log, newest, isClosed, changed, end } = deps
  /** How often the run under way broke off, and what waits to try it again. */
  let tries = 0
  let stopTrying = (): void => {}
  let trying = false

  function breakOff(active: ActiveRun, error: unknown): Outcome {
    const { run: id, runbook } = active.progress
    tries += 1
    log('a runbook broke off', { run: id, tries, error: String(error) })
    const broken = brokenOffText(error)
    active.brokenOff = { runbook, result: 'failed', error: broken }
    active.progress = {
      ...active.progress,
      question: brokenOffQuestion(id, broken),
    }
    changed(active)
    if (isClosed()) return { result: 'failed', error: broken }
    stopTrying()
    stopTrying = clock.setTimer(clock.now() + retryDelayMs(tries), () => void tryAgain(active), {
      unref: true,
    })
    deps.onBrokenOff?.({ runbook, memory: lastMemory(active.entries) ?? {}, tries })
    return { result: 'failed', error: broken }
  }

  async function tryAgain(active: ActiveRun): Promise<void> {
    if (isClosed() || trying || newest() !== active || !active.brokenOff) return
    trying = true
    stopTrying()
    try {
      const newest = await findNewestRun(folder)
      if (newest.kind === 'unreadable') throw new JournalUnreadable(newest.reason)
      if (newest.kind === 'damaged') await setAside(newest.file, { now: clock.now, report })
      if (newest.kind !== 'unended') return endAsFound(active, newest)
      // The line that says so is the proof that the journal can be written: nothing is touched before.
      await (await openJournal(newest.file)).add({ kind: 'resumed', at: clock.now() })
      const interrupted = deps.resumable(newest, {
        inThisLife: true,
        cancelled: active.cancel.signal.aborted,
      })
      if (!interrupted) {
        await setAside(newest.file, { now: clock.now, report })
        return endAsFound(active, { kind: 'damaged', run: newest.run, file: newest.file })
      }
      await (deps.recover?.(interrupted) ?? interrupted.resume())
    } catch (error) {
      breakOff(newest() ?? active, error)
    } finally {
      trying = false
    }
  }

  /** There is nothing to go on with: its last line is there after all, or its journal is not. */
  function endAsFound(active: ActiveRun, newest: Exclude<NewestRun, { kind: 'unended' }>): void {
    const { runbook, run: id } = active.progress
    const written = newest.kind === 'ended' && newest.run === id ? newest.end : undefined
    end(active, {
      runbook,
      result: written?.result ?? 'failed',
      ...(written
        ? {
            ...(written.error ? { error: written.error } : {}),
            ...(written.unproven ? { unproven: written.unproven } : {}),
          }
        : { error: { code: 'journal-lost', words: 'Its journal is gone, so it stays as it was left.' } }),
    })
  }

  return {
    breakOff,
    tryAgain,
    ended() {
      tries = 0
    },
    stop: () => stopTrying(),
  }
}

/** Why a run cannot go on. */
function brokenOffText(error: unknown): RunbookError {
  if (error instanceof JournalUnreadable)
    return {
      code: 'journal-unreadable',
      words: `Its journal cannot be read (${error.message}), so nobody knows how far it came.`,
    }
  const cause = error instanceof JournalUnwritable ? error.cause : error
  const message = 'What is done cannot be written down, so nothing more is done.'
  return { code: 'journal-unwritable', words: message, detail: `${String(cause)} (${reasonOf(cause)})` }
}

/** What its user sees of it, and can do about it. */
const brokenOffQuestion = (run: string, { words, detail }: RunbookError): RunbookQuestion => ({
  id: `broken-off:${run}`,
  title: 'It broke off, and is tried again by itself',
  body: [
    words,
    ...(detail === undefined ? [] : [detail]),
    'Nothing else begins before it was brought to its end.',
  ].join('\n'),
  confirm: 'Bring it to its end',
  triesAgain: true,
})

/** When it is tried again, ms: the first time, and at most; doubled in between. */
const [firstTryMs, longestTryMs] = [2_000, 60_000]
const retryDelayMs = (tries: number): number => Math.min(firstTryMs * 2 ** (tries - 1), longestTryMs)
