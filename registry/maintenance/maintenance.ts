import { readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { isObject, parseJson } from '../../lib/json.ts'
import type { Config } from '../config/config.ts'
import type { EventSink } from '../events/event.ts'
import type { Logger } from '../log/logger.ts'
import type { BlobIndex } from '../storage/blob-index.ts'
import { makeFolderBelow, writeDurably } from '../storage/durable.ts'
import { layout } from '../storage/layout.ts'
import type { StoreMaintenance } from '../storage/maintenance.ts'
import { collectRepository, type GcDeps, type GcRules, noTotals, type UsageRecords } from './gc.ts'
import { type CompiledRetention, compileRetention } from './retention-policy.ts'
import {
  createPace,
  createSchedule,
  opensIn,
  parseTimeWindow,
  type ScheduleOptions,
  type Task,
  type TimeWindow,
} from './schedule.ts'
import { type ScrubRow, type ScrubTotals, scrubRepository } from './scrub.ts'

/** When the first garbage collection begins at the latest, ms: the start itself is not the time. */
const firstGc = 30_000
const firstScrub = 10_000
const firstIndexing = 5000
/** From one look at the repositories that could not be read to the next, ms. */
const nextIndexing = 10 * 60_000

/** Who wants figures of the work in the background. Durations in seconds. */
interface MaintenanceObserver {
  taskRegistered(): void
  taskBegan(name: string): () => void
  collected(run: { readonly failed: boolean; readonly seconds: number }): void
  /** `type`: manifest, blob, upload, sync. */
  deleted(type: string, count: number): void
}

export interface MaintenanceOptions {
  readonly config: Config
  /** Locked by this process. */
  readonly root: string
  /** Where pulls are counted, if it is another one. */
  readonly usageRoot?: string
  readonly maintenance: StoreMaintenance
  readonly logger: Pick<Logger, 'log'>
  /** Undefined: nothing is known of pulls, and policies that go by pulls keep everything. */
  readonly usage: UsageRecords | undefined
  readonly observer?: MaintenanceObserver | undefined
  readonly events?: Pick<EventSink, 'emit'> | undefined
  /** Learns of the blobs that were there before it was. */
  readonly blobIndex?: Pick<BlobIndex, 'isComplete' | 'note' | 'setComplete'> | undefined
  readonly now?: () => number
  readonly schedule?: ScheduleOptions
}

export interface Maintenance {
  /** What `reload` may change while serving. */
  readonly part: {
    readonly keys: readonly string[]
    check(next: Config): readonly string[]
    apply(next: Config): void
  }
  /** Ends what runs at its next safe point. */
  stop(): Promise<void>
}

export type OpenMaintenance =
  | { readonly ok: true; readonly maintenance: Maintenance }
  | { readonly ok: false; readonly problems: readonly string[] }

/** What is wrong with the maintenance that a configuration asks for, in words. */
function maintenanceProblems({ storage }: Config): readonly string[] {
  const compiled = compileRetention(storage)
  return compiled.ok ? [] : compiled.problems
}

/** Keeps the store in order in the background: garbage collection, retention, scrub. */
export async function openMaintenance(options: MaintenanceOptions): Promise<OpenMaintenance> {
  const { root, maintenance, logger, usage, observer, events, now = Date.now } = options
  const compiled = compileRetention(options.config.storage)
  if (!compiled.ok) return compiled
  const scrubbedAt = await lastScrub(root)
  const deps: Omit<GcDeps, 'pause'> = {
    maintenance,
    logger,
    usage,
    countedSince: usage ? await countedSince(options.usageRoot ?? root, now()) : now(),
    now,
    events,
  }
  /** Where a run that its window cut short goes on. */
  let resumeAfter = ''

  /** To be called after each repository: tells how far a task is, at most once a second. */
  const progressOf = (task: string, total: number) => {
    let done = 0
    let toldAt = performance.now()
    return (): void => {
      done++
      if (performance.now() - toldAt < 1000) return
      toldAt = performance.now()
      events?.emit({ kind: 'maintenance', task, phase: 'progress', done, total })
    }
  }

  /** Whether the work on one repository ended well: what goes wrong there is told and stops no other. */
  const forOne = async (
    module: string,
    repository: string,
    signal: AbortSignal,
    work: () => Promise<void>,
  ): Promise<boolean> => {
    try {
      await work()
      return true
    } catch (error) {
      if (signal.aborted) throw error
      logger.log('error', `${module} of a repository failed`, { module, repository, error: textOf(error) })
      return false
    }
  }

  const gc = (rules: GcRules, window: TimeWindow | undefined) =>
    guarded(logger, 'gc', async signal => {
      const startedAt = performance.now()
      const totals = noTotals()
      const pausing = { ...deps, pause: createPace(signal) }
      const names = await namesFrom(maintenance, resumeAfter)
      const getsOn = progressOf('gc', names.length)
      for (const name of names) {
        if (signal.aborted || (window && opensIn(window, now()) > 0)) break
        const done = await forOne('gc', name, signal, () =>
          collectRepository(pausing, rules, name, totals, signal),
        )
        if (!done) totals.failures++
        resumeAfter = name
        getsOn()
      }
      if (!signal.aborted && !(window && opensIn(window, now()) > 0)) resumeAfter = ''
      const { manifests, blobs, uploads, syncs, failures } = totals
      const seconds = (performance.now() - startedAt) / 1000
      observer?.collected({ failed: failures > 0, seconds })
      for (const [type, count] of Object.entries({
        manifest: manifests,
        blob: blobs,
        upload: uploads,
        sync: syncs,
      }))
        if (count > 0) observer?.deleted(type, count)
      const worthTelling = manifests + blobs + uploads + syncs + failures > 0
      logger.log(worthTelling ? 'info' : 'debug', 'garbage collection completed', {
        module: 'gc',
        ...totals,
        seconds,
      })
    })

  const scrub = guarded(logger, 'scrub', async signal => {
    const startedAt = performance.now()
    const totals: ScrubTotals = { blobs: 0, corrupt: 0, unreadable: 0 }
    const known = new Map<string, boolean>()
    const pause = createPace(signal)
    let affected = 0
    const names = await namesFrom(maintenance, '')
    const getsOn = progressOf('scrub', names.length)
    for (const name of names) {
      if (signal.aborted) return
      let rows: readonly ScrubRow[] = []
      await forOne('scrub', name, signal, async () => {
        rows = await scrubRepository({ maintenance, logger, pause, signal, known }, name, totals)
      })
      for (const { repository, tag, status, blob, error } of rows) {
        if (status === 'ok') continue
        affected++
        logger.log('error', 'an image is affected', { module: 'scrub', repository, tag, blob, error })
      }
      getsOn()
    }
    if (signal.aborted) return
    await rememberScrub(root, now())
    const seconds = (performance.now() - startedAt) / 1000
    logger.log('info', 'scrub completed', { module: 'scrub', ...totals, affected, seconds })
  })

  /** Repositories whose blobs are noted, as long as others are not. */
  const noted = new Set<string>()
  let isNoted = false
  const fill = guarded(logger, 'dedupe', async signal => {
    const { blobIndex } = options
    isNoted = !blobIndex || blobIndex.isComplete
    if (!blobIndex || isNoted) return
    const pause = createPace(signal)
    let missing = 0
    for await (const name of maintenance.names(() => missing++)) {
      if (noted.has(name)) continue
      const done = await forOne('dedupe', name, signal, async () => {
        for await (const digest of maintenance.blobs(name)) {
          blobIndex.note(name, digest.text)
          await pause()
        }
      })
      if (done) noted.add(name)
      else missing++
    }
    // What could not be read may hold any blob, so whoever asks for one goes on searching.
    if (missing > 0) return
    isNoted = blobIndex.setComplete()
    noted.clear()
  })

  const tasksOf = (
    config: Config,
    { retention }: CompiledRetention & { ok: true },
    since: number | undefined,
  ): Task[] => {
    const { storage, extensions } = config
    const tasks: Task[] = []
    if (storage.gc) {
      const { gcInterval, gcDelay, gcTimeWindow } = storage
      const window = gcTimeWindow === undefined ? undefined : parseTimeWindow(gcTimeWindow)
      const run = gc({ delay: gcDelay, retention }, window)
      tasks.push({
        name: 'gc',
        interval: gcInterval,
        first: Math.min(firstGc, gcInterval || firstGc),
        window,
        run,
      })
    }
    if (extensions?.scrub?.enable) {
      const { interval } = extensions.scrub
      const first = since === undefined ? firstScrub : Math.max(firstScrub, since + interval - now())
      tasks.push({ name: 'scrub', interval, first, window: undefined, run: scrub })
    }
    if (storage.dedupe && options.blobIndex)
      tasks.push({
        name: 'dedupe',
        interval: 0,
        sooner: () => (isNoted ? undefined : nextIndexing),
        first: firstIndexing,
        window: undefined,
        run: fill,
      })
    for (const _ of tasks) observer?.taskRegistered()
    return tasks
  }

  const schedule = createSchedule({
    now,
    began: task => {
      const ended = observer?.taskBegan(task)
      events?.emit({ kind: 'maintenance', task, phase: 'begun' })
      return () => {
        ended?.()
        events?.emit({ kind: 'maintenance', task, phase: 'ended' })
      }
    },
    ...options.schedule,
  })
  schedule.set(tasksOf(options.config, compiled, scrubbedAt))
  return {
    ok: true,
    maintenance: {
      part: {
        keys: [
          'storage.gc',
          'storage.gcDelay',
          'storage.gcInterval',
          'storage.gcTimeWindow',
          'storage.retention',
          'extensions.scrub',
        ],
        check: maintenanceProblems,
        apply: next => {
          const again = compileRetention(next.storage)
          if (again.ok) schedule.set(tasksOf(next, again, now()))
        },
      },
      stop: () => schedule.stop(),
    },
  }
}

/** A run that fails is told and comes again; it is no reason to stop serving. */
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

/** The file of the counts is as old as the counting. */
async function countedSince(root: string, now: number): Promise<number> {
  const found = await stat(join(layout.ownFolder(root), 'activity.db')).catch(() => undefined)
  // Where the file system keeps no time of birth there is none, or it is 1970.
  return found && found.birthtimeMs > 0 ? found.birthtimeMs : now
}

const scrubFile = (root: string): string => join(layout.ownFolder(root), 'scrub.json')

/** When the last whole round ended, ms since the epoch. */
async function lastScrub(root: string): Promise<number | undefined> {
  const text = await readFile(scrubFile(root), 'utf8').catch(() => '')
  const read = parseJson(text)
  const at = isObject(read) ? read['finishedAt'] : undefined
  return typeof at === 'number' ? at : undefined
}

async function rememberScrub(root: string, finishedAt: number): Promise<void> {
  await makeFolderBelow(root, layout.ownFolder(root))
  await writeDurably(scrubFile(root), JSON.stringify({ finishedAt }), `${scrubFile(root)}.new`)
}
