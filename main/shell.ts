import { join } from 'node:path'
import type { Host } from '../contract/host.ts'
import { fail, ok, type Result, unreachable } from '../contract/result.ts'
import type { OpenTarget } from '../contract/shell.ts'
import type { Snapshot } from '../contract/snapshot.ts'
import type { ShellCapabilities } from '../core/app/wiring.ts'
import type { Clock } from '../lib/clock.ts'
import type { ElectronApi } from './electron-api.ts'
import type { PageService } from './ipc.ts'
import { agentArgument, type LoginAgent } from './login-agent.ts'
import { createLoginSwitch } from './login-switch.ts'
import { applicationMenu } from './menu.ts'
import { createMenuCommands } from './menu-commands.ts'
import { guardContents, guardedSession } from './navigation-guard.ts'
import { createNotifier } from './notifier.ts'
import { createPageServer } from './page-server.ts'
import { createPopover } from './popover.ts'
import { confirmedHandlers, createQuestions } from './questions.ts'
import { connectQuit } from './quit.ts'
import { createSecretClipboard } from './secret-clipboard.ts'
import { createSignIn } from './sign-in.ts'
import { createTray } from './tray.ts'
import { createMainWindow } from './window.ts'

/** What the shell needs of the core. */
interface ShellCore {
  host: Host
  /** Resolves when the core has released everything; a second call joins the first. */
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
  core: ShellCore
  clock: Pick<Clock, 'now' | 'setTimer'>
  loginAgent: LoginAgent
  platform: NodeJS.Platform
  files: { pages: string; preload: string; trayImages: string; readme: string }
  log(message: string, error?: unknown): void
}

/**
 * The menu-bar shell around a running core: tray, popover, window, notifications. Electron must be ready.
 * Returns what only a shell can do, for the core's handlers.
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
  const page = { electron, session, preload: files.preload, packaged, log }
  const popover = createPopover({ ...page, platform, clock })
  const window = createMainWindow(page)
  const openWindow = (view?: 'keys' | 'upgrade' | 'run') => {
    popover.hide()
    window.open(view)
    // An app without a Dock icon is not brought to the front by its windows.
    if (platform === 'darwin') app.focus({ steal: true })
  }

  /** Opens what a window may name; the paths are the app's own. */
  async function open(target: OpenTarget): Promise<Result<null>> {
    switch (target) {
      case 'window':
        openWindow()
        return ok(null)
      case 'keys':
      case 'upgrade':
      case 'run':
        openWindow(target)
        return ok(null)
      case 'docs':
        return openPath(files.readme)
      case 'log-folder':
        return openPath(join(host.snapshot().app.home, 'logs'))
      default:
        return unreachable(target)
    }
  }

  async function openPath(path: string): Promise<Result<null>> {
    const problem = await electron.shell.openPath(path)
    if (problem === '') return ok(null)
    log(`${path} cannot be opened: ${problem}`)
    return fail({ code: 'unexpected', where: `opening ${path}` })
  }

  const login = createLoginSwitch({ agent: loginAgent, isWanted: core.settings.startAtLogin, log })
  const perform = createMenuCommands({ electron, host, handlers, questions, login, open })
  const tray = createTray({
    electron,
    images: files.trayImages,
    platform,
    clock,
    clicked: popover.toggle,
    chosen: command => void perform(command).catch(error => log('A row of the menu failed', error)),
  })
  const notify = createNotifier({
    electron,
    clock,
    clicked: ({ kind }) => openWindow(kind === 'key-expiring' ? 'keys' : undefined),
    isWanted: core.settings.notifications,
  })

  const onSnapshot = (snapshot: Snapshot): void => {
    tray.show(snapshot, login.state())
    notify(snapshot)
  }
  host.on('snapshot', onSnapshot, { looking: false })
  onSnapshot(host.snapshot())
  login.onChange(() => tray.show(host.snapshot(), login.state()))
  core.settings.onChange(key => {
    if (key === 'startAtLogin') login.apply().catch(error => log('Start at login failed', error))
  })
  await login.begin()
  const secrets = createSecretClipboard({ clipboard: electron.clipboard, clock, questions })
  serve({ host, handlers: secrets.handlers(handlers), log })

  connectQuit({
    electron,
    quitCore: core.quit,
    closeWindows: () => {
      popover.destroy()
      window.destroy()
      signIn.destroy()
    },
    clearSecrets: secrets.clear,
    log,
  })
  electron.powerMonitor.on('resume', () => core.woke())
  app.on('second-instance', (_, argv) => {
    // At login launchd may start a copy beside one that was restored: nobody asked for a window.
    if (!argv.includes(agentArgument)) openWindow()
  })
  app.on('activate', () => openWindow())
  return { open, signIn: signIn.open, quit: () => setImmediate(() => app.quit()) }
}
