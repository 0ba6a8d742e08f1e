import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { isObject, parseJson } from '../../lib/json.ts'
import type { Logger } from '../log/logger.ts'
import type { BlobIndex } from '../storage/blob-index.ts'
import { makeFolderBelow, writeDurably } from '../storage/durable.ts'
import { layout } from '../storage/layout.ts'
import type { StoreMaintenance } from '../storage/maintenance.ts'
import { collectRepository, type GcDeps, type GcRules, type GcTotals, noTotals } from './gc.ts'
import { createPace, opensIn, type TimeWindow } from './schedule.ts'
import { type ScrubTotals, scrubAndReport } from './scrub.ts'

/** Counts the work in the background. Durations in seconds. */
export interface MaintenanceObserver {
  taskRegistered(): void
  taskBegan(name: string): () => void
  collected(run: { readonly failed: boolean; readonly seconds: number }): void
  /** `type`: manifest, blob, upload, sync. */
  deleted(type: string, count: number): void
  /** Blobs of a repository were collected, or itself. */
  changed?(repository: string): void
}

/** The index that is filled with the blobs that were there before it. */
export type NotedIndex = Pick<BlobIndex, 'isComplete' | 'note' | 'setComplete'>

export interface RoundDeps extends Omit<GcDeps, 'pause'> {
  readonly root: string
  readonly observer: MaintenanceObserver | undefined
  readonly blobIndex: NotedIndex | undefined
}

/** Ends soon after its signal. */
type Round = (signal: AbortSignal) => Promise<void>

/** From one report of progress to the next, ms. */
const reportEveryMs = 1000

/** The rounds over all repositories of a store: garbage collection, scrub, and the index of blobs. */
export class MaintenanceRounds {
  readonly #deps: RoundDeps
  /** The repository after which a collection goes on that its time window ended. */
  #resumeAfter = ''
  /** Repositories whose blobs are in the index, until all of them are. */
  readonly #indexed = new Set<string>()
  #isIndexed = false

  constructor(deps: RoundDeps) {
    this.#deps = deps
  }

  /** Whether the index of blobs has heard of every blob. */
  get isIndexed(): boolean {
    return this.#isIndexed
  }

  gc(rules: GcRules, window: TimeWindow | undefined): Round {
    const { maintenance, logger, now } = this.#deps
    const isClosed = (): boolean => window !== undefined && opensIn(window, now()) > 0
    return guarded(logger, 'gc', async signal => {
      const startedAt = performance.now()
      const totals = noTotals()
      const deps = { ...this.#deps, pause: createPace(signal) }
      const names = await namesFrom(maintenance, this.#resumeAfter)
      const repositoryDone = this.#progressOf('gc', names.length)
      for (const name of names) {
        if (signal.aborted || isClosed()) break
        const isDone = await this.#inRepository('gc', name, signal, () =>
          collectRepository(deps, rules, name, totals, signal),
        )
        if (!isDone) totals.failures++
        this.#resumeAfter = name
        repositoryDone()
      }
      if (!signal.aborted && !isClosed()) this.#resumeAfter = ''
      this.#reportCollection(totals, (performance.now() - startedAt) / 1000)
    })
  }

  #reportCollection(totals: GcTotals, seconds: number): void {
    const { observer, logger } = this.#deps
    const { manifests, blobs, uploads, syncs, emptied, failures } = totals
    observer?.collected({ failed: failures > 0, seconds })
    const deleted = { manifest: manifests, blob: blobs, upload: uploads, sync: syncs }
    for (const [type, count] of Object.entries(deleted)) if (count > 0) observer?.deleted(type, count)
    const isNews = manifests + blobs + uploads + syncs + emptied + failures > 0
    const fields = { module: 'gc', ...totals, seconds }
    logger.log(isNews ? 'info' : 'debug', 'garbage collection completed', fields)
  }

  scrub(): Round {
    const { root, maintenance, logger, now } = this.#deps
    return guarded(logger, 'scrub', async signal => {
      const startedAt = performance.now()
      const totals: ScrubTotals = { blobs: 0, corrupt: 0, unreadable: 0 }
      const deps = {
        maintenance,
        logger,
        pause: createPace(signal),
        signal,
        known: new Map<string, boolean>(),
      }
      let affected = 0
      const names = await namesFrom(maintenance, '')
      const repositoryDone = this.#progressOf('scrub', names.length)
      for (const name of names) {
        if (signal.aborted) return
        await this.#inRepository('scrub', name, signal, async () => {
          affected += await scrubAndReport(deps, name, join(root, name), totals)
        })
        repositoryDone()
      }
      if (signal.aborted) return
      await rememberScrub(root, now())
      const seconds = (performance.now() - startedAt) / 1000
      logger.log('info', 'scrub completed', { module: 'scrub', ...totals, affected, seconds })
    })
  }

  /** Puts the blobs that were there before the index into it. */
  index(): Round {
    const { blobIndex, maintenance, logger } = this.#deps
    return guarded(logger, 'dedupe', async signal => {
      this.#isIndexed = !blobIndex || blobIndex.isComplete
      if (!blobIndex || this.#isIndexed) return
      const pause = createPace(signal)
      let missing = 0
      for await (const name of maintenance.names(() => missing++)) {
        if (this.#indexed.has(name)) continue
        const isDone = await this.#inRepository('dedupe', name, signal, async () => {
          for await (const digest of maintenance.blobs(name)) {
            blobIndex.note(name, digest.text)
            await pause()
          }
        })
        if (isDone) this.#indexed.add(name)
        else missing++
      }
      // What could not be read may hold any blob, so searches must not trust the index alone.
      if (missing > 0) return
      this.#isIndexed = blobIndex.setComplete()
      this.#indexed.clear()
    })
  }

  /** To be called after each repository: reports how far a task is, at most once a second. */
  #progressOf(task: string, total: number): () => void {
    let done = 0
    let reportedAt = performance.now()
    return () => {
      done++
      if (performance.now() - reportedAt < reportEveryMs) return
      reportedAt = performance.now()
      this.#deps.events?.emit({ kind: 'maintenance', task, phase: 'progress', done, total })
    }
  }

  /** Whether the work on one repository ended well: a failure there is logged, and stops no other. */
  async #inRepository(
    module: string,
    repository: string,
    signal: AbortSignal,
    work: () => Promise<void>,
  ): Promise<boolean> {
    try {
      await work()
      return true
    } catch (error) {
      if (signal.aborted) throw error
      const { root, logger } = this.#deps
      const fields = { module, repository, error: textOf(error) }
      // zot's message, for which people have alerts.
      const task = module === 'gc' ? 'GC' : module
      logger.log('error', `failed to run ${task} for ${join(root, repository)}`, fields)
      return false
    }
  }
}

/** A round that fails is logged, and comes again: it is no reason to stop serving. */
function guarded(logger: Pick<Logger, 'log'>, module: string, work: (signal: AbortSignal) => Promise<void>) {
  return async (signal: AbortSignal): Promise<void> => {
    try {
      await work(signal)
    } catch (error) {
      if (signal.aborted) return
      logger.log('error', `${module} failed`, { module, error: textOf(error) })
    }
  }
}

const textOf = (error: unknown): string =>
  error instanceof Error ? (error.stack ?? error.message) : String(error)

/** Sorted, beginning behind `after` and going round. */
async function namesFrom(maintenance: StoreMaintenance, after: string): Promise<string[]> {
  const names: string[] = []
  for await (const name of maintenance.names()) names.push(name)
  names.sort()
  return [...names.filter(name => name > after), ...names.filter(name => name <= after)]
}

const scrubFile = (root: string): string => join(layout.ownFolder(root), 'scrub.json')

/** When the last whole round ended, ms since the epoch. */
export async function lastScrub(root: string): Promise<number | undefined> {
  const text = await readFile(scrubFile(root), 'utf8').catch(() => '')
  const read = parseJson(text)
  const at = isObject(read) ? read['finishedAt'] : undefined
  return typeof at === 'number' ? at : undefined
}

async function rememberScrub(root: string, finishedAt: number): Promise<void> {
  await makeFolderBelow(root, layout.ownFolder(root))
  await writeDurably(scrubFile(root), JSON.stringify({ finishedAt }), `${scrubFile(root)}.new`)
}
