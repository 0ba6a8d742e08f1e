import { childEnvironment } from '../../lib/child-environment.ts'
import type { Emitter } from '../../lib/emitter.ts'
import { createHealth } from '../health/health.ts'
import { askLiveness } from '../platform/admin-liveness.ts'
import { createRegistryAccess } from '../registry-client/registry-access.ts'
import { keyWarnings } from '../registry-config/key-warnings.ts'
import { createLastConfigStore } from '../registry-config/last-config.ts'
import { createMirrorRequests } from '../registry-config/mirror-requests.ts'
import { createOutputLog } from '../registry-config/output-log.ts'
import { createStoreEvents } from '../storage/store-events.ts'
import { createSupervisor } from '../supervisor/supervisor.ts'
import { createConfigWatch } from './config-watch.ts'
import type { Ground } from './create-ground.ts'
import { createEngineCopies } from './engine-copies.ts'
import { createHolderCheck } from './holder-check.ts'
import { createLastConfigWatch } from './last-config-watch.ts'
import { followRights } from './rights-now.ts'
import { createStartDecision } from './start-decision.ts'
import type { AppEvents, AppOptions } from './wiring.ts'

export type RegistryFeatures = ReturnType<typeof createRegistryFeatures>

/** The registry process, and what is done in and around it. */
export function createRegistryFeatures(options: AppOptions, events: Emitter<AppEvents>, ground: Ground) {
  const { adminSocket, clock, configFile, engines, processes, settings } = options
  const { common, target, engine, folder, storage, openRegistry, decision } = ground
  const outputLog = createOutputLog(clock, batch => events.emit('log', batch), common.log)
  const lastConfig = createLastConfigStore({ ...common, now: clock.now })
  const startDecision = createStartDecision({
    configFile,
    clock,
    engines,
    processes,
    decision,
    folderWatch: folder.folderWatch,
    engine,
    target,
    async onStart({ logOutput, unknownKeys }) {
      if (unknownKeys.length > 0)
        common.log('zot decides what some keys of the config mean', { keys: unknownKeys })
      outputLog.use(logOutput)
      await lastConfig.begins()
    },
    onMoved: () => void storage.scan(),
  })
  const supervisor = createSupervisor({
    ...common,
    get engine() {
      return engine.now()
    },
    processes,
    get childEnvironment() {
      return {
        ...childEnvironment(process.env),
        ZOTBAR_ADMIN_SOCKET: adminSocket,
        ZOTBAR_TRUSTED_PROXIES: settings.get('registry.trustedProxies'),
        ...openRegistry.environment(),
      }
    },
    // Of zot there is no such socket; another registry's may be left at this path.
    askAdmin: async limitMs =>
      engine.now().id === 'zot' ? { kind: 'refused' } : askLiveness(adminSocket, limitMs),
    logLimits: {
      maxBytes: settings.get('logs.maxMegabytes') * 1024 * 1024,
      retained: settings.get('logs.keep'),
    },
    outputSince: outputLog.since,
    uploadsInProgress: storage.uploadsInProgress,
    uploadsLeft: storage.uploadsLeft,
    recognize: startDecision.recognize,
    preflight: startDecision.preflight,
  })
  const checkHolders = createHolderCheck({ configFile, clock, processes, supervisor })
  const lastConfigWatch = createLastConfigWatch({
    ...common,
    store: lastConfig,
    supervisor,
    engine: engine.now,
  })
  const configWatch = createConfigWatch({
    ...common,
    folder,
    decision,
    supervisor,
    current: engine.now,
    version: engine.version,
    target: target.target,
    onReload: followRights({ ...common, engine: engine.now, openRegistry, target }),
  })
  const access = createRegistryAccess({
    ...common,
    engine: () => engine.now().id,
    secrets: options.secrets,
    unrevealed: options.handedOver?.unrevealed ?? [],
    adminSocket,
    keyWarnings: key => keyWarnings(configFile, engine.now().id, key),
    target: target.target,
    publicUrl: () => target.givenTo().publicUrl,
    url() {
      const { kind } = supervisor.state()
      return kind === 'serving' || kind === 'draining'
        ? (supervisor.target() ?? target.target())?.url
        : undefined
    },
  })
  const storeEvents = createStoreEvents({ adminSocket, clock, storage })
  const health = createHealth({
    ...common,
    ...access.soon,
    target: () => supervisor.target() ?? target.target(),
    repositories: storage.repositories,
    digestNow: storage.readDigest,
    isCached: repository => target.target()?.isCached(repository) ?? false,
  })
  const mirrorRequests = createMirrorRequests({
    now: clock.now,
    engine: engine.now,
    target: target.target,
    publicUrl: () => target.givenTo().publicUrl,
    onChange: common.onChange,
  })
  /** The newest lines of the registry's log, oldest first. */
  const tail = async (count: number): Promise<string[]> =>
    (await outputLog.tail(count)) ?? supervisor.tail(count)

  const { ownEngine } = options
  const engineCopies = createEngineCopies({ common, engine, supervisor, ownEngine })
  return {
    engineCopies,
    outputLog,
    startDecision,
    supervisor,
    checkHolders,
    lastConfig,
    lastConfigWatch,
    configWatch,
    access,
    storeEvents,
    health,
    mirrorRequests,
    tail,
  }
}
