import { join } from 'node:path'
import type { OpenTarget, ZotbarHandlers } from '../contract/contract.ts'
import type { Host } from '../contract/host.ts'
import { asksNatively, type StatusVerb } from '../contract/messages/summary.ts'
import { fail, ok, type Result, unreachable } from '../contract/result.ts'
import type { Snapshot } from '../contract/snapshot.ts'
import type { ShellCapabilities } from '../core/app/wiring.ts'
import type { Clock } from '../lib/clock.ts'
import { applicationMenu } from './app-menu.ts'
import type { ElectronApi } from './electron-api.ts'
import type { PageService } from './ipc.ts'
import { agentArgument, type LoginAgent } from './login-agent.ts'
import { createLoginSwitch } from './login-switch.ts'
import type { MenuCommand } from './menu.ts'
import { guardContents, guardedSession } from './navigation-guard.ts'
import { createNotifier } from './notifier.ts'
import { createPageServer } from './page-server.ts'
import { createPopover } from './popover.ts'
import { confirmedHandlers, createQuestions } from './questions.ts'
import { createSecretClipboard } from './secret-clipboard.ts'
import { createSignIn } from './sign-in.ts'
import { createTray } from './tray.ts'
import { createMainWindow } from './window.ts'

/** The app as the shell sees it. */
interface Core {
  host: Host
  /** Resolves when everything is let go of; a second call joins the first. */
  quit(): Promise<void>
  woke(): void
  settings: {
    notifications(): boolean
    startAtLogin(): boolean
    onChange(listener: (key: string) => void): () => void
  }
}

export interface ShellOptions {
  electron: ElectronApi
  /** Serves the contract to the pages; returns its end. */
  serve(service: PageService): () => void
  core: Core
  clock: Pick<Clock, 'now' | 'setTimer'>
  loginAgent: LoginAgent
  platform: NodeJS.Platform
  files: { pages: string; preload: string; trayImages: string; readme: string }
  log(words: string, error?: unknown): void
}

/**
 * The menu-bar shell around a running app: tray, popover, window, notifications. Electron must be ready.
 * Returns what only a shell can do, for the app's handlers.
 */
export async function createShell(options: ShellOptions): Promise<ShellCapabilities> {
  const { electron, serve, core, clock, loginAgent, platform, files, log } = options
  const { app } = electron
  const { host } = core
  const packaged = app.isPackaged
  const questions = createQuestions(electron)
  const handlers = confirmedHandlers(host.handlers, questions)

  const signIn = createSignIn({ electron, clock, questions, log })
  guardContents(electron, signIn.owns)
  electron.Menu.setApplicationMenu(applicationMenu(electron, platform, packaged))
  const session = guardedSession(electron, await createPageServer(files.pages), packaged)
  const page = { electron, session, preload: files.preload, packaged, complain: log }
  const popover = createPopover({ ...page, platform, clock })
  const window = createMainWindow(page)
  const openWindow = (view?: 'keys' | 'upgrade' | 'run') => {
    popover.hide()
    window.open(view)
    // An app without a Dock icon is not brought to the front by its windows.
    if (platform === 'darwin') app.focus({ steal: true })
  }

  const login = createLoginSwitch({
    agent: loginAgent,
    wanted: core.settings.startAtLogin,
    changed: () => tray.show(host.snapshot(), login.state()),
    log,
  })
  const tray = createTray({
    electron,
    images: files.trayImages,
    platform,
    clock,
    clicked: popover.toggle,
    chosen: command => void obey(command).catch(error => log('A row of the menu failed', error)),
  })
  const notify = createNotifier({
    electron,
    clock,
    clicked: telling => openWindow(telling.kind === 'key-expiring' ? 'keys' : undefined),
    wanted: core.settings.notifications,
  })

  /** Opens what a window may name; the paths are the app's own. */
  async function open(what: OpenTarget): Promise<Result<null>> {
    switch (what) {
      case 'window':
        openWindow()
        return ok(null)
      case 'keys':
      case 'upgrade':
      case 'run':
        openWindow(what)
        return ok(null)
      case 'docs':
        return openPath(files.readme)
      case 'log-folder':
        return openPath(join(host.snapshot().app.home, 'logs'))
      default:
        return unreachable(what)
    }
  }

  async function openPath(path: string): Promise<Result<null>> {
    const problem = await electron.shell.openPath(path)
    if (problem === '') return ok(null)
    log(`${path} cannot be opened: ${problem}`)
    return fail({ code: 'unexpected', where: `opening ${path}` })
  }

  async function obey(command: MenuCommand): Promise<void> {
    switch (command.do) {
      case 'copy':
        return electron.clipboard.writeText(command.text)
      case 'registry': {
        const { verb, asks } = command
        if (verb === 'show-keys') return report(await open('keys'))
        if (asksNatively(verb)) {
          const begun = await registryVerb(handlers, verb)
          return begun.ok || begun.error.code !== 'cancelled' ? report(begun) : undefined
        }
        if (asks && !(await questions.confirm(asks))) return
        return report(await registryVerb(handlers, verb))
      }
      case 'open':
        return report(await open(command.what))
      case 'login':
        return setLogin(command.on)
      case 'quit':
        return app.quit()
      default:
        return unreachable(command)
    }
  }

  async function report(result: Result<unknown>): Promise<void> {
    if (!result.ok) await questions.showFailure(result.error)
  }

  async function setLogin(on: boolean): Promise<void> {
    const set = await host.handlers.settings.set({ key: 'startAtLogin', value: on }, 'window')
    if (!set.ok) return questions.showFailure(set.error)
    const result = await login.apply()
    if (!result.ok) return questions.show({ title: 'Start at login was not changed', body: result.reason })
    if (result.state.kind === 'disabled')
      await questions.show({
        title: 'macOS does not start Zotbar at login',
        body: 'It is turned off in System Settings > General > Login Items. Turn it on there.',
      })
  }

  const onSnapshot = (snapshot: Snapshot): void => {
    tray.show(snapshot, login.state())
    notify(snapshot)
  }
  host.on('snapshot', onSnapshot, { looking: false })
  onSnapshot(host.snapshot())
  core.settings.onChange(key => {
    if (key === 'startAtLogin') login.apply().catch(error => log('Start at login failed', error))
  })
  await login.begin()
  const secrets = createSecretClipboard({ clipboard: electron.clipboard, clock, questions })
  serve({ host, handlers: secrets.handlers(handlers), complain: log })

  let quitting: Promise<void> | undefined
  let sessionEnds = false
  const end = () => {
    secrets.clear()
    quitting ??= core.quit().then(
      () => app.exit(0),
      error => {
        log('Quitting failed', error)
        app.exit(1)
      },
    )
    return quitting
  }
  app.on('before-quit', event => {
    // The system ends the session: holding it up would cancel a logout, and the registry is told to stop anyway.
    if (sessionEnds) return void end()
    event.preventDefault()
    if (quitting) return
    popover.destroy()
    window.destroy()
    signIn.destroy()
    void end()
  })
  electron.powerMonitor.on('shutdown', () => {
    sessionEnds = true
  })
  electron.powerMonitor.on('resume', () => core.woke())
  // Without a listener Electron quits with its last window; this app lives in the menu bar.
  app.on('window-all-closed', () => {})
  app.on('second-instance', (_, argv) => {
    // At login launchd may start a copy beside one that was restored: nobody asked for a window.
    if (!argv.includes(agentArgument)) openWindow()
  })
  app.on('activate', () => openWindow())
  return { open, signIn: signIn.open, quit: () => setImmediate(() => app.quit()) }
}

/** What each verb of a glance means to the registry. */
function registryVerb(
  handlers: ZotbarHandlers,
  verb: Exclude<StatusVerb, 'show-keys'>,
): Promise<Result<unknown>> {
  switch (verb) {
    case 'start':
    case 'try-again':
    case 'check-again':
      return handlers.registry.start({}, 'window')
    case 'stop':
      return handlers.registry.stop({}, 'window')
    case 'restart':
      return handlers.registry.restart({ now: false }, 'window')
    case 'restart-now':
      return handlers.registry.restart({ now: true }, 'window')
    case 'cancel':
      return handlers.registry.cancel({}, 'window')
    case 'look-again':
      return handlers.registry.lookAgain({}, 'window')
    case 'use-zot':
      return handlers.engine.use({ engine: 'zot', yes: true, dryRun: false }, 'window')
    case 'use-zotbar-registry':
      return handlers.engine.use({ engine: 'zotbar-registry', yes: true, dryRun: false }, 'window')
    default:
      return unreachable(verb)
  }
}
