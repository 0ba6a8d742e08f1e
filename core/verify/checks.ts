import { setTimeout as pause } from 'node:timers/promises'
import { count, plainText } from '../../contract/messages/format.ts'
import type { RunbookPart } from '../../contract/runbook.ts'
import { done, failed, type StepContext, type StepError, type StepResult } from '../runbook/step.ts'
import { type Comparison, clientChanges, compareInventories } from './compare-inventories.ts'
import { type Inventory, type StoreLayout, tagCount, takeInventory } from './inventory.ts'
import { type Asked, findUnservedTag, findWrongBytes, type SendRegistryRequest } from './pull-checks.ts'
import type { KnownManifests } from './read-store.ts'

/** The result of one check of a verification. `words` say what was left out, or what nobody could prove. */
export type CheckResult =
  | { ok: true; state?: 'passed' | 'skipped' | 'unproven'; words?: string }
  | { ok: false; error: StepError }

export interface Check {
  id: string
  title: string
  run(): Promise<CheckResult>
}

/**
 * Runs the checks one after the other, each reported as a part of the step, until one fails or the user cancels. What
 * none of them could prove is in the result.
 */
export async function runChecks(
  checks: Check[],
  { progress, signal }: Pick<StepContext<object>, 'progress' | 'signal'>,
): Promise<StepResult> {
  const report = (part: RunbookPart): void => progress({ label: part.title, part })
  const unproven: string[] = []
  for (const { id, title } of checks) report({ id, title, state: 'pending' })
  for (const { id, title, run } of checks) {
    if (signal.aborted) return failed('cancelled', 'It was cancelled.')
    report({ id, title, state: 'working' })
    const checked = await run()
    if (!checked.ok) {
      report({ id, title, state: 'failed', words: checked.error.words })
      return checked
    }
    const { state = 'passed', words } = checked
    report({ id, title, state, ...(words === undefined ? {} : { words }) })
    if (state === 'unproven') unproven.push(words === undefined ? title : `${title}: ${words}`)
  }
  if (unproven.length === 0) return done
  return {
    ok: true,
    unproven,
    words: plainText(`${count(unproven.length, 'check')} not proven`),
  }
}

interface Options {
  /** What was there, and where; undefined where that could not be read. */
  inventory: Inventory | undefined
  roots: string[] | undefined
  ask: SendRegistryRequest
  /** The newest lines of the engine's log: what clients change while it serves is no loss. */
  tail(count: number): Promise<string[]>
  layout: StoreLayout
  known: KnownManifests
  progress(progress: { label: string; done: number; total: number }): void
  signal: AbortSignal
  /** Before what seems lost is compared again. */
  wait?(): Promise<void>
}

/** The checks that the store holds, and is served, as the inventory says. An empty store passes. */
export function storeChecks(options: Options): [Check, Check] {
  const { inventory, roots, ask } = options
  const unknown: CheckResult = failed('census-missing', 'What was there is not known.')
  const judged = (problem: string | undefined): CheckResult =>
    problem === undefined ? { ok: true } : failed('gate-failed', `The check failed: ${problem}.`)
  return [
    {
      id: 'census',
      title: 'Every repository and tag is there',
      async run() {
        if (!inventory || !roots) return unknown
        try {
          const compared = await compareTwice({ ...options, inventory, roots })
          const first = compared.lost[0]
          if (first !== undefined) return judged(`${first}${andMore(compared.lost)}`)
          const served = await findUnserved(compared, options)
          return served.problem === undefined ? provenBy(served, compared) : judged(served.problem)
        } catch (error) {
          return judged(`the store cannot be read whole: ${String(error)}`)
        }
      },
    },
    {
      id: 'pulls',
      title: 'Pulls give the same bytes',
      async run() {
        if (!inventory) return unknown
        if (tagCount(inventory) === 0) return { ok: true, state: 'skipped', words: 'There is no tag to pull' }
        const pulled = await findWrongBytes(inventory, ask)
        if (pulled.problem !== undefined) return judged(pulled.problem)
        if (pulled.total === 0) return unprovenWith(['no image was small and whole enough to be pulled'])
        return unprovenWith(refusedOf(pulled, 'image', 'pulled'))
      },
    },
  ]
}

const andMore = ({ length }: readonly string[]): string => (length > 1 ? `, and ${length - 1} more` : '')

/** How many lines of the log are read. */
const logLines = 5000

/** A push that is under way may be on disk and not yet in the log: what seems lost is compared twice. */
async function compareTwice(
  options: Options & { inventory: Inventory; roots: string[] },
): Promise<Comparison> {
  const { inventory, roots, layout, known, tail, wait = () => pause(1000) } = options
  const compare = async (): Promise<Comparison> => {
    const after = await takeInventory(roots, { now: () => inventory.takenAt, live: true, known, ...layout })
    const lines = await tail(logLines).catch(() => [])
    const clients = clientChanges(lines, inventory.takenAt)
    // A pull moves the tag of a copy to what the upstream has by then.
    const put = (repository: string, reference: string): boolean =>
      layout.isCached(repository) || clients.put(repository, reference)
    return compareInventories(inventory, after, { ...clients, put })
  }
  const first = await compare()
  if (first.lost.length === 0) return first
  await wait()
  return compare()
}

const findUnserved = ({ tags }: Comparison, { ask, layout, progress, signal }: Options) =>
  findUnservedTag({
    tags,
    ask,
    isCached: layout.isCached,
    progress: (done, total) => progress({ label: 'Repositories compared', done, total }),
    signal,
  })

/** What nobody can say is said by name, and never passes for proven. */
function provenBy(served: Asked, { notProven, collected }: Comparison): CheckResult {
  const missing =
    collected === 0 ? [] : [`${count(collected, 'manifest')} without a tag went, as collection lets them`]
  return unprovenWith([...refusedOf(served, 'tag', 'asked for'), ...notProven, ...missing])
}

const unprovenWith = (what: readonly string[]): CheckResult =>
  what.length === 0 ? { ok: true } : { ok: true, state: 'unproven', words: plainText(what.join('; ')) }

function refusedOf({ asked, total }: Asked, noun: string, verb: string): string[] {
  if (asked === total) return []
  const rest = asked === 0 ? 'reading' : 'the rest'
  return [
    `${asked} of ${count(total, noun)} could be ${verb}; ${rest} asks for a password that Zotbar does not have`,
  ]
}
