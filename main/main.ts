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
  Tray,
} from 'electron'
import { failureMessage } from '../contract/messages/failure-message.ts'
import { fail } from '../contract/result.ts'
import { boot } from '../core/app/boot.ts'
import type { ShellCapabilities } from '../core/app/wiring.ts'
import type { AppLog } from '../lib/app-log.ts'
import { foreignIn, isHome, resolveHome } from '../lib/home.ts'
import { onQuitSignal } from '../lib/quit-signals.ts'
import { argumentOf } from './arguments.ts'
import type { ElectronApi } from './electron-api.ts'
import { serveIpc } from './ipc.ts'
import { agentArgument, createLoginAgent, type LoginAgent, noLoginAgent } from './login-agent.ts'
import { guardApp } from './navigation-guard.ts'
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
  Tray,
}
const home = resolveHome()
const root = join(import.meta.dirname, '..', '..')
const config = argumentOf(process.argv, '--config')
const byLaunchd = process.argv.includes(agentArgument)

/** launchd starts the app again unless it ends with 0, so only a crash may end with another code. */
const failureCode = byLaunchd ? 0 : 1

let appLog: AppLog | undefined
// A crash must end the process, not hang in a dialog: the registry goes on, and the next start adopts it.
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
  app.exit(failureCode)
}

/** Chromium's own files, and the lock that makes this app the only one for its home. */
function putChromiumInHome(): void {
  const folder = join(home, 'electron')
  try {
    // The core refuses such a folder, so nothing is written into it.
    if (existsSync(home) && !isHome(home) && foreignIn(home).length > 0) return
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    app.setPath('userData', folder)
  } catch {
    // The core reports a home that cannot be used.
  }
}

async function run(): Promise<void> {
  const loginAgent = createAgent()
  if (await handOverToLaunchd(loginAgent)) return app.exit(0)

  let shell: ShellCapabilities | undefined
  const booted = await boot({
    keeper: 'app',
    ...(config === undefined ? {} : { configFile: resolve(config) }),
    capabilities: {
      open: async target => (shell?.open ? shell.open(target) : fail({ code: 'busy', with: 'starting' })),
      signIn: async request => shell?.signIn?.(request) ?? fail({ code: 'busy', with: 'starting' }),
      quit: () => app.quit(),
    },
  })
  if (!booted.ok) {
    const { title, steps } = failureMessage(booted.error)
    console.error([title, ...steps].join('\n  '))
    if (!byLaunchd) dialog.showErrorBox(title, steps.join('\n'))
    return app.exit(failureCode)
  }

  const { app: core, clock, log, quit, settings } = booted.value
  appLog = log
  shell = await createShell({
    electron,
    serve: service => serveIpc(ipcMain, service),
    core: {
      host: core.host,
      quit,
      woke: clock.woke,
      settings: {
        notifications: () => settings.get('notifications'),
        startAtLogin: () => settings.get('startAtLogin'),
        onChange: settings.onChange,
      },
    },
    clock,
    loginAgent,
    platform: process.platform,
    files: {
      pages: join(root, 'dist', 'renderer'),
      preload: join(root, 'dist', 'preload', 'preload.cjs'),
      trayImages: join(root, 'build', 'tray'),
      readme: join(app.isPackaged ? process.resourcesPath : root, 'README.md'),
    },
    log: (message, error) => log.warn(message, error === undefined ? {} : { error: String(error) }),
  })
  onQuitSignal(() => app.quit())
  await core.begin()
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
