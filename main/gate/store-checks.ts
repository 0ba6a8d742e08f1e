import type { Census } from './census.ts'
import type { Check, Checked } from './checks.ts'
import { type Ask, missingTag, wrongBytes } from './missing.ts'
import { failed } from './step-result.ts'

interface Options {
  /** What was there, and where; undefined where that could not be read. */
  census: Census | undefined
  roots: string[] | undefined
  ask: Ask
  progress(progress: { label: string; done: number; total: number }): void
  signal: AbortSignal
}

/** The checks that the store holds, and is served, as the census says. An empty store passes. */
export function storeChecks({ census, roots, ask, progress, signal }: Options): [Check, Check] {
  const unknown: Checked = failed('census-missing', 'What was there is not known.')
  const judged = (missing: string | undefined): Checked =>
    missing === undefined ? { ok: true } : failed('gate-failed', `The check failed: ${missing}.`)
  return [
    {
      id: 'census',
      title: 'Every repository and tag is there',
      async run() {
        if (!census || !roots) return unknown
        const missing = await missingTag({
          census,
          roots,
          ask,
          progress: (count, total) => progress({ label: 'Repositories compared', done: count, total }),
          signal,
        }).catch((error: unknown) => `the store cannot be read whole: ${String(error)}`)
        return judged(missing)
      },
    },
    {
      id: 'pulls',
      title: 'Pulls give the same bytes',
      async run() {
        if (!census) return unknown
        if (census.sample.length === 0) return { ok: true, words: 'The store is empty' }
        return judged(await wrongBytes(census, ask))
      },
    },
  ]
}
