import { setTimeout as pause } from 'node:timers/promises'
import { count, plainText } from '../../contract/messages/format.ts'
import { inParallel } from '../platform/tasks.ts'
import { failed } from '../runbook/step.ts'
import type { Check, CheckResult } from './checks.ts'
import type { SendRegistryRequest } from './pull-checks.ts'
import { askFor, configHash, metricsStatus, type ReadBaseline } from './read-baseline.ts'

interface Options {
  /** Undefined where an earlier Zotbar began the run. */
  baseline: ReadBaseline | undefined
  configFile: string
  /** SHA-256 of config.json as the run itself changed it. */
  editedConfig?: string | undefined
  ask: SendRegistryRequest
  /** Whether somebody agreed to it that metrics are not answered without a credential any more. */
  mayLoseMetrics(): Promise<boolean>
  /** Before what seems refused is asked for again. */
  wait?(): Promise<void>
}

/** The checks that what could be read over HTTP before the change can still be read. */
export function readChecks(options: Options): Check[] {
  const { baseline } = options
  const reads: Check = {
    id: 'reads',
    title: 'What could be read before can be read now',
    run: () => checkReads(baseline?.repositories ?? [], options),
  }
  const path = baseline?.metrics
  if (path === undefined) return [reads]
  const title = 'Metrics are answered without a password, as before'
  return [reads, { id: 'metrics', title, run: () => checkMetrics(path, options) }]
}

async function checkReads(before: ReadBaseline['repositories'], options: Options): Promise<CheckResult> {
  if (before.length === 0)
    return { ok: true, state: 'skipped', words: 'Nothing could be read before without a password' }
  let lost = await findLost(before, options.ask)
  if (lost.some(({ status }) => status !== undefined)) {
    await (options.wait ?? (() => pause(1000)))()
    lost = await findLost(lost, options.ask)
  }
  const refused = lost.filter(({ status }) => status !== undefined)
  const [first] = refused
  if (first) {
    const more = refused.length > 1 ? `, and so are ${refused.length - 1} more` : ''
    const way = first.by === 'anyone' ? 'without a password' : 'with Zotbar’s account'
    return refusedNow(
      `${first.name} could be read ${way} before, and ${answered(first.status)} now${more}`,
      options,
    )
  }
  const all = plainText(count(before.length, 'repository', 'repositories'))
  return lost.length === 0
    ? { ok: true, words: `${all} of those that could be read before` }
    : {
        ok: true,
        state: 'unproven',
        words: `${before.length - lost.length} of ${all} could be asked for; Zotbar has no account any more for the rest`,
      }
}

type Asked = ReadBaseline['repositories'][number] & { status: number | undefined }

/** Those that are not answered any more. What clients removed meanwhile is not among them: others look for that. */
async function findLost(before: ReadBaseline['repositories'], ask: SendRegistryRequest): Promise<Asked[]> {
  const asked = await inParallel(before, async one => ({ ...one, ...(await askFor(one, ask)) }))
  return asked.filter(({ status }) => status !== 200 && status !== 404)
}

async function checkMetrics(path: string, options: Options): Promise<CheckResult> {
  const status = await metricsStatus(path, options.ask)
  if (status === 200) return { ok: true }
  if (await options.mayLoseMetrics())
    return { ok: true, state: 'skipped', words: `${path} ${answered(status)} now, as was said before` }
  return refusedNow(`${path} could be read without a password before, and ${answered(status)} now`, options)
}

const answered = (status: number | undefined): string =>
  status === 0 ? 'gets no answer' : `is answered with ${status}`

/** Where config.json is another one than at the begin, that is what refuses, and not what is being proven. */
async function refusedNow(problem: string, options: Options): Promise<CheckResult> {
  const { baseline, configFile, editedConfig } = options
  const now = await configHash(configFile)
  const isOwn = now === baseline?.config || now === editedConfig
  return isOwn
    ? failed('gate-failed', `The check failed: ${problem}.`)
    : failed(
        'config-edited-meanwhile',
        `The check failed: ${problem}. Somebody else changed config.json during the run.`,
        `Look at what ${configFile} lets people read, then try again.`,
      )
}
