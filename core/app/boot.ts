import { homedir } from 'node:os'
import { join } from 'node:path'
import { contractNumber } from '../../contract/hello.ts'
import { fail, ok, type Result } from '../../contract/result.ts'
import type { Notice } from '../../contract/snapshot.ts'
import type { AppLog } from '../../lib/app-log.ts'
import { thisBuild } from '../../lib/build.ts'
import { type SystemClock, systemClock } from '../../lib/clock.ts'
import { reasonOf } from '../../lib/error-code.ts'
import { homeFormat } from '../../lib/home-format.ts'
import type { Keeper } from '../../lib/keeper-file.ts'
import { firstRun } from '../first-run/first-run.ts'
import type { HandedOver } from '../hand-over/protocol.ts'
import type { SetAside } from '../platform/json-file.ts'
import { prepareAdminSocket, prepareControlSocket } from '../platform/prepare-home.ts'
import { runEach } from '../platform/tasks.ts'
import { establishAdmin, type FirstAdmin } from '../registry-client/admin.ts'
import { ownNewSecrets } from '../secrets/older-secrets.ts'
import { openSecrets, type Secrets } from '../secrets/secrets.ts'
import { openSystemKeychain } from '../secrets/system-keychain.ts'
import { openSettings, type Settings } from '../settings/settings.ts'
import { type ControlSocket, openControlSocket } from '../transport/control-socket.ts'
import { httpApi } from '../transport/http-api.ts'
import { createShellConnections, type ShellConnections } from '../transport/shell-connections.ts'
import { type App, createApp } from './app.ts'
import { setAsideNotice } from './notice-list.ts'
import { openEngines } from './open-engines.ts'
import { takeHome } from './take-home.ts'
import type { ProgramControl, QuitHow } from './wiring.ts'

export interface BootOptions {
  keeper: Keeper
  /** Named on the command line; it must exist. */
  configFile?: string
  capabilities: ProgramControl
  /** From the core that handed the home over to this one. */
  handedOver?: HandedOver | undefined
}

export interface Booted {
  app: App
  home: string
  settings: Settings
  clock: SystemClock
  log: AppLog
  /** Quits the core, then gives up socket and lock. The same promise each time. */
  quit(how?: QuitHow): Promise<void>
  /** Lets go of everything but the registry and the lock, which the next core may take then. */
  leave(): Promise<HandedOver>
}

/**
 * What a core does before it shows anything: the home, its lock, settings, config.json (a first one is
 * written where there is none), the core, the control socket. The registry is not started yet: see App.begin.
 */
export async function boot({
  keeper,
  configFile,
  capabilities,
  handedOver,
}: BootOptions): Promise<Result<Booted>> {
  // Whatever this process and the registry create is for this user alone.
  process.umask(0o077)
  const clock = systemClock()
  const taken = await takeHome(keeper, clock.now, handedOver?.lock)
  if (!taken.ok) return taken
  const { home, log, processes } = taken.value
  const notices: Notice[] = []
  const release = async <T>(failure: Result<T>): Promise<Result<T>> => {
    await taken.value.release()
    return failure
  }
  const opened = await readSettings(home, clock, notices)
  if (!opened.ok) return release(opened)
  const settings = opened.value
  const keychain = openSystemKeychain({ clock })
  await ownNewSecrets(home, log.error)
  const secrets = openSecrets({ home, keychain })

  const named = configFile ?? settings.get('config.file')
  const config = await configToUse({ named, home, secrets, notices, now: clock.now })
  if (!config.ok) return release(config)
  const build = thisBuild()
  const found = await openEngines(home, settings, log)
  if (!found.ok) return release(found)

  const adminSocket = await prepareAdminSocket(home)
  if (!adminSocket.ok) return release(adminSocket)

  const shells = createShellConnections()
  const app = await createApp({
    keeper,
    build,
    home,
    ...config.value,
    ...found.value,
    settings,
    clock,
    processes,
    log,
    keychain,
    secrets,
    adminSocket: adminSocket.value.path,
    notices,
    capabilities: { ...capabilities, woke: clock.woke },
    shells,
    handedOver,
  })
  clock.onWake(() => app.woke())
  const socket = await listen({ home, app, shells, clock, log })
  if (!socket.ok) return release(socket)

  // Here sockets and lock are given up, in this order, the lock last.
  const close = async (how: QuitHow): Promise<void> => {
    await runEach(
      {
        // First: a keeper that sees this core go must know that it is meant to.
        'the end of being kept': taken.value.endsOnPurpose,
        'the end of the features': () => app.quit(how),
        'the end of the control socket': socket.value.close,
        'the release of the lock': taken.value.release,
      },
      log.error,
    )
  }
  let closing: Promise<void> | undefined
  return ok({
    app,
    home,
    settings,
    clock,
    log,
    quit(how = {}) {
      if (closing !== undefined && how.sessionEnds) void app.quit(how)
      closing ??= close(how)
      return closing
    },
    async leave() {
      const [left] = await Promise.all([app.leave(), socket.value.close()])
      return { ...left, lock: taken.value.lockNonce }
    },
  })
}

/** Defaults in the place of settings that cannot be read might start another engine: that is a failure. */
async function readSettings(home: string, clock: SystemClock, notices: Notice[]): Promise<Result<Settings>> {
  const report = (setAside: SetAside): void => void notices.push(setAsideNotice(setAside, clock.now()))
  try {
    return ok(await openSettings({ home, clock, report }))
  } catch (error) {
    return fail({ code: 'home-unusable', path: join(home, 'settings.json'), reason: reasonOf(error) })
  }
}

interface ListenOptions extends Pick<Booted, 'app' | 'home' | 'clock' | 'log'> {
  shells: ShellConnections
}

/** Opens the control socket, and notes where it is when that is not in the home. */
async function listen({ home, app, shells, clock, log }: ListenOptions): Promise<Result<ControlSocket>> {
  const control = await prepareControlSocket(home)
  if (!control.ok) return control
  if (control.value.elsewhere)
    app.notify({
      kind: 'socket-elsewhere',
      id: 'socket-elsewhere',
      at: clock.now(),
      path: control.value.path,
    })
  const api = httpApi(app.host, {
    shells,
    onBug: (location, error) => log.error(`a fault in ${location}`, { error: String(error) }),
  })
  return openControlSocket({
    path: control.value.path,
    home,
    api,
    hello: { contract: contractNumber, ...thisBuild(), home: homeFormat },
  })
}

interface ConfigOptions {
  named: string
  home: string
  secrets: Secrets
  notices: Notice[]
  now(): number
}

/** The file that was named, or the default one: written now, with its first account, if it is not there yet. */
async function configToUse({
  named,
  home,
  secrets,
  notices,
  now,
}: ConfigOptions): Promise<Result<{ configFile: string; firstPassword?: FirstAdmin['stored'] }>> {
  let firstAdmin: FirstAdmin | undefined
  const first = await firstRun({
    homeFolder: homedir(),
    ...(named === '' ? {} : { named }),
    async makeAdmin(folder) {
      firstAdmin = await establishAdmin({ home, folder, secrets, now, report: () => {} })
      return firstAdmin
    },
  })
  if (!first.ok) return fail(first.error)
  const { configFile, wrote } = first.value
  const at = now()
  if (wrote)
    notices.push({
      kind: 'config-written',
      id: 'config-written',
      at,
      file: configFile,
      data: wrote.dataFolder,
    })
  if (wrote?.admin && firstAdmin) {
    const { stored, user } = firstAdmin
    notices.push({ kind: 'admin-created', id: 'admin-created', at, user, host: '127.0.0.1:5050' })
    return ok({ configFile, firstPassword: stored })
  }
  return ok({ configFile })
}
