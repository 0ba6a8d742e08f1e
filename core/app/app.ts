import type { Host } from '../../contract/host.ts'
import { fail, ok } from '../../contract/result.ts'
import type { Notice, Snapshot } from '../../contract/snapshot.ts'
import { undecidedFailure } from '../../contract/undecided.ts'
import { childEnvironment } from '../../lib/child-environment.ts'
import type { Clock } from '../../lib/clock.ts'
import { within } from '../../lib/within.ts'
import { createReleaseAdvice } from '../advisories/release-advice.ts'
import type { Engines } from '../engine/engines.ts'
import { createEngineControl } from '../engine-switch/engine-control.ts'
import { createHealth } from '../health/health.ts'
import { createNoticeControl } from '../notices/notice-control.ts'
import { askLiveness } from '../platform/admin-liveness.ts'
import type { AppLog } from '../platform/app-log.ts'
import { doEach } from '../platform/each.ts'
import type { Engine } from '../platform/engine.ts'
import type { LogBatch } from '../platform/log-lines.ts'
import type { ProcessTable } from '../platform/process-table.ts'
import { freeSpace } from '../platform/volume.ts'
import { createWeb } from '../platform/web.ts'
import { createOutputLog } from '../registry-client/output-log.ts'
import { clientAddress, createRegistryAccess } from '../registry-client/registry-access.ts'
import { createRunningEngine } from '../registry-client/running-engine.ts'
import { createStoreEvents } from '../registry-client/store-events.ts'
import { checkFolders, checkLogOutput, preflight, readTarget } from '../registry-config/preflight.ts'
import { findOutWhere } from '../registry-config/where.ts'
import { createRotationControl } from '../rotation/rotation-control.ts'
import { createRuns } from '../runbook/runs.ts'
import { openKeyStore } from '../secrets/key-store.ts'
import type { Secrets } from '../secrets/secrets.ts'
import type { Settings } from '../settings/settings.ts'
import { createStorage } from '../storage/storage.ts'
import { createSupervisor } from '../supervisor/supervisor.ts'
import { createUpgradeControl } from '../upgrade/upgrade-control.ts'
import { createUpgradeSources } from '../upgrade/upgrade-sources.ts'
import { createBroadcast } from './broadcast.ts'
import { createFolderControl } from './folder-control.ts'
import { createHandlers, type ShellPart } from './handlers.ts'
import { snapshotOf } from './snapshot.ts'

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

/** The only wiring: features meet here, as parameters of each other. */
export async function createApp(options: AppOptions): Promise<App> {
  const { adminSocket, clock, configFile, engines, home, processes, settings, shell, version } = options
  const log = (message: string, data?: Record<string, unknown>): void => options.log.info(message, data)
  const about = { version, pid: process.pid, shell, startedAt: clock.now(), home }
  const notices = [...options.notices]
  let dashboard: { url: string } | undefined
  let quitting: Promise<void> | undefined

  const where = await findOutWhere(configFile, options.engine.id)
  const broadcast = createBroadcast({ snapshot, watched: looking => health.setWatched(looking) })
  const { changed } = broadcast
  /** What most features are given. */
  const common = { home, configFile, clock, settings, report: setAside, log, onChange: changed }

  const storage = createStorage({
    ...common,
    dataFolder: () => where.target()?.dataFolder,
    subFolders: () => where.target()?.subFolders ?? {},
    freeSpace,
    trouble: () => folder.trouble(),
  })
  const storeEvents = createStoreEvents({ adminSocket, clock, storage })
  const outputLog = createOutputLog(clock, logged, log)
  outputLog.use(where.target()?.logOutput)

  const engine = createRunningEngine({
    first: options.engine,
    ask: (path, asked) => access.registry.ask(path, asked),
    recorded: () => supervisor.recorded(),
    zotAt: path => engines.locate({ id: 'zot', path }),
    onUse: changed,
    onVersion() {
      lookForAdvisories()
      changed()
    },
  })
  const enginePart = { current: engine.now, use: engine.use, engines, processes }

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
      }
    },
    // Of zot there is no such socket; another registry's may be left at this path.
    askAdmin: async limitMs =>
      engine.now().id === 'zot' ? { kind: 'refused' } : askLiveness(adminSocket, limitMs),
    logLimits: {
      maxBytes: settings.get('logs.maxMegabytes') * 1024 * 1024,
      retained: settings.get('logs.keep'),
    },
    uploadsInProgress: () => storage.uploadsInProgress(),
    recognize: (owner, place) => folder.recognize(owner, place),
    async preflight() {
      const decided = await folder.decide()
      if (!decided.ok) return decided
      if (decided.value !== undefined) {
        const target = await readTarget(configFile, 'zot')
        if (!target.ok) return target
        const moves = where.movesTo(target.value)
        where.is(target.value)
        if (moves) void storage.scan()
        return ok({ ...target.value, undecided: decided.value })
      }
      const checked = await preflight(configFile, processes, engine.now().id)
      if (!checked.ok) {
        await where.isFaulty()
        return checked
      }
      await engine.lookAgain()
      const verified = await engines.verify(engine.now(), configFile)
      if (!verified.ok) return verified
      const moves = where.movesTo(checked.value)
      where.is(checked.value)
      outputLog.use(checked.value.logOutput)
      if (moves) void storage.scan()
      return checked
    },
  })
  const folder = await createFolderControl({
    ...common,
    engines,
    processes,
    childEnvironment: childEnvironment(process.env),
    current: engine.now,
    use: engine.use,
    version: engine.version,
    target: where.target,
    storage,
    supervisor,
    freeSpace,
    snapshot,
    tell,
  })
  const tail = async (count: number): Promise<string[]> =>
    (await outputLog.tail(count)) ?? supervisor.tail(count)
  const serves = (): boolean => supervisor.state().kind === 'serving'

  const access = createRegistryAccess({
    ...common,
    engine: () => engine.now().id,
    secrets: options.secrets,
    adminSocket,
    target: where.target,
    url() {
      const { kind } = supervisor.state()
      return kind === 'serving' || kind === 'draining'
        ? (supervisor.target() ?? where.target())?.url
        : undefined
    },
  })
  const { registry } = access

  const runs = createRuns({ ...common, supervisor, tell })
  const web = createWeb({ environment: process.env })
  const advice = createReleaseAdvice({
    ...common,
    web,
    now: clock.now,
    url: () => settings.get('advice.url'),
    timeLimits: () => settings.get('upgrade.timeLimits'),
  })

  const engineControl = createEngineControl({
    ...common,
    ...enginePart,
    supervisor,
    ask: registry.ask,
    tail,
    runs,
    folder,
  })
  runs.register(engineControl.kinds)

  const upgrade = createUpgradeControl({
    ...common,
    ...enginePart,
    ...createUpgradeSources({ ...common, goFor: advice.goFor }),
    supervisor,
    shell,
    advice,
    running: engine.version,
    registry,
    account: () => access.admin.credential(),
    authorization: () => access.authorization(),
    pushes: () => storage.uploadsInProgress(),
    tail,
    runs,
    tell,
  })
  runs.register(upgrade.kinds)

  const keyNotices = createNoticeControl({ ...common, web, keys: () => rotation.summaries(), tell })
  const rotation = await createRotationControl({
    ...common,
    store: openKeyStore({
      home,
      keyFile: () => settings.get('secrets.keyFile'),
      plain: () => settings.get('secrets.plain'),
    }),
    runs,
    registry,
    adminSocket,
    supervisor,
    address: () => clientAddress(where.target()),
    serves,
    signInPlace: where.signIn,
    signInWindow: options.openWith.signIn,
    onChange() {
      keyNotices.keysChanged()
      changed()
    },
  })
  runs.register(rotation.kinds)

  const health = createHealth({
    ...common,
    authorization: () => access.authorization(),
    target: () => supervisor.target() ?? where.target(),
    repositories: () => storage.repositories(),
    digestNow: name => storage.digestNow(name),
    isCached: repository => where.target()?.isCached(repository) ?? false,
  })

  function snapshot(): Snapshot {
    return snapshotOf({
      app: about,
      configFile,
      now: clock.now,
      where,
      engine,
      undecidedFolder: () => folder.undecidedFolder(),
      supervisor,
      health,
      storage,
      settings,
      runs,
      advice,
      upgrade,
      rotation,
      keyNotices,
      notices: () => notices,
      dashboard: () => dashboard,
      quitting: () => quitting !== undefined,
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

  const servingPid = (): number | undefined => {
    const state = supervisor.state()
    return state.kind === 'serving' ? state.pid : undefined
  }
  function lookForAdvisories(): void {
    const known = engine.version()
    advice.running({ id: engine.now().id, ...(known === undefined ? {} : { version: known }) }, servingPid())
  }

  supervisor.onChange(() => {
    folder.stateChanged()
    health.setServing(serves())
    storeEvents.served(servingPid(), engine.now().id !== 'zot')
    void engine.ask(servingPid())
    lookForAdvisories()
    changed()
  })
  supervisor.follow(logged)
  health.onChange(changed)
  let repositoriesSeen = storage.state().repositories
  storage.onChange(() => {
    const { repositories } = storage.state()
    folder.counted()
    // What health says about the catalog must not contradict the line beside it.
    if (repositories !== repositoriesSeen && serves()) void health.check()
    repositoriesSeen = repositories
    changed()
  })
  settings.onChange(changed)

  function logged({ lines, dropped }: LogBatch): void {
    for (const line of lines) {
      storeEvents.line(line)
      upgrade.line(line)
    }
    // Writes may be among the lines that were not read.
    if (dropped > 0) void storage.recount()
    broadcast.log(dropped > 0 ? [`(about ${dropped} lines left out)`, ...lines] : lines)
  }

  async function close(): Promise<void> {
    changed()
    // A part that cannot end keeps no other from it: least of all the registry from being stopped.
    await doEach(
      {
        'the end of runbooks': runs.close,
        'the end of upgrades': upgrade.close,
        'the end of rotations': rotation.close,
        'the end of notices': keyNotices.close,
        'the end of probes': health.close,
        'the end of registry access': access.close,
        'the end of events': storeEvents.close,
        'the end of supervision': () => supervisor.close({ keepServing: settings.get('keepServing') }),
        // They may be reading from a data volume that no longer answers.
        'the end of reading': () =>
          within(
            clock,
            closeLimit,
            Promise.all([folder.close(), outputLog.close(), storage.close(), web.close()]),
          ),
      },
      options.log.error,
    )
    log('quit')
  }

  await doEach({ 'the look for an interrupted runbook': runs.findInterrupted }, options.log.error)
  return {
    host: {
      handlers: createHandlers({
        supervisor,
        settings,
        ...access,
        control: { ...engineControl.handlers, ...upgrade.handlers, ...runs.handlers },
        rotation: rotation.handlers,
        notices: keyNotices.handlers,
        folder: folder.handlers,
        look: folder.look,
        busyWith: () => runs.current()?.title,
        async ready() {
          const open = await folder.decide({ isTrial: true })
          await folder.lookAtConfig()
          if (!open.ok) return open
          if (open.value !== undefined) return fail(undecidedFailure(open.value))
          const read = await readTarget(configFile, engine.now().id)
          const checked = read.ok ? await checkLogOutput(configFile, read.value) : read
          if (!checked.ok) return checked
          const folders = await checkFolders(checked.value)
          return folders.ok ? engines.verify(engine.now(), configFile) : folders
        },
        snapshot,
        tail,
        shell: options.openWith,
      }),
      snapshot,
      on: broadcast.on,
    },
    async begin() {
      await doEach(
        {
          'the start of the registry': runs.begin,
          'the start of upgrades': upgrade.begin,
          'the start of rotations': rotation.begin,
          'the start of notices': keyNotices.begin,
        },
        options.log.error,
      )
      void storage.scan()
    },
    quit() {
      quitting ??= close()
      return quitting
    },
    woke() {
      supervisor.woke()
      void folder.look()
      keyNotices.woke()
    },
    dashboardAt(url) {
      dashboard = { url }
      changed()
    },
    tell,
  }
}
