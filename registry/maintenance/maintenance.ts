import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Config } from '../config/config.ts'
import type { EventSink } from '../events/event.ts'
import type { Logger } from '../log/logger.ts'
import { layout } from '../storage/layout.ts'
import type { StoreMaintenance } from '../storage/maintenance.ts'
import type { UsageRecords } from './gc.ts'
import { type CompiledRetention, compileRetention } from './retention-policy.ts'
import { lastScrub, type MaintenanceObserver, MaintenanceRounds, type NotedIndex } from './rounds.ts'
import { createSchedule, parseTimeWindow, type ScheduleOptions, type Task } from './schedule.ts'

/** When the first garbage collection begins at the latest, ms: the start itself is not the time. */
const firstGc = 30_000
const firstScrub = 10_000
const firstIndexing = 5000
/** From one look at the repositories that could not be read to the next, ms. */
const nextIndexing = 10 * 60_000

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
  /** Gets the blobs that were there before it. */
  readonly blobIndex?: NotedIndex | undefined
  readonly now?: () => number
  readonly schedule?: ScheduleOptions
}

export interface Maintenance {
  /** What `reload` may change while serving. */
  readonly reloadable: {
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
  const deps = {
    maintenance,
    logger,
    usage,
    countedSince: usage ? await countedSince(options.usageRoot ?? root, now()) : now(),
    now,
    events,
  }
  const rounds = new MaintenanceRounds({ ...deps, root, observer, blobIndex: options.blobIndex })

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
      const run = rounds.gc({ delay: gcDelay, retention }, window)
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
      tasks.push({ name: 'scrub', interval, first, window: undefined, run: rounds.scrub() })
    }
    if (storage.dedupe && options.blobIndex)
      tasks.push({
        name: 'dedupe',
        interval: 0,
        sooner: () => (rounds.isIndexed ? undefined : nextIndexing),
        first: firstIndexing,
        window: undefined,
        run: rounds.index(),
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
      reloadable: {
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

/** The file of the counts is as old as the counting. */
async function countedSince(root: string, now: number): Promise<number> {
  const found = await stat(join(layout.ownFolder(root), 'activity.db')).catch(() => undefined)
  // Where the file system keeps no time of birth there is none, or it is 1970.
  return found && found.birthtimeMs > 0 ? found.birthtimeMs : now
}
