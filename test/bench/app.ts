import { existsSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { performance } from 'node:perf_hooks'
import { createInterface } from 'node:readline'
import { freePort } from '../setup/free-port.ts'
import { untilAnswer } from './answer.ts'
import type { AppFiles } from './figure.ts'
import { registryConfig, type Settings } from './side.ts'
import type { Workspace } from './workspace.ts'

const root = join(import.meta.dirname, '..', '..')

/** The app as bundled, or undefined where it is not. */
export function appFiles(): AppFiles | undefined {
  const files = { cli: join(root, 'dist/cli/main.mjs'), launcher: join(root, 'build/bin/zotbar.mjs') }
  return existsSync(files.cli) && existsSync(files.launcher) ? files : undefined
}

/** `zotbar start --headless --json`, running. */
export interface App {
  /** Where its registry answers. */
  url: string
  pid: number
  /** The registry's pid, as the last state line says. */
  registryPid(): number
  /** From spawn to the registry's first 200 on /v2/, s. */
  answerSeconds: number
  /** From spawn to the first state line that says `serving`, s. */
  servingSeconds: number
  /** Runs a verb of the command line against it. */
  environment: Record<string, string>
  /** Resolves at the next state line for which `wanted` holds; at once when the last one does. */
  untilLine(wanted: (line: StateLine) => boolean, deadlineMs?: number): Promise<StateLine>
  quit(): Promise<void>
}

/** The part of a state line that the figures use. */
export interface StateLine {
  state: string
  pid: number | undefined
  bytes: number | undefined
}

/** What differs from the usual: where the store is, and keys of its config.json. */
export interface AppStore {
  data?: string
  settings?: Settings
}

/** Starts the app in a home of its own, with its data in `folder`/data, and waits until it serves. */
export async function startApp(
  work: Workspace,
  files: AppFiles,
  folder: string,
  nodeOptions: string[] = [],
  extra: Record<string, string> = {},
  { data = join(folder, 'data'), settings = {} }: AppStore = {},
): Promise<App> {
  const port = await freePort()
  const url = `http://127.0.0.1:${port}`
  const config = join(folder, 'config.json')
  await writeFile(config, registryConfig(data, port, undefined, settings))
  const environment = { HOME: folder, ZOTBAR_HOME: join(folder, 'home') }
  const log = join(folder, 'app.log')

  const started = performance.now()
  const child = work.start(
    process.execPath,
    [...nodeOptions, files.cli, 'start', '--headless', '--json', '--config', config, '--dashboard-port', '0'],
    { cwd: folder, log, stdout: 'pipe', env: { ...environment, ...extra } },
  )
  let last: StateLine | undefined
  let ended: string | undefined
  const waiting = new Set<() => void>()
  const wake = (): void => {
    for (const tell of waiting) tell()
  }
  child.on('exit', (code, signal) => {
    ended = `the app ended (${signal ?? code})`
    wake()
  })
  if (child.stdout)
    createInterface(child.stdout).on('line', line => {
      last = stateLine(line) ?? last
      wake()
    })

  function untilLine(wanted: (line: StateLine) => boolean, deadlineMs = 30_000): Promise<StateLine> {
    return new Promise((resolve, reject) => {
      const settle = (act: () => void): void => {
        clearTimeout(timer)
        waiting.delete(look)
        act()
      }
      const look = (): void => {
        const line = last
        if (line && wanted(line)) settle(() => resolve(line))
        else if (ended !== undefined) settle(() => reject(new Error(ended)))
      }
      const late = `after ${deadlineMs / 1000} s the app still says ${last?.state ?? 'nothing'}`
      const timer = setTimeout(() => settle(() => reject(new Error(late))), deadlineMs)
      waiting.add(look)
      look()
    })
  }

  try {
    const [answered, serving] = await Promise.all([
      untilAnswer(`${url}/v2/`, { lost: () => ended }),
      untilLine(line => line.state === 'serving').then(() => performance.now()),
    ])
    return {
      url,
      pid: child.pid ?? 0,
      registryPid: () => last?.pid ?? 0,
      answerSeconds: (answered - started) / 1000,
      servingSeconds: (serving - started) / 1000,
      environment,
      untilLine,
      quit: () => work.end(child, 'SIGTERM', 40_000),
    }
  } catch (error) {
    await work.end(child)
    const words = error instanceof Error ? error.message : String(error)
    throw new Error(`zotbar start: ${words}\n${JSON.stringify(last)}\n${await readFile(log, 'utf8')}`)
  }
}

/** One line of `zotbar start --headless --json`, or undefined when it is none. */
export function stateLine(text: string): StateLine | undefined {
  if (!text.startsWith('{')) return undefined
  const line: unknown = JSON.parse(text)
  const at = (value: unknown, key: string): unknown =>
    typeof value === 'object' && value !== null ? Reflect.get(value, key) : undefined
  const state = at(line, 'state')
  if (typeof state !== 'string') return undefined
  const pid = at(at(line, 'registry'), 'pid')
  const bytes = at(at(line, 'storage'), 'bytes')
  return {
    state,
    pid: typeof pid === 'number' ? pid : undefined,
    bytes: typeof bytes === 'number' ? bytes : undefined,
  }
}
