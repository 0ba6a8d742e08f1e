import type { Notice, Snapshot } from '../../contract/snapshot.ts'
import { storageNotice } from '../notices/notice-control.ts'
import { unknownKeysNotice } from '../registry-config/unknown-keys.ts'
import type { Features } from './create-features.ts'

export interface DashboardState {
  url?: string
  /** Why there is none. */
  notice?: Notice
}

/** What is shown and belongs to no feature. */
interface AppState {
  app: Snapshot['app']
  dashboard: DashboardState
  /** While the keychain asks somebody. */
  keychainNotice?: Notice | undefined
  isQuitting: boolean
}

/** A registry may have thousands. */
const maxEndingKeys = 20

/** All that is shown, as it is now. */
export function snapshotOf(
  features: Features,
  { app, dashboard, keychainNotice, isQuitting }: AppState,
): Snapshot {
  const { engine, supervisor, storage, rotation, target: current } = features
  const { clock, configFile, settings } = features.common
  const now = clock.now()
  const target = current.target()
  const { publicUrl, inClear, open } = current.givenTo()
  const address = supervisor.target() ?? target ?? current.guess()
  const version = engine.version()
  const runbook = features.runs.current()
  const managedKeys = rotation.summaries()
  const endingKeys = features.keyWatch.ending()
  const keysChangedAt = features.keyWatch.changedAt()
  const freshKeys = features.access.keys.fresh()
  const undecidedFolder = features.configWatch.undecidedFolder()
  // A process that was adopted may serve another folder than config.json names.
  const dataFolder =
    (undecidedFolder === undefined ? undefined : supervisor.target()?.dataFolder) ?? target?.dataFolder
  const advisories = features.advice.advisories(version)
  const newest = features.upgrade.newest()
  const unknownKeys = unknownKeysNotice(configFile, target, now)
  const stored = storage.state()
  const tight = storageNotice(
    stored,
    settings.get('storage.warnFreePercent'),
    settings.get('storage.warnDays'),
    now,
  )
  return {
    takenAt: now,
    app,
    engine: { id: engine.now().id, ...(version === undefined ? {} : { version }) },
    registry: {
      url: address?.url ?? 'http://127.0.0.1:5050',
      host: address?.host ?? '127.0.0.1',
      port: address?.port ?? 5050,
      configFile,
      ...(dataFolder === undefined ? {} : { dataFolder }),
      ...(undecidedFolder === undefined ? {} : { undecidedFolder }),
      ...(publicUrl === undefined ? {} : { publicUrl }),
      ...(inClear ? { inClear } : {}),
      ...(open === undefined ? {} : { open }),
    },
    process: features.lastConfigWatch.offeredIn(supervisor.state()),
    service: features.health.state(),
    storage: stored,
    journal: supervisor.journal(),
    pushes: storage.pushes(),
    notices: [
      ...(dashboard.notice ? [dashboard.notice] : []),
      ...(keychainNotice ? [keychainNotice] : []),
      ...features.keyNotices.current(features.notices.all()),
      ...(tight ? [tight] : []),
      ...features.mirrorRequests.notices(),
      ...(unknownKeys ? [unknownKeys] : []),
    ],
    ...(advisories.length === 0 && newest === undefined
      ? {}
      : { upgrade: { advisories, ...(newest === undefined ? {} : { newest }) } }),
    ...(managedKeys.length > 0 ? { managedKeys } : {}),
    ...(endingKeys.length > 0
      ? { endingKeys: { count: endingKeys.length, keys: endingKeys.slice(0, maxEndingKeys) } }
      : {}),
    ...(keysChangedAt === undefined ? {} : { keysChangedAt }),
    ...(freshKeys.length > 0 ? { freshKeys } : {}),
    ...(runbook ? { runbook } : {}),
    ...(dashboard.url === undefined ? {} : { dashboard: { url: dashboard.url } }),
    preferences: {
      notifications: settings.get('notifications'),
      startAtLogin: settings.get('startAtLogin'),
      keepServing: settings.get('keepServing'),
    },
    quitting: isQuitting,
  }
}
