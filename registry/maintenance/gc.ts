import type { EventSink } from '../events/event.ts'
import type { Logger } from '../log/logger.ts'
import type { StoreMaintenance } from '../storage/maintenance.ts'
import { type Decision, planRetention, type Usage } from './retention.ts'
import type { Retention } from './retention-policy.ts'

/** What is known of pulls and pushes. */
export interface UsageRecords {
  list(repository: string): ReadonlyMap<string, Usage>
  /** Without a reference: the whole repository. */
  forget(repository: string, reference?: string): void
}

export interface GcDeps {
  readonly maintenance: StoreMaintenance
  readonly logger: Pick<Logger, 'log'>
  readonly usage: UsageRecords | undefined
  /** Since when pulls are counted, ms since the epoch. */
  readonly countedSince: number
  readonly now: () => number
  readonly events?: Pick<EventSink, 'emit'> | undefined
  readonly observer?: { changed?(repository: string): void } | undefined
  /** Makes way for requests; throws when it is time to stop. */
  readonly pause: () => Promise<void>
}

export interface GcRules {
  /** Unreferenced blobs, uploads and leftovers younger than this stay, ms. */
  readonly delay: number
  readonly retention: Retention
}

export interface GcTotals {
  repositories: number
  manifests: number
  blobs: number
  bytes: number
  uploads: number
  syncs: number
  /** Repositories that were empty, and are gone. */
  emptied: number
  failures: number
}

export const noTotals = (): GcTotals => ({
  repositories: 0,
  manifests: 0,
  blobs: 0,
  bytes: 0,
  uploads: 0,
  syncs: 0,
  emptied: 0,
  failures: 0,
})

/**
 * Collects the garbage of one repository and adds what went to `totals`. In a dry run, manifests stay and
 * the log says which would go; blobs that nothing names go all the same, and so does a repository that is empty then.
 */
export async function collectRepository(
  deps: GcDeps,
  rules: GcRules,
  name: string,
  totals: GcTotals,
  signal: AbortSignal,
): Promise<void> {
  const { maintenance, logger, now, pause, countedSince } = deps
  const { delay, retention } = rules
  const usage = deps.usage?.list(name)
  const log = (message: string, fields: Readonly<Record<string, unknown>>): void =>
    logger.log('warn', message, { module: 'gc', repository: name, ...fields })
  let decisions: readonly Decision[] = []
  const result = await maintenance.collect(name, {
    decide: manifests => {
      const plan = planRetention({
        manifests,
        usage: reference => usage?.get(reference),
        policy: retention.policyFor(name),
        delay: retention.delay,
        now: now(),
        countedSince,
      })
      decisions = plan.decisions
      return retention.dryRun ? [] : plan.removals
    },
    blobsBefore: now() - delay,
    pause,
    signal,
  })
  totals.repositories++
  if (result.ok) {
    const { removed, blobs, bytes, keptBecause } = result.value
    const gone = new Set(removed.map(({ digest, tag }) => `${digest} ${tag ?? ''}`))
    const applied = decisions.filter(
      ({ decision, digest, tag }) =>
        decision === 'keep' || retention.dryRun || gone.has(`${digest} ${tag ?? ''}`),
    )
    for (const decision of applied) sayDecision(deps, retention.dryRun, name, decision)
    for (const { tag, digest, staysByDigest } of removed) {
      if (tag !== undefined) deps.usage?.forget(name, tag)
      if (!staysByDigest) deps.usage?.forget(name, digest)
      await pause()
    }
    if (removed.length + blobs > 0)
      deps.events?.emit({
        kind: 'collected',
        repository: name,
        removed: removed.map(({ digest, tag }) => ({ digest, ...(tag === undefined ? {} : { tag }) })),
        blobs,
        bytes,
      })
    totals.manifests += removed.length
    totals.blobs += blobs
    totals.bytes += bytes
    if (keptBecause !== undefined)
      log('blobs are not collected: what is in use cannot be told', { error: keptBecause })
  } else {
    totals.failures++
    log('garbage collection failed', { error: result.error.name, ...detailOf(result.error.detail) })
  }
  const left = await maintenance.removeLeftovers(name, now() - delay)
  totals.uploads += left.uploads
  totals.syncs += left.syncs
  const removal = await maintenance.removeEmpty(name, {
    before: now() - delay,
    onRemoved: () => {
      deps.usage?.forget(name)
      deps.events?.emit({
        kind: 'collected',
        repository: name,
        removed: [],
        blobs: 0,
        bytes: 0,
        isGone: true,
      })
    },
  })
  if (removal.kind === 'removed' || (result.ok && result.value.blobs > 0)) deps.observer?.changed?.(name)
  // zot's line, which programs read.
  if (removal.kind === 'removed') {
    totals.emptied++
    logger.log('info', 'removed all blobs, removing repo', { module: 'gc', repository: name })
  } else if (removal.kind === 'kept' && removal.isNews)
    log('an empty repository is not removed', { error: removal.reason })
}

/** zot's line, which programs read. */
function sayDecision(
  { logger }: GcDeps,
  dryRun: boolean,
  repository: string,
  { decision, reason, digest, mediaType, tag, pushedAt, pulledAt }: Decision,
): void {
  // Many tags are kept each time: that is only worth a line to somebody who tries out a policy.
  logger.log(decision === 'delete' || dryRun ? 'info' : 'debug', 'applied policy', {
    module: 'retention',
    'dry-run': dryRun,
    repository,
    mediaType,
    digest,
    ...(tag === undefined ? {} : { tag }),
    ...(pulledAt === undefined ? {} : { lastPullTimestamp: new Date(pulledAt).toISOString() }),
    ...(pushedAt === undefined ? {} : { pushTimestamp: new Date(pushedAt).toISOString() }),
    decision,
    reason,
  })
}

const detailOf = (detail: unknown): Record<string, unknown> =>
  typeof detail === 'object' && detail !== null ? { ...detail } : {}
