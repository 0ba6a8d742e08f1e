import type { RunbookError, RunbookQuestion } from '../../contract/runbook.ts'
import { reasonOf } from '../../lib/error-code.ts'
import { JournalUnwritable } from './journal.ts'

/** The journal is there and cannot be read: `message` is half a sentence. */
export class Unreadable extends Error {}

/** Why a run cannot go on. */
export function brokenOffText(error: unknown): RunbookError {
  if (error instanceof Unreadable)
    return {
      code: 'journal-unreadable',
      words: `Its journal cannot be read (${error.message}), so nobody knows how far it came.`,
    }
  const cause = error instanceof JournalUnwritable ? error.cause : error
  const words = 'What is done cannot be written down, so nothing more is done.'
  return { code: 'journal-unwritable', words, detail: `${String(cause)} (${reasonOf(cause)})` }
}

/** What its user sees of it, and can do about it. */
export const brokenOffQuestion = (run: string, { words, detail }: RunbookError): RunbookQuestion => ({
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
export const nextTryMs = (tries: number): number => Math.min(firstTryMs * 2 ** (tries - 1), longestTryMs)
