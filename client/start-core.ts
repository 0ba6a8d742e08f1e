import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, fstatSync, mkdirSync, openSync, readSync, renameSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Failure } from '../contract/failure.ts'
import { fail, ok, type Result } from '../contract/result.ts'
import { reasonOf } from '../lib/error-code.ts'
import { foreignIn, isHome } from '../lib/home.ts'
import { isObject, parseJson } from '../lib/json.ts'
import type { Keeper } from '../lib/keeper-file.ts'
import type { CoreProgram } from './core-program.ts'

export interface StartedCore {
  pid: number
  /** Resolves when it has ended, with what it said of a start that failed. */
  ended: Promise<{ code: number | null; signal: NodeJS.Signals | null; error?: Failure }>
}

interface StartCoreOptions {
  program: CoreProgram
  home: string
  keeper: Keeper
  /** Absolute. */
  configFile?: string
  environment?: Readonly<Record<string, string | undefined>>
}

const logLimit = 1024 * 1024

/**
 * Starts a core that outlives this process: in a session of its own, its output appended to logs/core.log of its home.
 * Returns at once. Error: `home-unusable` where it could not be started at all.
 */
export async function startCore(options: StartCoreOptions): Promise<Result<StartedCore>> {
  const { program, home, keeper, configFile, environment = process.env } = options
  let output: Output
  try {
    output = openOutput(home)
  } catch (error) {
    return fail({ code: 'home-unusable', path: home, reason: reasonOf(error) })
  }
  const config = configFile === undefined ? [] : ['--config', configFile]
  const child = spawn(program.node, [...program.args, 'start', '--keeper', keeper, ...config], {
    // A folder that stays, whatever becomes of the one that the app was started in.
    cwd: '/',
    detached: true,
    stdio: ['ignore', output.file, output.file],
    env: { ...withoutNodeOptions(environment), ZOTBAR_HOME: home },
  })
  return await new Promise(resolve => {
    child.once('error', error => {
      output.close()
      resolve(fail({ code: 'home-unusable', path: program.node, reason: reasonOf(error) }))
    })
    child.once('spawn', () => {
      child.unref()
      resolve(ok({ pid: child.pid ?? 0, ended: endOf(child, output) }))
    })
  })
}

/** Node reads them before the core can drop them. */
function withoutNodeOptions(environment: Readonly<Record<string, string | undefined>>): NodeJS.ProcessEnv {
  return Object.fromEntries(
    Object.entries(environment).filter(
      ([name]) => !/^(NODE_|ELECTRON_|npm_)/.test(name) || name === 'NODE_EXTRA_CA_CERTS',
    ),
  )
}

function endOf(child: ChildProcess, output: Output): StartedCore['ended'] {
  return new Promise(resolve => {
    child.once('exit', (code, signal) => {
      const error = code === 0 ? undefined : output.lastFailure()
      output.close()
      resolve({ code, signal, ...(error === undefined ? {} : { error }) })
    })
  })
}

interface Output {
  file: number
  /** The failure that was printed since it was opened, as the core prints it for whoever started it. */
  lastFailure(): Failure | undefined
  close(): void
}

/** In a home that the core would refuse nothing is written: what it says then goes to a file that is gone at once. */
function openOutput(home: string): Output {
  const refused = statSync(home, { throwIfNoEntry: false }) && !isHome(home) && foreignIn(home).length > 0
  const folder = refused ? tmpdir() : join(home, 'logs')
  if (!refused) mkdirSync(folder, { recursive: true, mode: 0o700 })
  const path = join(folder, refused ? `zotbar-core-${process.pid}.log` : 'core.log')
  if (refused) rmSync(path, { force: true })
  else if ((statSync(path, { throwIfNoEntry: false })?.size ?? 0) > logLimit) renameSync(path, `${path}.1`)
  const file = openSync(path, refused ? 'ax+' : 'a+', 0o600)
  if (refused) rmSync(path, { force: true })
  const from = fstatSync(file).size
  let closed = false
  return {
    file,
    lastFailure: () => (closed ? undefined : failureIn(textFrom(file, from))),
    close() {
      if (!closed) closeSync(file)
      closed = true
    },
  }
}

/** At most the last 64 KB that were written since `from`. */
function textFrom(file: number, from: number): string {
  const { size } = fstatSync(file)
  const start = Math.max(from, size - 65_536)
  const bytes = Buffer.alloc(Math.max(0, size - start))
  return bytes.toString('utf8', 0, readSync(file, bytes, 0, bytes.length, start))
}

function failureIn(text: string): Failure | undefined {
  for (const line of text.trimEnd().split('\n').reverse()) {
    if (!line.startsWith('{"error":')) continue
    const read = parseJson(line)
    // Printed by our own core: its fields are taken as they are.
    if (isObject(read) && isFailure(read['error'])) return read['error']
  }
  return undefined
}

const isFailure = (value: unknown): value is Failure => isObject(value) && typeof value['code'] === 'string'
