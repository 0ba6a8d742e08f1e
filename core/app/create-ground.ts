import type { Emitter } from '../../lib/emitter.ts'
import { createRunningEngine } from '../engine/running-engine.ts'
import { systemProcessUse } from '../platform/process-use.ts'
import { freeSpace } from '../platform/volume.ts'
import { openCurrentTarget } from '../registry-config/current-target.ts'
import { openOpenRegistry } from '../registry-config/open-registry.ts'
import { createStorage } from '../storage/storage.ts'
import { createDataFolder } from './data-folder.ts'
import { createEngineDecision } from './engine-decision.ts'
import { createNoticeList, setAsideNotice } from './notice-list.ts'
import type { AppEvents, AppOptions, Common } from './wiring.ts'

export type Ground = Awaited<ReturnType<typeof createGround>>

/** What is known without the registry: config.json, the engine, the data folder, and what is stored in it. */
export async function createGround(options: AppOptions, events: Emitter<AppEvents>) {
  const { clock, configFile, engines, home, settings } = options
  const onChange = (): void => events.emit('changed')
  const notices = createNoticeList(options.notices, onChange)
  const common: Common = {
    home,
    configFile,
    clock,
    settings,
    report: setAside => notices.add(setAsideNotice(setAside, clock.now())),
    notify: notices.add,
    log: (message, data) => options.log.info(message, data),
    onChange,
  }
  const target = await openCurrentTarget(configFile, options.engine.id)
  const engine = createRunningEngine({
    first: options.engine,
    zotAt: path => engines.locate({ id: 'zot', path }),
    own: () => engines.locate({ id: 'zotbar-registry', path: '' }),
    onUse: onChange,
    onVersion: () => events.emit('version'),
  })
  const folder = await createDataFolder(common, events)
  const storage = createStorage({
    ...common,
    dataFolder: () => target.target()?.dataFolder,
    subFolders: () => target.target()?.subFolders ?? {},
    freeSpace,
    readProcessUse: systemProcessUse(),
    findTrouble: folder.trouble,
  })
  const openRegistry = await openOpenRegistry({
    home,
    setting: () => settings.get('registry.open'),
    now: clock.now,
    report: common.report,
  })
  const decision = createEngineDecision({
    ...common,
    openRegistry,
    folderWatch: folder.folderWatch,
    choices: folder.choices,
    facts: folder.facts,
    engines,
    now: clock.now,
    current: engine.now,
    use: engine.use,
  })
  return { common, notices, target, engine, folder, storage, openRegistry, decision }
}
