import type { StorageState } from '../../contract/snapshot.ts'
import type { Emitter } from '../../lib/emitter.ts'
import type { CountedStore } from '../data-folder/known-folders.ts'
import type { LogBatch } from '../platform/log-lines.ts'
import type { Supervisor } from '../supervisor/supervisor.ts'
import type { Broadcast } from './broadcast.ts'
import type { Features } from './create-features.ts'
import type { AppEvents } from './wiring.ts'

/** Subscribes the features to each other's events, once all of them are there. */
export function connect(features: Features, events: Emitter<AppEvents>, broadcast: Broadcast): void {
  const { keyNotices, keyWatch, outputLog, supervisor, target } = features
  const changed = (): void => events.emit('changed')

  events.on('changed', broadcast.changed)
  events.on('data-lost', supervisor.dataLost)
  events.on('version', () => {
    lookForAdvisories(features)
    changed()
  })
  events.on('managed-keys', () => {
    keyNotices.onKeysChange()
    keyWatch.changed()
    changed()
  })
  events.on('log', batch => takeLog(features, broadcast, batch))
  supervisor.onChange(() => {
    registryChanged(features)
    keyWatch.stateChanged()
    changed()
  })
  supervisor.follow(batch => events.emit('log', batch))
  features.health.onChange(changed)
  followStorage(features, changed)
  features.common.settings.onChange(changed)
  outputLog.use(target.target()?.logOutput)
}

function registryChanged(features: Features): void {
  const { access, engine, engineCopies, configWatch, health, lastConfigWatch, storeEvents, supervisor } =
    features
  const pid = servingPid(supervisor)
  configWatch.stateChanged()
  lastConfigWatch.stateChanged()
  health.setServing(pid !== undefined)
  engineCopies.setServing(pid)
  storeEvents.setServing(pid, engine.now().id !== 'zot')
  void engine.askVersion(pid, { ask: access.registry.ask, recorded: supervisor.recorded })
  lookForAdvisories(features)
}

function lookForAdvisories({ advice, engine, supervisor }: Features): void {
  const version = engine.version()
  advice.running(
    { id: engine.now().id, ...(version === undefined ? {} : { version }) },
    servingPid(supervisor),
  )
}

function followStorage({ folder, health, storage, supervisor }: Features, changed: () => void): void {
  const counted: CountedStore = {
    figures: () => figuresOf(storage.state()),
    repositories: storage.repositories,
  }
  let repositoriesBefore = storage.state().repositories
  storage.onChange(() => {
    const { repositories } = storage.state()
    folder.folderWatch.figuresChanged(counted)
    // What health says about the catalog must not contradict the line beside it.
    if (repositories !== repositoriesBefore && servingPid(supervisor) !== undefined) void health.check()
    repositoriesBefore = repositories
    changed()
  })
}

function takeLog(
  { configWatch, keyWatch, mirrorRequests, storage, storeEvents, upgrade }: Features,
  broadcast: Broadcast,
  { lines, dropped }: LogBatch,
): void {
  for (const line of lines) {
    storeEvents.readLogLine(line)
    mirrorRequests.readLogLine(line)
    configWatch.readLogLine(line)
    upgrade.line(line)
    keyWatch.readLogLine(line)
  }
  // Writes may be among the lines that were not read.
  if (dropped > 0) void storage.recount()
  broadcast.log(dropped > 0 ? [`(about ${dropped} lines left out)`, ...lines] : lines)
}

function servingPid(supervisor: Pick<Supervisor, 'state'>): number | undefined {
  const state = supervisor.state()
  return state.kind === 'serving' ? state.pid : undefined
}

const figuresOf = ({ asOf, repositories, tags, bytes }: StorageState) => ({
  ...(asOf === undefined ? {} : { asOf }),
  ...(repositories === undefined ? {} : { repositories }),
  ...(tags === undefined ? {} : { tags }),
  ...(bytes === undefined ? {} : { bytes }),
})
