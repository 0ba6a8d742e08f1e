import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import type { Output } from './output.ts'

export interface StartOptions {
  headless: boolean
  config?: string
  dashboardPort?: number
}

/** Runs the app in the foreground until it quits; returns its exit code. */
export async function start(out: Output, options: StartOptions): Promise<number> {
  const { headless, dashboardPort } = options
  const configFile = options.config === undefined ? undefined : resolve(options.config)
  const root = appRoot()
  // JSON lines and the dashboard are the headless shell's.
  const isHeadless = headless || out.json || dashboardPort !== undefined
  const shell = chooseShell({ headless: isHeadless, root, env: process.env })
  if (shell.kind === 'electron') {
    return runElectron(shell.binary, [root, ...(configFile === undefined ? [] : ['--config', configFile])])
  }
  if (shell.reason !== undefined) out.note(shell.reason)
  return await runCore({
    json: out.json,
    ...(configFile === undefined ? {} : { configFile }),
    ...(dashboardPort === undefined ? {} : { dashboardPort }),
  })
}

interface CoreOptions {
  json: boolean
  configFile?: string
  dashboardPort?: number
}

/** Runs the core in this process. It is found beside the command line and never bundled with it. */
async function runCore(options: CoreOptions): Promise<number> {
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'mjs'
  const { runHeadless } = await import(new URL(`../core/main.${extension}`, import.meta.url).href)
  return runHeadless(options)
}

/** The folder of package.json, from the sources as from the bundle. */
function appRoot(): string {
  let folder = import.meta.dirname
  while (!existsSync(join(folder, 'package.json')) && folder !== dirname(folder)) folder = dirname(folder)
  return folder
}

/** The app decides what a signal means; this process passes it on and reports how the app ended. */
function runElectron(binary: string, args: string[]): Promise<number> {
  const { ELECTRON_RUN_AS_NODE: _, ...env } = process.env
  let child: ChildProcess | undefined
  // Before it starts: a signal that comes meanwhile must not end this process alone.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => child?.kill(signal))
  const started = spawn(binary, args, { stdio: 'inherit', env })
  child = started
  return new Promise((done, failed) => {
    started.on('error', failed)
    started.on('exit', (code, signal) => done(signal ? 1 : (code ?? 1)))
  })
}

export type Shell =
  | { kind: 'electron'; binary: string }
  /** `reason` is one line for the user; absent when headless was asked for. */
  | { kind: 'headless'; reason?: string }

/**
 * Electron where its program is installed and there is a screen, else headless, with the reason. `root` is the folder
 * of package.json. Looks for the file and never loads the electron package, which would start a download.
 */
export function chooseShell(options: {
  headless: boolean
  root: string
  env: Readonly<Record<string, string | undefined>>
  platform?: NodeJS.Platform
  uid?: number | undefined
}): Shell {
  const { headless, root, env, platform = process.platform, uid = process.getuid?.() } = options
  if (headless) return { kind: 'headless' }
  const binary = electronBinary(root, env)
  if (binary === undefined)
    return { kind: 'headless', reason: 'Electron is not installed here, so Zotbar runs without a menu bar.' }
  if (platform !== 'darwin' && !env['DISPLAY'] && !env['WAYLAND_DISPLAY'])
    return { kind: 'headless', reason: 'There is no screen here, so Zotbar runs without a menu bar.' }
  // Its pages run in Chromium's sandbox, which root does not get; going without it is not offered.
  if (platform === 'linux' && uid === 0)
    return { kind: 'headless', reason: 'Electron keeps its sandbox for users other than root: no menu bar.' }
  return { kind: 'electron', binary }
}

function electronBinary(root: string, env: Readonly<Record<string, string | undefined>>): string | undefined {
  const package_ = join(root, 'node_modules', 'electron')
  const name = join(package_, 'path.txt')
  const inside = existsSync(name) ? readFileSync(name, 'utf8').trim() : 'electron'
  const folder = env['ELECTRON_OVERRIDE_DIST_PATH'] || (existsSync(name) ? join(package_, 'dist') : undefined)
  if (folder === undefined) return undefined
  const binary = join(folder, inside)
  return existsSync(binary) ? binary : undefined
}
