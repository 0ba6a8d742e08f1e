import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { chooseShell } from './choose-shell.ts'
import type { Output } from './output.ts'

export interface StartOptions {
  headless: boolean
  config?: string
  dashboardPort?: number
}

/** Runs the app in the foreground until it is told to quit; gives its exit code. */
export async function start(out: Output, options: StartOptions): Promise<number> {
  const { headless, dashboardPort } = options
  const configFile = options.config === undefined ? undefined : resolve(options.config)
  const root = appRoot()
  // JSON lines and the dashboard are the headless shell's.
  const asked = headless || out.json || dashboardPort !== undefined
  const shell = chooseShell({ headless: asked, root, env: process.env })
  if (shell.kind === 'electron') {
    return runElectron(shell.binary, [root, ...(configFile === undefined ? [] : ['--config', configFile])])
  }
  if (shell.why !== undefined) out.note(shell.why)
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
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => child.kill(signal))
  const child = spawn(binary, args, { stdio: 'inherit', env })
  return new Promise((done, failed) => {
    child.on('error', failed)
    child.on('exit', (code, signal) => done(signal ? 1 : (code ?? 1)))
  })
}
