import { join } from 'node:path'
import type { Host } from '../../contract/host.ts'
import type { Notice, Snapshot } from '../../contract/snapshot.ts'
import { createEmitter } from '../../lib/emitter.ts'
import { withDeadline } from '../../lib/with-deadline.ts'
import { runEach } from '../platform/tasks.ts'
import type { UnrevealedKey } from '../registry-client/fresh-keys.ts'
import { createBroadcast } from './broadcast.ts'
import { configHandlers } from './config-handlers.ts'
import { connect } from './connect.ts'
import { createFeatures, type Features } from './create-features.ts'
import { folderHandlers } from './folder-handlers.ts'
import { createHandlers, type HandlerDeps } from './handlers.ts'
import { passwordNotice } from './notice-list.ts'
import { createOpenSetting } from './open-setting.ts'
import { type DashboardState, snapshotOf } from './snapshot.ts'
import type { AppEvents, AppOptions, QuitHow } from './wiring.ts'

export interface App {
  host: Host
  /** Adopts a running registry or starts one, and counts the store. Returns when that is under way. */
  begin(options?: { stopped: boolean }): Promise<void>
  /**
   * Stops the registry, unless it is to keep serving, and lets go of everything. The same promise each time; the end of
   * the session hastens what is under way.
   */
  quit(how?: QuitHow): Promise<void>
  /** Lets go of everything but the registry, which is left as it is. Answers what the next core needs of this one. */
  leave(): Promise<LeftBehind>
  /** The computer woke from sleep. */
  woke(): void
  /** Where the dashboard is, without a token; or the notice why there is none. */
  dashboardIs(dashboard: DashboardState): void
  notify(notice: Notice): void
}

/** What only the memory of a core holds: for the next core of its home alone. */
interface LeftBehind {
  /** Of the encrypted file of secrets. */
  passphrase?: string
  unrevealed: UnrevealedKey[]
  /** Somebody stopped the registry, and it is to stay so. */
  stopped: boolean
}

/** How long the data folder may hold up the end of the core. */
const closeLimitMs = 3000
/** Until the system kills what is left at a logout: how long a run under way, and then pushes, are waited for. */
const sessionEnd = { runbookMs: 1000, pushesMs: 5000 }

/** The only wiring: all features are created, then connected. */
export async function createApp(options: AppOptions): Promise<App> {
  const { build, clock, home, keychain, keeper, shells } = options
  const about = {
    ...build,
    pid: process.pid,
    startedAt: clock.now(),
    home,
    keeper,
    platform: process.platform,
  }
  let dashboard: DashboardState = {}
  let quitting: Promise<void> | undefined

  const events = createEmitter<AppEvents>()
  const features = await createFeatures(options, events)
  const snapshot = (): Snapshot =>
    snapshotOf(features, {
      app: { ...about, offers: shells.offers() },
      dashboard,
      keychainNotice: keychain.notice(),
      isQuitting: quitting !== undefined,
    })
  const broadcast = createBroadcast({ snapshot, watched: features.health.setWatched })
  connect(features, events, broadcast)
  shells.onChange(() => events.emit('changed'))
  keychain.onNotice(() => events.emit('changed'))

  const { access, configWatch, keyNotices, keyWatch, rotation, runs, storage, supervisor, upgrade } = features
  await runEach({ 'the look for an interrupted runbook': runs.findInterrupted }, options.log.error)
  return {
    host: {
      handlers: createHandlers(handlerDeps(features, options, snapshot)),
      snapshot,
      on: broadcast.on,
    },
    async begin(beginning) {
      await runEach(
        {
          'the start of the registry': () => runs.begin(beginning),
          'the start of upgrades': upgrade.begin,
          'the start of rotations': rotation.begin,
          'the start of notices': keyNotices.begin,
        },
        options.log.error,
      )
      void storage.scan()
      // A keychain may ask somebody who is away.
      void features.olderSecrets.recover()
      void (options.firstPassword ?? access.admin.settle()).then(stored => {
        const notice = passwordNotice(stored, clock.now())
        if (notice) features.notices.add(notice)
      })
    },
    quit(how = {}) {
      if (quitting !== undefined) {
        if (how.sessionEnds) void supervisor.close({ keepServing: false, pushesMs: sessionEnd.pushesMs })
        return quitting
      }
      events.emit('changed')
      quitting = close(features, options, how)
      return quitting
    },
    async leave() {
      const { access, store, supervisor } = features
      const { kind } = supervisor.state()
      const passphrase = store.passphrase()
      const left = {
        ...(passphrase === undefined ? {} : { passphrase }),
        unrevealed: access.keys.unrevealed(),
        stopped: kind === 'stopped',
      }
      quitting ??= close(features, options, { keepServing: true })
      await quitting
      return left
    },
    woke() {
      supervisor.woke()
      void configWatch.check()
      keyNotices.onWake()
      keyWatch.changed()
    },
    dashboardIs(next) {
      dashboard = next
      events.emit('changed')
    },
    notify: features.notices.add,
  }
}

function handlerDeps(
  features: Features,
  { capabilities, keychain, settings, shells, home }: AppOptions,
  snapshot: () => Snapshot,
): HandlerDeps {
  const { access, engineControl, configWatch, keyNotices, keyWatch, rotation, runs } = features
  const { startDecision, supervisor, tail, upgrade } = features
  const { images, keys, admin } = access
  return {
    supervisor,
    settings,
    images,
    keys,
    admin,
    runbooks: { ...engineControl.handlers, ...upgrade.handlers, ...runs.handlers },
    rotation: rotation.handlers,
    notices: keyNotices.handlers,
    keyWatch,
    olderSecrets: features.olderSecrets.handlers,
    data: folderHandlers({ ...features, log: features.common.log, snapshot }),
    setOpen: createOpenSetting({ ...features.common, ...features }),
    config: configHandlers({
      ...features.common,
      store: features.lastConfig,
      engine: features.engine.now,
      supervisor,
      runs,
      now: features.common.clock.now,
    }),
    checkFolder: configWatch.check,
    busyWith: runs.busyWith,
    runUnderWay: () => runs.current()?.title,
    handOverBusy() {
      const { kind } = supervisor.state()
      const isStopping = kind === 'draining' || kind === 'stopping'
      const title = runs.busyWith() ?? (isStopping ? 'the stop of the registry' : undefined)
      // What the keychain answers belongs to this process: a password may be about to be stored.
      return title ?? (keychain.isBusy() ? 'a question of the keychain' : undefined)
    },
    async ready() {
      await configWatch.checkConfig()
      const ready = await startDecision.ready()
      return ready.ok ? features.checkHolders() : ready
    },
    snapshot,
    tail,
    capabilities,
    shells,
    logFolder: join(home, 'logs'),
  }
}

/** What cannot end keeps nothing else from it: least of all the registry from being stopped. */
async function close(
  features: Features,
  { clock, log, settings }: AppOptions,
  { keepServing = settings.get('keepServing'), sessionEnds = false }: QuitHow,
): Promise<void> {
  const { access, configWatch, engineCopies, health, keyNotices, lastConfigWatch, outputLog } = features
  const { keyWatch, rotation, runs, storage, storeEvents, supervisor, upgrade, web } = features
  await runEach(
    {
      'the end of runbooks': () =>
        sessionEnds ? withDeadline(clock, sessionEnd.runbookMs, Promise.resolve(runs.close())) : runs.close(),
      'the end of upgrades': upgrade.close,
      'the end of rotations': rotation.close,
      'the end of notices': keyNotices.close,
      'the end of the watch over keys': keyWatch.close,
      'the end of probes': health.close,
      'the end of looks at config.json': lastConfigWatch.close,
      'the end of the copy of the engine': engineCopies.close,
      'the end of registry access': access.close,
      'the end of events': storeEvents.close,
      'the end of supervision': () =>
        supervisor.close(
          sessionEnds ? { keepServing: false, pushesMs: sessionEnd.pushesMs } : { keepServing },
        ),
      // They may be reading from a data volume that no longer answers.
      'the end of reading': () =>
        withDeadline(
          clock,
          closeLimitMs,
          Promise.all([configWatch.close(), outputLog.close(), storage.close(), web.close()]),
        ),
    },
    log.error,
  )
  log.info('quit')
}
