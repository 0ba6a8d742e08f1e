import type { EventName, Events } from '../preload/contract/contract.ts'
import type { Notice, Snapshot } from '../preload/contract/snapshot.ts'
import { type Address, addressIn } from './config-address.ts'
import type { Engine } from './engine/engine.ts'
import type { Engines } from './engine/engines.ts'
import { runningVersionIn } from './engine/zot.ts'
import { createEngineControl } from './engine-control.ts'
import { createHandlers, type ShellPart } from './handlers.ts'
import { createHealth } from './health/health.ts'
import { createNoticeControl } from './notice-control.ts'
import { createOutputLog } from './output-log.ts'
import type { AppLog } from './platform/app-log.ts'
import { childEnvironment } from './platform/child-environment.ts'
import type { Clock } from './platform/clock.ts'
import { freeSpace } from './platform/free-space.ts'
import { pinCertificate } from './platform/pinned-certificate.ts'
import type { ProcessTable } from './platform/process-table.ts'
import { parseJson } from './platform/registry-http.ts'
import { createWeb } from './platform/web.ts'
import { within } from './platform/within.ts'
import { preflight, readTarget, type Target } from './preflight.ts'
import { clientAddress, createRegistryAccess } from './registry-access.ts'
import { createReleaseAdvice } from './release-advice.ts'
import { createReleases } from './releases/releases.ts'
import { createRotationControl } from './rotation-control.ts'
import { createRuns } from './runs.ts'
import { openKeyStore } from './secrets/open-key-store.ts'
import type { Secrets } from './secrets/secrets.ts'
import type { Settings } from './settings/settings.ts'
import { createSourceBuilder } from './source-builder.ts'
import { createStorage } from './storage/storage.ts'
import { storageNotice } from './storage-notice.ts'
import { createSupervisor, type LogBatch } from './supervisor/supervisor.ts'
import type { Host } from './transport/host.ts'
import { newestOf } from './upgrade/known.ts'
import { createUpgradeControl } from './upgrade-control.ts'

export interface AppOptions {
  shell: Snapshot['app']['shell']
  version: string
  home: string
  configFile: string
  /** The engine that the settings name. */
  engine: Engine
  engines: Engines
  settings: Settings
  clock: Clock
  processes: ProcessTable
  log: AppLog
  secrets: Secrets
  /** Where the registry is to listen for its administration. */
  adminSocket: string
  /** What happened before the app existed: a file set aside, a first config.json. */
  notices: Notice[]
  openWith: ShellPart
}

export interface App {
  host: Host
  /** Adopts a running registry or starts one, and counts the store. Returns when that is under way. */
  begin(): Promise<void>
  /** Stops the registry, unless it is to keep serving, and lets go of everything. The same promise each time. */
  quit(): Promise<void>
  /** The computer woke from sleep. */
  woke(): void
  /** Where the dashboard is, without a token. */
  dashboardAt(url: string): void
  tell(notice: Notice): void
}

/** How long the data folder may hold up the end of the app, in ms. */
const closeLimit = 3000

const folders = (target: Target | undefined): string =>
  JSON.stringify([target?.dataFolder, target?.subFolders])

/** The only wiring: features meet here, as parameters of each other. */
export async function createApp(options: AppOptions): Promise<App> {
  const { clock, configFile, engines, home, log, processes, settings, shell, version } = options
  const startedAt = clock.now()
  const notices = [...options.notices]
  const listeners: { [E in EventName]: Set<(value: Events[E]) => void> } = {
    snapshot: new Set(),
    log: new Set(),
  }
  let engine = options.engine
  /** The version that the process itself tells, and which process that is. */
  let told: { pid: number; version?: string } | undefined
  let target: Target | undefined
  let dashboard: { url: string } | undefined
  let quitting: Promise<void> | undefined
  let pushPlanned = false
  let lookers = 0

  /** Where it would answer, as far as a faulty config.json tells; a target that was good goes before it. */
  let guess: Address | undefined
  const targetIs = (next: Target): void => {
    target = next
    if (next.certificate !== undefined) pinCertificate(next.url, next.certificate)
  }
  const targetIsNot = async (): Promise<void> => {
    if (!target) guess = await addressIn(configFile)
  }

  const first = await readTarget(configFile, engine.id)
  if (first.ok) targetIs(first.value)
  else await targetIsNot()

  const storage = createStorage({
    clock,
    dataFolder: () => target?.dataFolder,
    subFolders: () => target?.subFolders ?? {},
    freeSpace,
    home,
    report: setAside,
    log: message => log.info(message),
  })

  const outputLog = createOutputLog(clock, logged, message => log.info(message))
  outputLog.use(target?.logOutput)

  const supervisor = createSupervisor({
    get engine() {
      return engine
    },
    home,
    configFile,
    clock,
    processes,
    childEnvironment: { ...childEnvironment(process.env), ZOTBAR_ADMIN_SOCKET: options.adminSocket },
    logLimits: { bytes: settings.get('logs.maxMegabytes') * 1024 * 1024, keep: settings.get('logs.keep') },
    log: (message, data) => log.info(message, data),
    report: setAside,
    uploadsInProgress: () => storage.uploadsInProgress(),
    async preflight() {
      const checked = await preflight(configFile, processes, engine.id)
      if (!checked.ok) {
        await targetIsNot()
        return checked
      }
      const verified = await engines.verify(engine, configFile)
      if (!verified.ok) return verified
      const moved = folders(checked.value) !== folders(target)
      targetIs(checked.value)
      outputLog.use(checked.value.logOutput)
      if (moved) void storage.scan()
      return checked
    },
  })

  const access = createRegistryAccess({
    home,
    configFile,
    engine: () => engine.id,
    secrets: options.secrets,
    clock,
    adminSocket: options.adminSocket,
    target: () => target,
    url() {
      const { kind } = supervisor.state()
      return kind === 'serving' || kind === 'draining' ? (supervisor.place() ?? target)?.url : undefined
    },
    report: setAside,
  })

  const runs = createRuns({
    home,
    clock,
    supervisor,
    report: setAside,
    log: (message, data) => log.info(message, data),
    onChange: changed,
  })

  const web = createWeb({ environment: process.env })
  const releaseAdvice = createReleaseAdvice({
    home,
    configFile,
    settings,
    web,
    now: clock.now,
    report: setAside,
    log: message => log.info(message),
    onChange: changed,
  })

  const useEngine = (next: Engine): void => {
    engine = next
    told = undefined
    changed()
  }

  const engineControl = createEngineControl({
    home,
    configFile,
    engines,
    settings,
    clock,
    processes,
    supervisor,
    current: () => engine,
    use: useEngine,
    ask: (path, asked) => access.registry.ask(path, asked),
    runs,
    log: (message, data) => log.info(message, data),
  })
  runs.know(engineControl.kinds)

  const releases = createReleases({
    home,
    settings: () => ({
      url: settings.get('releases.url'),
      repository: settings.get('releases.repository'),
      publicKey: settings.get('releases.publicKey'),
      check: settings.get('releases.check'),
    }),
    environment: process.env,
    childEnvironment: childEnvironment(process.env),
    clock,
    report: setAside,
  })
  const upgrade = createUpgradeControl({
    home,
    configFile,
    engines,
    settings,
    clock,
    processes,
    supervisor,
    shell,
    releases,
    advice: releaseAdvice,
    build: createSourceBuilder({
      home,
      settings,
      clock,
      goFor: version => releaseAdvice.goFor(version),
      async newest() {
        const listed = await releases.list()
        return listed.ok ? newestOf(listed.value.releases, {}) : undefined
      },
    }),
    canBuild: () => true,
    current: () => engine,
    use: useEngine,
    running: () => told?.version ?? engine.version,
    registry: access.registry,
    account: () => access.admin.credential(),
    authorization: () => access.authorization(),
    pushes: () => storage.uploadsInProgress(),
    tail: async count => (await outputLog.tail(count)) ?? supervisor.tail(count),
    runs,
    tell,
    log: (message, data) => log.info(message, data),
    onChange: changed,
  })
  runs.know(upgrade.kinds)

  const keyNotices = createNoticeControl({
    home,
    clock,
    settings,
    keys: () => rotation.glance(),
    tell,
    report: setAside,
    log: (message, data) => log.info(message, data),
    onChange: changed,
  })

  const rotation = await createRotationControl({
    home,
    clock,
    settings,
    store: openKeyStore({
      home,
      keyFile: () => settings.get('secrets.keyFile'),
      plain: () => settings.get('secrets.plain'),
    }),
    runs,
    registry: access.registry,
    adminSocket: options.adminSocket,
    supervisor,
    address: () => clientAddress(target),
    serves: () => supervisor.state().kind === 'serving',
    signInPlace: () =>
      target?.signIn && {
        ...target.signIn,
        ...(target.certificate ? { certificate: target.certificate } : {}),
      },
    signInWindow: options.openWith.signIn,
    report: setAside,
    log: (message, data) => log.info(message, data),
    onChange: () => {
      keyNotices.keysChanged()
      changed()
    },
  })
  runs.know(rotation.kinds)

  const health = createHealth({
    clock,
    authorization: () => access.authorization(),
    target: () => supervisor.place() ?? target,
    repositories: () => storage.repositories(),
    digestNow: name => storage.digestNow(name),
    isCached: repository => target?.isCached(repository) ?? false,
    log: message => log.info(message),
  })

  function snapshot(): Snapshot {
    const place = supervisor.place() ?? target ?? guess
    const stored = storage.state()
    const running = told?.version ?? engine.version
    const runbook = runs.current()
    const managedKeys = rotation.glance()
    const advisories = releaseAdvice.advisories()
    const newest = upgrade.newest()
    const tight = storageNotice(
      stored,
      settings.get('storage.warnFreePercent'),
      settings.get('storage.warnDays'),
      clock.now(),
    )
    return {
      takenAt: clock.now(),
      app: { version, pid: process.pid, shell, startedAt, home },
      engine: { id: engine.id, ...(running === undefined ? {} : { version: running }) },
      registry: {
        url: place?.url ?? 'http://127.0.0.1:5050',
        host: place?.host ?? '127.0.0.1',
        port: place?.port ?? 5050,
        configFile,
        ...(target === undefined ? {} : { dataFolder: target.dataFolder }),
        ...(target?.publicUrl === undefined ? {} : { publicUrl: target.publicUrl }),
      },
      process: supervisor.state(),
      service: health.state(),
      storage: stored,
      journal: supervisor.journal(),
      pushes: storage.pushes(),
      notices: [...keyNotices.standing(notices), ...(tight ? [tight] : [])],
      ...(advisories.length === 0 && newest === undefined
        ? {}
        : { upgrade: { advisories, ...(newest === undefined ? {} : { newest }) } }),
      ...(managedKeys.length > 0 ? { managedKeys } : {}),
      ...(runbook ? { runbook } : {}),
      ...(dashboard ? { dashboard } : {}),
      quitting: quitting !== undefined,
    }
  }

  /** Several changes in one turn of the event loop make one snapshot. */
  function changed(): void {
    if (pushPlanned) return
    pushPlanned = true
    setImmediate(() => {
      pushPlanned = false
      if (listeners.snapshot.size === 0) return
      const now = snapshot()
      for (const listener of listeners.snapshot) listener(now)
    })
  }

  function tell(notice: Notice): void {
    notices.unshift(notice)
    notices.length = Math.min(notices.length, 20)
    changed()
  }

  function setAside({ file, keptAs }: { file: string; keptAs: string }): void {
    tell({ kind: 'file-set-aside', id: `set-aside:${keptAs}`, at: clock.now(), file, keptAs })
  }

  supervisor.onChange(() => {
    health.serving(supervisor.state().kind === 'serving')
    void askVersion()
    lookForAdvisories()
    changed()
  })
  supervisor.follow(logged)
  health.onChange(changed)
  let repositoriesSeen = storage.state().repositories
  storage.onChange(() => {
    const { repositories } = storage.state()
    // What health says about the catalog must not contradict the line beside it.
    if (repositories !== repositoriesSeen && supervisor.state().kind === 'serving') void health.check()
    repositoriesSeen = repositories
    changed()
  })
  settings.onChange(changed)

  function logged({ lines, dropped }: LogBatch): void {
    for (const line of lines) {
      storage.line(line)
      upgrade.line(line)
    }
    // Writes may be among the lines that were not read.
    if (dropped > 0) void storage.scan()
    const shown = dropped > 0 ? [`(about ${dropped} lines left out)`, ...lines] : lines
    for (const listener of listeners.log) listener({ lines: shown })
  }

  /** zot tells the version that runs, which is not always that of the file. */
  async function askVersion(): Promise<void> {
    const state = supervisor.state()
    if (engine.id !== 'zot' || state.kind !== 'serving' || told?.pid === state.pid) return
    const { pid } = state
    told = { pid }
    const asked = await access.registry.ask('/v2/_zot/ext/mgmt')
    const version = asked.ok ? runningVersionIn(parseJson(asked.value.body)) : undefined
    if (version === undefined || told?.pid !== pid) return
    told = { pid, version }
    lookForAdvisories()
    changed()
  }

  function lookForAdvisories(): void {
    const state = supervisor.state()
    const version = told?.version ?? engine.version
    releaseAdvice.running(
      { id: engine.id, ...(version === undefined ? {} : { version }) },
      state.kind === 'serving' ? state.pid : undefined,
    )
  }

  function looked(change: 1 | -1): void {
    lookers += change
    health.watched(lookers > 0)
  }

  async function close(): Promise<void> {
    changed()
    runs.close()
    upgrade.close()
    rotation.close()
    keyNotices.close()
    health.close()
    access.close()
    await supervisor.close({ keepServing: settings.get('keepServing') })
    // Both may be reading from a data volume that no longer answers.
    await within(clock, closeLimit, Promise.all([outputLog.close(), storage.close(), web.close()]))
    log.info('quit')
  }

  return {
    host: {
      handlers: createHandlers({
        supervisor,
        settings,
        ...access,
        control: { ...engineControl.handlers, ...upgrade.handlers, ...runs.handlers },
        rotation: rotation.handlers,
        notices: keyNotices.handlers,
        busyWith: () => runs.current()?.title,
        async ready() {
          const read = await readTarget(configFile, engine.id)
          return read.ok ? engines.verify(engine, configFile) : read
        },
        snapshot,
        tail: async count => (await outputLog.tail(count)) ?? supervisor.tail(count),
        shell: options.openWith,
      }),
      snapshot,
      on(event, listener, { looking } = { looking: event === 'snapshot' }) {
        const all: Set<typeof listener> = listeners[event]
        all.add(listener)
        if (looking) looked(1)
        return () => {
          if (all.delete(listener) && looking) looked(-1)
        }
      },
    },
    async begin() {
      await runs.begin()
      upgrade.begin()
      rotation.begin()
      keyNotices.begin()
      void storage.scan()
    },
    quit() {
      quitting ??= close()
      return quitting
    },
    woke() {
      supervisor.woke()
      keyNotices.woke()
    },
    dashboardAt(url) {
      dashboard = { url }
      changed()
    },
    tell,
  }
}
