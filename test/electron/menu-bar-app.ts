import { spawn } from 'node:child_process'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { _electron, type ElectronApplication, expect, type Page } from '@playwright/test'
import { chooseShell, electronBinary } from '../../build/shell-choice.mjs'
import type { ZotbarBridge } from '../../contract/contract.ts'
import { freePort } from '../setup/free-port.ts'

const root = join(import.meta.dirname, '..', '..')
const binary = electronBinary(root, process.env)

/** Why the real Electron cannot run here; undefined where it can. */
export function whyNot(): string | undefined {
  if (binary === undefined) return "Electron's binary is not installed here"
  const choice = chooseShell({
    args: [],
    platform: process.platform,
    env: process.env,
    ...(process.getuid ? { uid: process.getuid() } : {}),
    binary,
    now: Date.now(),
  })
  return choice.shell === 'headless' ? choice.why : undefined
}

/** What the specs put into the app's own process: the icon, and what was last set on it. */
interface Seen {
  tray?: { emit(event: string, details: object): void }
  tooltip?: string
  menu?: string[]
}
declare global {
  var zotbarSeen: Seen | undefined
  interface Window {
    zotbar?: ZotbarBridge
  }
}

export interface MenuBarApp {
  electron: ElectronApplication
  /** Of everything below: the home is `home` in it. */
  folder: string
  port: number
  configFile: string
  /** Opens the window as a second start does, and gives its page. */
  window(): Promise<Page>
  clickTray(): Promise<void>
  tooltip(): Promise<string | undefined>
  /** Labels of the menu as it is now. */
  menu(): Promise<string[]>
  /** Starts a second copy for the same home; gives its exit code. */
  startAgain(): Promise<number | null>
  close(): Promise<void>
}

/** What an app begins with: more of config.json, and its settings. */
export type Prepare = (place: { folder: string; data: string }) => { config?: object; settings?: object }

/** Starts the built app with an empty home and a registry on a free port. */
export async function startApp(port?: number, prepare: Prepare = () => ({})): Promise<MenuBarApp> {
  if (binary === undefined) throw new Error('no Electron')
  const folder = await mkdtemp(join(tmpdir(), 'zotbar-electron-'))
  const chosen = port ?? (await freePort())
  const configFile = join(folder, 'config.json')
  const home = join(folder, 'home')
  const data = join(folder, 'data')
  const { config = {}, settings = {} } = prepare({ folder, data })
  const http = { address: '127.0.0.1', port: String(chosen), ...Object(config).http }
  await writeFile(configFile, JSON.stringify({ storage: { rootDirectory: data }, ...config, http }))
  await mkdir(home, { mode: 0o700 })
  await writeFile(join(home, 'settings.json'), JSON.stringify(settings), { mode: 0o600 })
  const env: Record<string, string> = { ZOTBAR_HOME: home }
  for (const [key, value] of Object.entries(process.env))
    if (value !== undefined && key !== 'ELECTRON_RUN_AS_NODE' && !(key in env)) env[key] = value
  const args = [root, '--config', configFile]
  const electron = await _electron.launch({ executablePath: binary, args, env })
  await electron.evaluate(({ Tray, Menu }) => {
    const seen: NonNullable<typeof globalThis.zotbarSeen> = {}
    globalThis.zotbarSeen = seen
    const { setToolTip } = Tray.prototype
    Tray.prototype.setToolTip = function (this: Electron.Tray, text: string) {
      Object.assign(seen, { tray: this, tooltip: text })
      setToolTip.call(this, text)
    }
    const build = Menu.buildFromTemplate
    Menu.buildFromTemplate = template => {
      seen.menu = template.map(row => row.label ?? '-')
      return build.call(Menu, template)
    }
  })

  const startAgain = () =>
    new Promise<number | null>(done => {
      spawn(binary, args, { env, stdio: 'ignore' }).on('exit', done)
    })
  return {
    electron,
    folder,
    port: chosen,
    configFile,
    startAgain,
    async window() {
      const known = electron.windows().find(page => page.url().endsWith('/window.html'))
      if (known) return known
      const opened = electron.waitForEvent('window')
      await startAgain()
      const page = await opened
      await page.waitForLoadState()
      return page
    },
    async clickTray() {
      await electron.evaluate(() => {
        globalThis.zotbarSeen?.tray?.emit('click', { altKey: false, ctrlKey: false })
      })
    },
    tooltip: () => electron.evaluate(() => globalThis.zotbarSeen?.tooltip),
    menu: () =>
      electron.evaluate(() => {
        globalThis.zotbarSeen?.tray?.emit('right-click', {})
        return globalThis.zotbarSeen?.menu ?? []
      }),
    async close() {
      await electron.close()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

/** Runs one command of the bridge inside a page, as the page itself would. */
export async function ask(page: Page, area: 'registry', verb: 'start' | 'stop' | 'restart'): Promise<void> {
  const result = await page.evaluate(
    async ([a, v]) => (await window.zotbar?.[a][v]({ now: false }))?.ok ?? false,
    [area, verb] as const,
  )
  expect(result).toBe(true)
}
