import type { Failure } from '../../contract/failure.ts'
import { ok, type Result } from '../../contract/result.ts'
import type { Emitter } from '../../lib/emitter.ts'
import type { EarlierFolder } from '../data-folder/folder-record.ts'
import { createFolderWatch, type FolderWatch } from '../data-folder/folder-watch.ts'
import type { FoldersComparison } from '../data-folder/known-folders.ts'
import { type EngineChoices, openEngineChoices } from '../engine/engine-choices.ts'
import { freeSpace } from '../platform/volume.ts'
import { readTarget, type Target } from '../registry-config/preflight.ts'
import { readLastHistory } from '../storage/history-file.ts'
import { createFolderFacts, type FolderFacts } from './folder-facts.ts'
import type { AppEvents, Common } from './wiring.ts'

/** What is known of the data folder and of the choices made for it. */
export interface DataFolder {
  folderWatch: FolderWatch
  choices: EngineChoices
  facts: FolderFacts
  /** Compares the folders that config.json names now with those that were known. */
  compare(): Promise<Result<{ target: Target; compared: FoldersComparison }>>
  /** Why the data folder must not be counted: it is not the one that it was. */
  trouble(): Promise<Failure | undefined>
}

export async function createDataFolder(common: Common, events: Emitter<AppEvents>): Promise<DataFolder> {
  const { home, configFile, clock, settings, log, report, notify } = common
  const folderWatch = createFolderWatch({
    home,
    clock,
    log,
    report,
    earlier: () => earlierIn(home),
    onLost: () => events.emit('data-lost'),
    onRestored: folder =>
      notify({ kind: 'data-restored', id: `data-restored:${clock.now()}`, at: clock.now(), folder }),
  })
  const choices = await openEngineChoices(home, { now: () => clock.now(), report })

  async function compare(): Promise<Result<{ target: Target; compared: FoldersComparison }>> {
    const target = await readTarget(configFile, 'zot')
    if (!target.ok) return target
    const { dataFolder: root, subFolders: subs } = target.value
    const compared = await folderWatch.compare({ root, subs })
    return compared.ok ? ok({ target: target.value, compared: compared.value }) : compared
  }

  return {
    folderWatch,
    choices,
    facts: createFolderFacts({ configFile, settings, folderWatch, freeSpace }),
    compare,
    async trouble() {
      const now = await compare()
      if (!now.ok || now.value.compared.same) return undefined
      return folderWatch.loss() ?? { code: 'other-folder', path: now.value.compared.folder }
    },
  }
}

/** From a home that kept no record of its folder yet. */
async function earlierIn(home: string): Promise<EarlierFolder | undefined> {
  const stored = await readLastHistory(home)
  if (stored === undefined) return undefined
  const { asOf, bytes, repositories, tags, biggest } = stored.last
  return { folder: stored.folder, asOf, bytes, repositories, tags, names: biggest.map(({ name }) => name) }
}
