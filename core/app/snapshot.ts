import type { Notice, Snapshot } from '../../contract/snapshot.ts'
import type { ReleaseAdvice } from '../advisories/release-advice.ts'
import type { Health } from '../health/health.ts'
import type { NoticeControl } from '../notices/notice-control.ts'
import { storageNotice } from '../notices/storage-notice.ts'
import type { RunningEngine } from '../registry-client/running-engine.ts'
import type { Where } from '../registry-config/where.ts'
import type { RotationControl } from '../rotation/rotation-control.ts'
import type { Runs } from '../runbook/runs.ts'
import type { Settings } from '../settings/settings.ts'
import type { Storage } from '../storage/storage.ts'
import type { Supervisor } from '../supervisor/supervisor.ts'
import type { UpgradeControl } from '../upgrade/upgrade-control.ts'

/** What a snapshot is made of. */
export interface SnapshotParts {
  app: Snapshot['app']
  configFile: string
  now(): number
  where: Where
  engine: Pick<RunningEngine, 'now' | 'version'>
  undecidedFolder(): string | undefined
  supervisor: Supervisor
  health: Health
  storage: Storage
  settings: Settings
  runs: Pick<Runs, 'current'>
  advice: Pick<ReleaseAdvice, 'advisories'>
  upgrade: Pick<UpgradeControl, 'newest'>
  rotation: Pick<RotationControl, 'summaries'>
  keyNotices: Pick<NoticeControl, 'standing'>
  /** Told so far, newest first. */
  notices(): readonly Notice[]
  dashboard(): { url: string } | undefined
  quitting(): boolean
}

/** All that is shown, as it is now. */
export function snapshotOf(parts: SnapshotParts): Snapshot {
  const { where, engine, supervisor, storage, settings, configFile } = parts
  const target = where.target()
  const place = supervisor.target() ?? target ?? where.guess()
  const version = engine.version()
  const runbook = parts.runs.current()
  const dashboard = parts.dashboard()
  const managedKeys = parts.rotation.summaries()
  const undecidedFolder = parts.undecidedFolder()
  // One that was taken into care again may serve another folder than config.json named since the start of the app.
  const dataFolder =
    (undecidedFolder === undefined ? undefined : supervisor.target()?.dataFolder) ?? target?.dataFolder
  const advisories = parts.advice.advisories()
  const newest = parts.upgrade.newest()
  const stored = storage.state()
  const tight = storageNotice(
    stored,
    settings.get('storage.warnFreePercent'),
    settings.get('storage.warnDays'),
    parts.now(),
  )
  return {
    takenAt: parts.now(),
    app: parts.app,
    engine: { id: engine.now().id, ...(version === undefined ? {} : { version }) },
    registry: {
      url: place?.url ?? 'http://127.0.0.1:5050',
      host: place?.host ?? '127.0.0.1',
      port: place?.port ?? 5050,
      configFile,
      ...(dataFolder === undefined ? {} : { dataFolder }),
      ...(undecidedFolder === undefined ? {} : { undecidedFolder }),
      ...(target?.publicUrl === undefined ? {} : { publicUrl: target.publicUrl }),
    },
    process: supervisor.state(),
    service: parts.health.state(),
    storage: stored,
    journal: supervisor.journal(),
    pushes: storage.pushes(),
    notices: [...parts.keyNotices.standing(parts.notices()), ...(tight ? [tight] : [])],
    ...(advisories.length === 0 && newest === undefined
      ? {}
      : { upgrade: { advisories, ...(newest === undefined ? {} : { newest }) } }),
    ...(managedKeys.length > 0 ? { managedKeys } : {}),
    ...(runbook ? { runbook } : {}),
    ...(dashboard ? { dashboard } : {}),
    quitting: parts.quitting(),
  }
}
