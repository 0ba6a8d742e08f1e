import { spawn } from 'node:child_process'
import { existsSync, mkdirSync } from 'node:fs'
import { homedir } from 'node:os'
import { join, resolve } from 'node:path'
import {
  app,
  BrowserWindow,
  clipboard,
  dialog,
  ipcMain,
  Menu,
  Notification,
  nativeImage,
  powerMonitor,
  protocol,
  screen,
  session,
  shell,
  systemPreferences,
  Tray,
} from 'electron'
import { connectCore } from '../client/core-connection.ts'
import { coreProgram } from '../client/core-program.ts'
import { systemService } from '../client/core-service.ts'
import { clientHello } from '../client/hello.ts'
import { keepCore } from '../client/keep-core.ts'
import type { OnAsk } from '../client/shell-asks.ts'
import { failureText } from '../contract/messages/failure-message.ts'
import { openAppLog } from '../lib/app-log.ts'
import { systemClock } from '../lib/clock.ts'
import { findControlSocket, foreignIn, isHome, resolveHome } from '../lib/home.ts'
import { onQuitSignal } from '../lib/quit-signals.ts'
import { type AppCore, createAppCore } from './app-core.ts'
import { argumentOf } from './arguments.ts'
import { createCoreEnd } from './core-end.ts'
import type { ElectronApi } from './electron-api.ts'
import { offerHandOver } from './hand-over.ts'
import { serveIpc } from './ipc.ts'
import { agentArgument, createLoginAgent, type LoginAgent, noLoginAgent } from './login-agent.ts'
import { guardApp } from './navigation-guard.ts'
import { handOverOlderSecrets } from './older-secrets.ts'
import type { Questions } from './questions.ts'
import { connectQuit } from './quit.ts'
import { runProgram } from './run-program.ts'
import { createShell } from './shell.ts'

const electron: ElectronApi = {
  app,
  BrowserWindow,
  clipboard,
  dialog,
  Menu,
  nativeImage,
  Notification,
  powerMonitor,
  protocol,
  screen,
  session,
  shell,
  systemPreferences,
  Tray,
}
const home = resolveHome()
const root = join(import.meta.dirname, '..', '..')
const config = argumentOf(process.argv, '--config')
const byLaunchd = process.argv.includes(agentArgument)
const clock = systemClock()
const isForeign = isForeignHome()
const appLog = isForeign
  ? undefined
  : openAppLog({ file: join(home, 'logs', 'menu-bar.log'), now: clock.now })
const log = (message: string, error?: unknown): void =>
  appLog?.warn(message, error === undefined ? {} : { error: String(error) })

// A crash must end the process, not hang in a dialog: core and registry go on without it.
for (const event of ['uncaughtException', 'unhandledRejection'] as const)
  process.on(event, (error: unknown) => {
    console.error(error)
    appLog?.error('a fault ended the app', { error: error instanceof Error ? error.stack : String(error) })
    app.exit(1)
  })

app.setName('Zotbar')
app.dock?.hide()
putChromiumInHome()
guardApp(electron)
if (app.requestSingleInstanceLock()) void app.whenReady().then(run)
else {
  console.error('Zotbar is already running; its window is in front now.')
  // launchd starts the app again unless it ends with 0, so only a crash may end with another code.
  app.exit(byLaunchd ? 0 : 1)
}

/** A folder of other things: the core refuses it, so nothing is written into it. */
function isForeignHome(): boolean {
  try {
    return existsSync(home) && !isHome(home) && foreignIn(home).length > 0
  } catch {
    return true
  }
}

/** Chromium's own files, and the lock that makes this app the only one for its home. */
function putChromiumInHome(): void {
  if (isForeign) return
  const folder = join(home, 'electron')
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    app.setPath('userData', folder)
  } catch {
    // The core reports a home that cannot be used.
  }
}

async function run(): Promise<void> {
  const loginAgent = createAgent()
  if (await handOverToLaunchd(loginAgent)) return app.exit(0)
  // macOS slows an app without windows down; this is what `defaults write` does, and counts from the next launch on.
  if (process.platform === 'darwin') systemPreferences.setUserDefault('NSAppSleepDisabled', 'boolean', true)

  const { promise: answers, resolve: answersReady } = Promise.withResolvers<OnAsk>()
  const { path: socketPath } = findControlSocket(home)
  const hello = clientHello('app')
  const program = coreProgram()
  const kept = keepCore({
    home,
    program,
    service: systemService(home),
    clock,
    ...(config === undefined ? {} : { configFile: resolve(config) }),
  })
  const connection = connectCore({
    socketPath,
    home,
    hello,
    offers: ['open', 'question', 'sign-in', 'notify', 'clipboard'],
    looking: false,
    clock,
    onAsk: async ask => (await answers)(ask),
  })
  const core = createAppCore({ kept, connection, clock })
  const { build, version } = hello
  offerHandOver({ connection, build: { build, version }, program, log })
  reportFailures(core)
  const parts = await createShell({
    electron,
    serve: service => serveIpc(ipcMain, service),
    core,
    home,
    clock,
    loginAgent,
    platform: process.platform,
    files: {
      pages: join(root, 'dist', 'renderer'),
      preload: join(root, 'dist', 'preload', 'preload.cjs'),
      trayImages: join(root, 'build', 'tray'),
      readme: join(app.isPackaged ? process.resourcesPath : root, 'README.md'),
    },
    log,
  })
  answersReady(parts.answer)
  handOverSecretsOnce(core, parts.questions)
  connectQuit({
    electron,
    clock,
    core: createCoreEnd({ electron, core, kept, socketPath, hello, say: console.error, log }),
    closeWindows: parts.closeWindows,
    clearSecrets: parts.clearSecrets,
    log,
  })
  powerMonitor.on('resume', () => {
    clock.woke()
    connection.retry()
    // Its own timers stood still, and notice a sleep a while later.
    void connection.as('app').app.woke({})
  })
  onQuitSignal(() => app.quit())
  core.start()
}

/** With the first core that answers. */
function handOverSecretsOnce(core: AppCore, questions: Questions): void {
  const end = core.onLink(({ kind }) => {
    if (kind !== 'live') return
    end()
    handOverOlderSecrets({ connection: core, questions }).catch(error =>
      log('Secrets of an older Zotbar were not taken over', error),
    )
  })
}

/** To the terminal that the app was started in: why there is no core. */
function reportFailures(core: AppCore): void {
  let reported = ''
  core.onLink(link => {
    const text = link.kind === 'lost' && !link.isStarting ? failureText(link.error) : ''
    if (text !== '' && text !== reported) {
      console.error(text)
      log('There is no core', text)
    }
    reported = text
  })
}

function createAgent(): LoginAgent {
  if (process.platform !== 'darwin') return noLoginAgent
  const named = process.env['ZOTBAR_HOME']
  return createLoginAgent({
    label: 'app.zotbar.login',
    userHome: homedir(),
    uid: process.getuid?.() ?? 0,
    program: app.isPackaged ? [process.execPath] : [process.execPath, app.getAppPath()],
    environment: named ? { ZOTBAR_HOME: home } : {},
    ...(app.isPackaged ? { bundleId: 'app.zotbar.Zotbar' } : {}),
    run: runProgram(spawn),
  })
}

/** Where the login agent is on, launchd takes over an app that was opened by hand, so that it restarts it after a crash. */
async function handOverToLaunchd(agent: LoginAgent): Promise<boolean> {
  if (!app.isPackaged || byLaunchd || config !== undefined) return false
  app.releaseSingleInstanceLock()
  return (await agent.handOver()) || !app.requestSingleInstanceLock()
}
