import { join } from 'node:path'
import type { OnAsk } from '../client/shell-asks.ts'
import { fail, ok, type Result, unreachable } from '../contract/result.ts'
import type { OpenTarget } from '../contract/shell.ts'
import type { Snapshot } from '../contract/snapshot.ts'
import type { Clock } from '../lib/clock.ts'
import { createAgreedCall } from './agreement.ts'
import type { AppCore } from './app-core.ts'
import { coreView } from './core-view.ts'
import type { ElectronApi } from './electron-api.ts'
import type { PageService } from './ipc.ts'
import { agentArgument, type LoginAgent } from './login-agent.ts'
import { createLoginSwitch } from './login-switch.ts'
import { applicationMenu } from './menu.ts'
import { createMenuCommands } from './menu-commands.ts'
import { guardContents, guardedSession } from './navigation-guard.ts'
import { createNotifier } from './notifier.ts'
import { createPageCall } from './page-calls.ts'
import { createPageServer } from './page-server.ts'
import { createPopover } from './popover.ts'
import { createQuestions, type Questions } from './questions.ts'
import { createAnswers } from './requests.ts'
import { createSecretClipboard } from './secret-clipboard.ts'
import { createSignIn } from './sign-in.ts'
import { createTray } from './tray.ts'
import { createMainWindow } from './window.ts'

export interface ShellOptions {
  electron: ElectronApi
  /** Serves the contract to the pages; returns its end. */
  serve(service: PageService): () => void
  core: AppCore
  /** Where the core of this app has its state. */
  home: string
  clock: Pick<Clock, 'now' | 'setTimer'>
  loginAgent: LoginAgent
  platform: NodeJS.Platform
  files: { pages: string; preload: string; trayImages: string; readme: string }
  log(message: string, error?: unknown): void
}

export interface Shell {
  /** Does what the core asks of this screen. */
  answer: OnAsk
  open(target: OpenTarget): Promise<Result<null>>
  questions: Questions
  closeWindows(): void
  clearSecrets(): void
}

/** Tray, popover, window, notifications and questions, around a core that may not be there. Electron must be ready. */
export async function createShell(options: ShellOptions): Promise<Shell> {
  const { electron, serve, core, home, clock, loginAgent, platform, files, log } = options
  const { app } = electron
  const packaged = app.isPackaged
  const zotbar = core.as('app')

  const pageSession = guardedSession(electron, await createPageServer(files.pages), packaged)
  const page = { electron, session: pageSession, preload: files.preload, packaged, log }
  const window = createMainWindow(page)
  const questions = createQuestions({ electron, platform, openWindow: window.onScreen, log })
  const signIn = createSignIn({ electron, clock, questions, log })
  guardContents(electron, signIn.owns)
  electron.Menu.setApplicationMenu(applicationMenu(electron, platform, packaged))
  const popover = createPopover({ ...page, platform, clock, isAsked: questions.standsOn })

  const openWindow = (view?: 'keys' | 'upgrade' | 'run') => {
    popover.hide()
    window.open(view)
    // An app without a Dock icon is not brought to the front by its windows.
    if (platform === 'darwin') app.focus({ steal: true })
  }
  /** Opens what a page may name; the paths are the app's own. */
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
        return openPath(join(home, 'logs'))
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

  const call = createAgreedCall({ core, questions })
  const login = createLoginSwitch({ agent: loginAgent, log })
  const startCore = core.start
  const perform = createMenuCommands({ electron, zotbar, call, startCore, questions, login, open })
  const tray = createTray({
    electron,
    images: files.trayImages,
    platform,
    clicked: popover.toggle,
    chosen: command => void perform(command).catch(error => log('A row of the menu failed', error)),
  })
  const notify = createNotifier({
    electron,
    clock,
    clicked: ({ kind }) => openWindow(kind === 'key-expiring' ? 'keys' : undefined),
    isWanted: () => core.snapshot()?.preferences?.notifications ?? true,
  })
  const secrets = createSecretClipboard({ clipboard: electron.clipboard, clock })

  const show = (): void => tray.show(coreView(core.link(), core.snapshot(), clock.now()), login.state())
  const followLogin = (isWanted: boolean): void => {
    login.follow(isWanted).catch(error => log('Start at login failed', error))
  }
  const onSnapshot = (snapshot: Snapshot): void => {
    show()
    notify(snapshot)
    if (snapshot.preferences) followLogin(snapshot.preferences.startAtLogin)
  }
  await login.begin()
  login.onChange(show)
  core.on('snapshot', onSnapshot)
  core.onLink(show)
  const known = core.snapshot()
  if (known === undefined) show()
  else onSnapshot(known)
  const pageCall = createPageCall({ electron, call, secrets, open })
  serve({ core, link: core.link, onLink: core.onLink, startCore, call: pageCall, log })

  app.on('second-instance', (_, argv) => {
    // At login launchd may start a copy beside one that was restored: nobody asked for a window.
    if (!argv.includes(agentArgument)) openWindow()
  })
  app.on('activate', () => openWindow())
  return {
    open,
    questions,
    answer: createAnswers({ questions, signIn, open }),
    closeWindows() {
      popover.destroy()
      window.destroy()
      signIn.destroy()
    },
    clearSecrets: secrets.clear,
  }
}
