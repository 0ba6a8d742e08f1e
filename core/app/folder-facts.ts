import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { UndecidedWhy } from '../../contract/failure.ts'
import { openCommand } from '../../contract/messages/open-message.ts'
import { quoted } from '../../contract/messages/undecided-message.ts'
import type {
  ConfigFound,
  FolderDifference,
  FolderFound,
  ServedBy,
  Undecided,
} from '../../contract/undecided.ts'
import { loadConfig } from '../../registry/config/load.ts'
import type { ProblemCode } from '../../registry/config/problem.ts'
import { unsupported } from '../../registry/config/supported.ts'
import { type FolderContents, inspectContents } from '../data-folder/folder-contents.ts'
import { inspectFolder } from '../data-folder/folder-identity.ts'
import type { FolderWatch } from '../data-folder/folder-watch.ts'
import { withoutPullThrough } from '../engine-switch/content-rules.ts'
import type { FreeSpace } from '../platform/volume.ts'
import { faultsOf, type Target } from '../registry-config/preflight.ts'
import type { Settings } from '../settings/settings.ts'

interface Options {
  configFile: string
  settings: Settings
  folderWatch: Pick<FolderWatch, 'recorded' | 'figures'>
  freeSpace(folder: string): Promise<FreeSpace | undefined>
}

/** What is shown to somebody who has to choose an engine or accept a folder. */
export interface FolderFacts {
  /** What lies in the folder of `target` that `differs`, its data folder unless named. */
  inspect(target: Target, differs?: string): Promise<FolderFound>
  /** What config.json asks for that zotbar-registry refuses or has no effect with. */
  configFound(): Promise<ConfigFound>
  /** Whether config.json holds what no engine takes. */
  hasMistake(): Promise<boolean>
  undecided(
    why: UndecidedWhy,
    target: Target,
    config: ConfigFound,
    differs?: { difference: FolderDifference; folder: string },
  ): Promise<Undecided>
}

export function createFolderFacts({ configFile, settings, folderWatch, freeSpace }: Options): FolderFacts {
  /** Contents of the last folder, for as long as the folder itself did not change. */
  let last: { key: string; contents: FolderContents } | undefined

  async function contentsOf(folder: string, modifiedAt: number | undefined): Promise<FolderContents> {
    if (modifiedAt === undefined) return { holds: 'missing' }
    const key = `${folder} ${modifiedAt}`
    if (last?.key === key) return last.contents
    const contents = await inspectContents(folder).catch((): FolderContents => ({ holds: 'other-files' }))
    last = { key, contents }
    return contents
  }

  async function inspect(
    { dataFolder, subFolders }: Target,
    differs: string = dataFolder,
  ): Promise<FolderFound> {
    const roots = [dataFolder, ...Object.values(subFolders)]
    const views = await Promise.all(roots.map(root => inspectFolder(root, [])))
    const databases = views.flatMap(view =>
      view.ok ? Object.keys(view.value.databases).map(name => join(view.value.folder, name)) : [],
    )
    const differing = views.find(view => view.ok && view.value.folder === differs)
    const modifiedAt = differing?.ok ? differing.value.modifiedAt : undefined
    const space = await freeSpace(differs).catch(() => undefined)
    return {
      folder: differs,
      ...(await contentsOf(differs, modifiedAt)),
      databases,
      ...(modifiedAt === undefined ? {} : { modifiedAt }),
      ...(space === undefined ? {} : { freeBytes: space.freeBytes }),
    }
  }

  async function undecided(
    why: UndecidedWhy,
    target: Target,
    config: ConfigFound,
    differs?: { difference: FolderDifference; folder: string },
  ): Promise<Undecided> {
    const was = await folderWatch.recorded()
    const { atLeast, ...facts } = await inspect(target, differs?.folder)
    const { repositories, tags, bytes, asOf } = folderWatch.figures()
    // Counted in full, where the same folder is counted anyway.
    const figures =
      why === 'other-folder' || asOf === undefined || repositories === undefined
        ? {}
        : { repositories, ...(tags === undefined ? {} : { tags }), ...(bytes === undefined ? {} : { bytes }) }
    const isCounted = Object.keys(figures).length > 0
    return {
      why,
      found: isCounted
        ? { ...facts, ...figures }
        : { ...facts, ...(atLeast === undefined ? {} : { atLeast }) },
      config,
      ...(was === undefined ? {} : { was }),
      ...(differs === undefined ? {} : { difference: differs.difference }),
      commands:
        why === 'other-folder'
          ? // One that is not there is not accepted: it would be made where its volume is to be mounted.
            ['zotbar data show', ...(facts.holds === 'missing' ? [] : ['zotbar data accept'])]
          : why === 'open-registry'
            ? [openCommand({ address: target.openAt ?? '' })]
            : commandsFor(was?.servedBy, settings.get('engine.path'), config),
    }
  }

  return {
    inspect,
    configFound: () => configFoundIn(configFile),
    hasMistake: () => hasMistakeIn(configFile),
    undecided,
  }
}

async function configFoundIn(configFile: string): Promise<ConfigFound> {
  const [loaded, own] = await Promise.all([loadConfig(configFile, { engine: 'zot' }), loadConfig(configFile)])
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
    refused: faultsOf(own.ok ? unsupported(own) : own.problems),
    withoutEffect: pullsThrough
      ? [
          {
            keyPath,
            message: withoutPullThrough,
            ...(positions[keyPath] ?? {}),
          },
        ]
      : [],
    ...(at === undefined ? {} : { rootDirectory: { line: at.line, column: at.column } }),
  }
}

const mistakes: readonly ProblemCode[] = ['wrong-type', 'out-of-range', 'missing']

async function hasMistakeIn(configFile: string): Promise<boolean> {
  const own = await loadConfig(configFile)
  return !own.ok && own.problems.some(({ code }) => mistakes.includes(code))
}

/** The likeliest first: what served is offered before what would change something. */
function commandsFor(
  servedBy: Pick<ServedBy, 'engine' | 'program'> | undefined,
  named: string,
  config: ConfigFound,
): string[] {
  const program = named === '' && servedBy?.engine === 'zot' ? servedBy.program : undefined
  const path = program === undefined ? '' : ` --path ${quoted(program)}`
  const zot = `zotbar engine use zot${path}`
  return config.refused.length > 0 ? [zot] : [zot, 'zotbar engine use zotbar-registry']
}
