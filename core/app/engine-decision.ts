import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { UndecidedWhy } from '../../contract/failure.ts'
import { quoted } from '../../contract/messages/undecided-message.ts'
import { ok, type Result } from '../../contract/result.ts'
import type { StorageState } from '../../contract/snapshot.ts'
import type {
  ConfigFound,
  EngineChoice,
  FolderDifference,
  FolderFound,
  Undecided,
} from '../../contract/undecided.ts'
import { loadConfig } from '../../registry/config/load.ts'
import { unsupported } from '../../registry/config/supported.ts'
import { type FolderContents, inspectContents } from '../data-folder/folder-contents.ts'
import { inspectFolder } from '../data-folder/folder-identity.ts'
import type { FolderWatch } from '../data-folder/folder-watch.ts'
import type { EngineChoices } from '../engine/engine-choices.ts'
import type { Engines } from '../engine/engines.ts'
import type { Engine } from '../platform/engine.ts'
import type { FreeSpace } from '../platform/volume.ts'
import { checkVolume } from '../platform/volume.ts'
import { faultsOf, readTarget, type Target } from '../registry-config/preflight.ts'
import type { Settings } from '../settings/settings.ts'

interface Options {
  configFile: string
  keeper: FolderWatch
  choices: EngineChoices
  engines: Engines
  settings: Settings
  now(): number
  current(): Engine
  use(engine: Engine): void
  storage(): StorageState
  freeSpace(folder: string): Promise<FreeSpace | undefined>
  /** Whether this home has run a registry before there were choices. */
  ranBefore(): Promise<boolean>
  log(message: string, data?: Record<string, unknown>): void
}

/** Decides before every start whether somebody has to choose first. */
export interface EngineDecision {
  /**
   * Undefined: it may start, with the engine that is under care then. Fails when the chosen engine is not there or cannot
   * be written down, or the folder of what served is lost. A trial only asks: nothing is turned to. What is wrong with
   * config.json or the volume is left to the look before a start.
   */
  decide(options?: { isTrial: boolean }): Promise<Result<Undecided | undefined>>
  /** The engine that a runbook is bringing up: nothing about engines is asked while it does. */
  permit(engine: Engine | undefined): void
  /** Writes down the engine under care as the one of the folder of config.json. */
  choose(by: string): Promise<Result<null>>
  choice(): Promise<EngineChoice | undefined>
  /** It serves: what began on a folder without images goes on there, and the program that was chosen is kept current. */
  began(): Promise<void>
  found(target: Target): Promise<FolderFound>
  /** The program of the zot that served last, where no other is named. */
  servedBy(): Promise<string | undefined>
}

export function createEngineDecision(options: Options): EngineDecision {
  const { configFile, keeper, choices, engines, settings, current, use } = options
  let permitted: string | undefined
  /** Last look into a folder, for as long as the folder itself did not change. */
  let looked: { key: string; contents: FolderContents } | undefined
  /** The data folder that is begun with. */
  let fresh: string | undefined

  const target = async (): Promise<Target | undefined> => {
    // As zot reads it: what zotbar-registry refuses does not hide where the data is.
    const read = await readTarget(configFile, 'zot')
    return read.ok ? read.value : undefined
  }

  async function contentsOf(folder: string, modifiedAt: number | undefined): Promise<FolderContents> {
    if (modifiedAt === undefined) return { holds: 'missing' }
    const key = `${folder} ${modifiedAt}`
    if (looked?.key === key) return looked.contents
    const contents = await inspectContents(folder).catch((): FolderContents => ({ holds: 'other-files' }))
    looked = { key, contents }
    return contents
  }

  async function found({ dataFolder, subFolders }: Target, differs = dataFolder): Promise<FolderFound> {
    const roots = [dataFolder, ...Object.values(subFolders)]
    const seen = await Promise.all(roots.map(root => inspectFolder(root, [])))
    const databases = seen.flatMap(each =>
      each.ok ? Object.keys(each.value.databases).map(name => join(each.value.folder, name)) : [],
    )
    const own = seen.find(each => each.ok && each.value.folder === differs)
    const modifiedAt = own?.ok ? own.value.modifiedAt : undefined
    const space = await options.freeSpace(differs).catch(() => undefined)
    return {
      folder: differs,
      ...(await contentsOf(differs, modifiedAt)),
      databases,
      ...(modifiedAt === undefined ? {} : { modifiedAt }),
      ...(space === undefined ? {} : { freeBytes: space.freeBytes }),
    }
  }

  async function configFound(): Promise<ConfigFound> {
    const loaded = await loadConfig(configFile)
    const modifiedAt = await stat(configFile).then(
      ({ mtimeMs }) => Math.round(mtimeMs),
      () => undefined,
    )
    const base = { file: configFile, ...(modifiedAt === undefined ? {} : { modifiedAt }) }
    if (!loaded.ok) return { ...base, refused: [], withoutEffect: [] }
    const { config, positions } = loaded
    const keyPath = 'extensions.sync'
    const sync = config.extensions?.sync
    const pullsThrough = sync?.enable === true && sync.registries.length > 0
    const at = positions['storage.rootDirectory']
    return {
      ...base,
      refused: faultsOf(unsupported(loaded)),
      withoutEffect: pullsThrough
        ? [
            {
              keyPath,
              message: 'zotbar-registry does not pull through: what only upstreams hold is not found',
              ...(positions[keyPath] ?? {}),
            },
          ]
        : [],
      ...(at === undefined ? {} : { rootDirectory: { line: at.line, column: at.column } }),
    }
  }

  async function undecided(
    why: UndecidedWhy,
    place: Target,
    config: ConfigFound,
    differs?: { difference: FolderDifference; folder: string },
  ): Promise<Undecided> {
    const was = await keeper.recorded()
    const looks = await found(place, differs?.folder)
    const { repositories, tags, bytes, asOf } = options.storage()
    // Counted in full, where the same folder is counted anyway.
    const figures =
      why === 'other-folder' || asOf === undefined || repositories === undefined
        ? {}
        : { repositories, ...(tags === undefined ? {} : { tags }), ...(bytes === undefined ? {} : { bytes }) }
    const { atLeast, ...counted } = looks
    const isCounted = Object.keys(figures).length > 0
    return {
      why,
      found: isCounted
        ? { ...counted, ...figures }
        : { ...counted, ...(atLeast === undefined ? {} : { atLeast }) },
      config,
      ...(was === undefined ? {} : { was }),
      ...(differs === undefined ? {} : { difference: differs.difference }),
      commands:
        why === 'other-folder'
          ? // One that is not there is not accepted: it would be made where its volume is to be mounted.
            ['zotbar data show', ...(looks.holds === 'missing' ? [] : ['zotbar data accept'])]
          : commandsFor(was?.servedBy, settings.get('engine.path'), config),
    }
  }

  /** Once: who served this folder last, before choices were written down, goes on serving it. */
  async function takeOver({ dataFolder }: Target): Promise<void> {
    if (!choices.isNew()) return
    const now = current()
    if (settings.get('engine') === 'zot' || (await options.ranBefore()))
      await choices.choose(dataFolder, chosenAs(now, 'zotbar', options.now(), 'served-before'))
    else await choices.initialize()
  }

  const chosenAs = (
    { id, command }: Engine,
    by: string,
    at: number,
    why: EngineChoice['why'],
  ): EngineChoice => {
    const program = settings.get('engine.path') || command
    return { engine: id, ...(id === 'zot' ? { program } : {}), by, at, why }
  }

  const keepSetting = async (key: 'engine' | 'engine.path', value: string): Promise<Result<unknown>> =>
    settings.get(key) === value ? ok(undefined) : settings.set(key, value, 'cli')

  /** The engine that was chosen for the folder, where another one is under care. */
  async function turnTo({ engine, program }: EngineChoice): Promise<Result<undefined>> {
    const path = settings.get('engine.path')
    const isOther = engine === 'zot' && path === '' && program !== undefined && program !== current().command
    if (engine === current().id && !isOther) return ok(undefined)
    const located = await engines.locate({ id: engine, path: engine === 'zot' ? (program ?? '') : '' })
    if (!located.ok) return located
    // The engine comes last: until it is written down, the next start still finds another one under care.
    const placed = await keepSetting('engine.path', engine === 'zot' ? (program ?? '') : path)
    const kept = placed.ok ? await keepSetting('engine', engine) : placed
    if (!kept.ok) return kept
    options.log('the engine that was chosen for this data folder is taken', { engine, program })
    use(located.value)
    return ok(undefined)
  }

  return {
    async decide({ isTrial } = { isTrial: false }) {
      if (!isTrial) fresh = undefined
      const place = await target()
      if (place === undefined || !(await checkVolume(place.dataFolder)).ok) return ok(undefined)
      const compared = await keeper.compare({ root: place.dataFolder, subs: place.subFolders })
      if (!compared.ok) return compared
      if (!compared.value.same) {
        const lost = keeper.loss()
        if (lost !== undefined) return { ok: false, error: lost }
        return ok(await undecided('other-folder', place, await configFound(), compared.value))
      }
      if (permitted !== undefined && permitted === current().command) return ok(undefined)
      if (!isTrial) await takeOver(place)
      const choice = await choices.forFolder(place.dataFolder)
      const zot = await keeper.foreignZot()
      // Chosen before somebody's zot served the same images is not chosen for them.
      const isOutdated = choice?.engine === 'zotbar-registry' && zot?.sameStore === true && zot.at > choice.at
      if (choice !== undefined && !isOutdated) return isTrial ? ok(undefined) : turnTo(choice)
      const looks = await found(place)
      const config = await configFound()
      if (looks.databases.length > 0 || zot !== undefined)
        return ok(await undecided('store-of-another-engine', place, config))
      if (current().id === 'zotbar-registry' && config.refused.length + config.withoutEffect.length > 0)
        return ok(await undecided('config-refused', place, config))
      if (!isTrial && (looks.holds === 'missing' || looks.holds === 'nothing')) fresh = place.dataFolder
      return ok(undefined)
    },
    permit(engine) {
      permitted = engine?.command
    },
    async choose(by) {
      const place = await target()
      if (place === undefined) return ok(null)
      return choices.choose(place.dataFolder, chosenAs(current(), by, options.now(), 'asked'))
    },
    async choice() {
      const place = await target()
      return place && choices.forFolder(place.dataFolder)
    },
    async began() {
      const place = await target()
      if (place === undefined) return
      await takeOver(place)
      const choice = await choices.forFolder(place.dataFolder)
      const now = chosenAs(current(), 'zotbar', options.now(), 'first-run')
      // An upgrade, or its way back, puts another program in the place of the one that was chosen.
      const isReplaced = choice?.engine === 'zot' && now.engine === 'zot' && choice.program !== now.program
      if (isReplaced && now.program !== undefined)
        await choices.choose(place.dataFolder, { ...choice, program: now.program })
      if (fresh === undefined) return
      const folder = fresh
      fresh = undefined
      await choices.choose(folder, now)
    },
    found: place => found(place),
    async servedBy() {
      const was = await keeper.recorded()
      return was?.servedBy?.engine === 'zot' ? was.servedBy.program : undefined
    },
  }
}

/** The likeliest first: what served is offered before what would change something. */
function commandsFor(
  servedBy: { engine: string; program?: string } | undefined,
  named: string,
  config: ConfigFound,
): string[] {
  const program = named === '' && servedBy?.engine === 'zot' ? servedBy.program : undefined
  const path = program === undefined ? '' : ` --path ${quoted(program)}`
  const zot = `zotbar engine use zot${path}`
  return config.refused.length > 0 ? [zot] : [zot, 'zotbar engine use zotbar-registry']
}
