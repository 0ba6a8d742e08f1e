import type { ZotbarHandlers } from '../../contract/contract.ts'
import type { Failure } from '../../contract/failure.ts'
import type { ProcessState } from '../../contract/registry-state.ts'
import { fail, ok, type Result } from '../../contract/result.ts'
import type { Notice, Snapshot, StorageState } from '../../contract/snapshot.ts'
import type { Clock } from '../../lib/clock.ts'
import { createFolderWatch } from '../data-folder/folder-watch.ts'
import { openEngineChoices } from '../engine/engine-choices.ts'
import type { Engines } from '../engine/engines.ts'
import { createZotRecognizer } from '../engine/foreign-zot.ts'
import type { Engine } from '../platform/engine.ts'
import type { SetAside } from '../platform/json-file.ts'
import type { ProcessTable } from '../platform/process-table.ts'
import type { FreeSpace } from '../platform/volume.ts'
import { checkVolume } from '../platform/volume.ts'
import { readTarget, type Target } from '../registry-config/preflight.ts'
import type { Settings } from '../settings/settings.ts'
import { lastStored } from '../storage/history-file.ts'
import type { Storage } from '../storage/storage.ts'
import type { Supervisor, SupervisorDeps } from '../supervisor/supervisor.ts'
import { createEngineDecision, type EngineDecision } from './engine-decision.ts'

interface Options {
  home: string
  configFile: string
  clock: Clock
  settings: Settings
  engines: Engines
  processes: ProcessTable
  childEnvironment: Record<string, string>
  current(): Engine
  use(engine: Engine): void
  version(): string | undefined
  target(): Target | undefined
  storage: Storage
  supervisor: Supervisor
  freeSpace(folder: string): Promise<FreeSpace | undefined>
  snapshot(): Snapshot
  tell(notice: Notice): void
  report(what: SetAside): void
  log(message: string, data?: Record<string, unknown>): void
  onChange(): void
}

/** How often config.json is looked at for another data folder while it serves, ms. */
const configEvery = 30_000

/** The data folder and the engine that belongs to it: known again, watched, and decided on. */
export interface FolderControl
  extends Pick<EngineDecision, 'decide' | 'permit' | 'choose' | 'choice' | 'servedBy'> {
  handlers: Pick<ZotbarHandlers, 'data'>
  recognize: NonNullable<SupervisorDeps['recognize']>
  /** Why the data folder must not be counted: it is not the one that it was. */
  trouble(): Promise<Failure | undefined>
  /** The store was counted, or counted anew. */
  counted(): void
  /** What config.json names by now, while another folder is served and nobody has accepted it. */
  undecidedFolder(): string | undefined
  /** Looks now whether what serves still has its folder, and what config.json names. */
  look(): Promise<void>
  /** Looks now what config.json names. */
  lookAtConfig(): Promise<void>
  /** The supervisor's state changed. */
  stateChanged(): void
  close(): Promise<void>
}

/** Joins what is known of the data folder, the choices of engines, and the supervisor. */
export async function createFolderControl(options: Options): Promise<FolderControl> {
  const { home, configFile, clock, settings, engines, processes, current, storage, supervisor } = options
  const { log, report, tell } = options

  const keeper = createFolderWatch({
    home,
    clock,
    log,
    report,
    async earlier() {
      const stored = await lastStored(home)
      if (stored === undefined) return undefined
      const { asOf, bytes, repositories, tags, biggest } = stored.last
      return {
        folder: stored.folder,
        asOf,
        bytes,
        repositories,
        tags,
        names: biggest.map(({ name }) => name),
      }
    },
    figures: () => figuresOf(storage.state()),
    repositories: () => storage.repositories(),
    onLost: () => supervisor.dataLost(),
    onRestored(folder) {
      tell({ kind: 'data-restored', id: `data-restored:${clock.now()}`, at: clock.now(), folder })
    },
  })
  const choices = await openEngineChoices(home, { now: () => clock.now(), report })
  const decision = createEngineDecision({
    configFile,
    keeper,
    choices,
    engines,
    settings,
    now: () => clock.now(),
    current,
    use: options.use,
    storage: () => storage.state(),
    freeSpace: options.freeSpace,
    ranBefore: async () => supervisor.journal().some(({ pid }) => pid !== undefined),
    log,
  })
  /** The process that was last seen to serve. */
  let begun: number | undefined
  const zotAt = createZotRecognizer({
    configFile,
    processes,
    roots: () => {
      const target = options.target()
      return target === undefined ? [] : [target.dataFolder, ...Object.values(target.subFolders)]
    },
    environment: options.childEnvironment,
  })

  async function compared() {
    const target = await readTarget(configFile, 'zot')
    if (!target.ok) return target
    const { dataFolder: root, subFolders: subs } = target.value
    const found = await keeper.compare({ root, subs })
    return found.ok ? ok({ target: target.value, found: found.value }) : found
  }

  let undecidedFolder: string | undefined
  let stopLooking = (): void => {}
  let closed = false

  async function lookAtConfig(): Promise<void> {
    stopLooking()
    const serves = (): boolean => supervisor.state().kind === 'serving'
    const now = serves() ? await compared() : undefined
    if (closed) return
    const served = supervisor.target()?.dataFolder
    const isOpen = serves() && now?.ok && !now.value.found.same && now.value.found.difference === 'path'
    const named = isOpen && served !== now.value.target.dataFolder ? now.value.target.dataFolder : undefined
    if (named !== undecidedFolder) {
      undecidedFolder = named
      options.onChange()
    }
    stopLooking()
    if (serves()) stopLooking = clock.setTimer(clock.now() + configEvery, () => void lookAtConfig())
  }

  return {
    decide: decision.decide,
    undecidedFolder: () => undecidedFolder,
    lookAtConfig,
    permit: decision.permit,
    choose: decision.choose,
    choice: decision.choice,
    servedBy: decision.servedBy,
    async recognize(owner, { url }) {
      const zot = await zotAt(owner, url)
      if (zot !== undefined) await keeper.sawForeignZot(zot)
      // Only now: a zot that is seen for the first time makes the choice an open one.
      const decided = await decision.decide({ isTrial: true })
      const open = decided.ok ? decided.value : undefined
      const { sameStore: _, ...told } = zot ?? {}
      return {
        ...owner,
        ...(zot === undefined ? {} : { zot: told }),
        ...(open === undefined ? {} : { open: { why: open.why, commands: open.commands } }),
      }
    },
    counted: keeper.figuresChanged,
    async look() {
      await keeper.check()
      await lookAtConfig()
    },
    async trouble() {
      const now = await compared()
      if (!now.ok || now.value.found.same) return undefined
      return keeper.loss() ?? { code: 'other-folder', path: now.value.found.folder }
    },
    stateChanged() {
      const state = supervisor.state()
      const { kind } = state
      const pid = kind === 'serving' ? state.pid : undefined
      const isNew = pid !== undefined && pid !== begun
      begun = pid ?? begun
      // What was open is asked anew with each process, and is no matter of this line while none serves.
      if (isNew || (kind !== 'serving' && undecidedFolder !== undefined)) void lookAtConfig()
      const target = options.target()
      if (kind === 'draining') return
      const served = supervisor.target()?.dataFolder
      // One that was adopted may still serve what config.json named before.
      const isOther = served !== undefined && served !== target?.dataFolder
      if (kind !== 'serving' || target === undefined || isOther) return keeper.setServing(undefined)
      const { id, command } = current()
      const version = options.version()
      keeper.setServing({
        engine: id,
        ...(version === undefined ? {} : { version }),
        ...(id === 'zot' ? { program: settings.get('engine.path') || command } : {}),
        folders: { root: target.dataFolder, subs: target.subFolders },
      })
      if (isNew) void decision.began()
    },
    handlers: {
      data: {
        async show() {
          const now = await compared()
          if (!now.ok) return now
          const { target, found } = now.value
          const was = await keeper.recorded()
          const choice = await decision.choice()
          return ok({
            same: found.same,
            found: await decision.found(target),
            ...(found.same ? {} : { difference: found.difference }),
            ...(was === undefined ? {} : { was }),
            ...(choice === undefined ? {} : { choice }),
          })
        },
        async accept(_, caller): Promise<Result<Snapshot>> {
          const now = await compared()
          if (!now.ok) return now
          const { target, found } = now.value
          if (found.same) return fail(nothingToAccept(target.dataFolder, supervisor.state()))
          // The engine would make what is not there: on an unmounted disk that is a folder of the disk below it.
          for (const folder of [target.dataFolder, ...Object.values(target.subFolders)]) {
            const there = await checkVolume(folder)
            if (!there.ok) return there
            if (!there.value.present) return fail({ code: 'data-folder-missing', path: folder })
          }
          const accepted = await keeper.accept({ root: target.dataFolder, subs: target.subFolders })
          if (!accepted.ok) return accepted
          log('another data folder is accepted', { folder: target.dataFolder, by: caller })
          // At the same place the figures that are known are of the folder before.
          if (found.difference !== 'path' || found.folder !== target.dataFolder) storage.forget()
          const { kind } = supervisor.state()
          const isOpen = kind === 'undecided' || kind === 'failed'
          if (isOpen || kind === 'serving') {
            // The folder before is served until now: that ends as with any restart, pushes are finished.
            const started = isOpen ? await supervisor.start() : await supervisor.restart({ now: false })
            // What it holds is counted now: until here it was not to be looked at.
            void storage.scan()
            if (!started.ok) return started
          }
          return ok(options.snapshot())
        },
      },
    },
    close() {
      closed = true
      stopLooking()
      return keeper.close()
    },
  }
}

/** What is open may be which program serves the folder, not which folder it is. */
const nothingToAccept = (folder: string, state: ProcessState): Failure => ({
  code: 'nothing-to-accept',
  folder,
  ...(state.kind === 'undecided' && state.why !== 'other-folder' ? { commands: state.commands } : {}),
})

const figuresOf = ({ asOf, repositories, tags, bytes }: StorageState) => ({
  ...(asOf === undefined ? {} : { asOf }),
  ...(repositories === undefined ? {} : { repositories }),
  ...(tags === undefined ? {} : { tags }),
  ...(bytes === undefined ? {} : { bytes }),
})
