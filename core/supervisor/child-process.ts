import { spawn as nodeSpawn } from 'node:child_process'
import { accessSync, closeSync, constants, existsSync } from 'node:fs'
import { dirname, isAbsolute } from 'node:path'
import type { Exit, Failure } from '../../contract/failure.ts'
import { reasonOf } from '../../lib/error-code.ts'
import type { Engine } from '../platform/engine.ts'

/** The part of a ChildProcess that is used. */
export interface Child {
  readonly pid?: number | undefined
  kill(signal: NodeJS.Signals): boolean
  unref(): void
  on(event: 'exit', listener: (code: number | null, signal: NodeJS.Signals | null) => void): unknown
  on(event: 'error', listener: (error: Error) => void): unknown
}

interface SpawnOptions {
  cwd: string
  env: Record<string, string>
  detached: true
  stdio: ['ignore', number, number]
}

export type Spawn = (command: string, args: string[], options: SpawnOptions) => Child

export const spawnProcess: Spawn = (command, args, options) => nodeSpawn(command, args, options)

interface LaunchOptions {
  engine: Engine
  configFile: string
  environment: Record<string, string>
  /** Opens the log for appending. */
  openOutput(): number
  spawn: Spawn
}

export type LaunchResult =
  | { ok: true; pid: number; child: Child }
  | { ok: false; error?: Failure; reason: string }

/**
 * Starts the engine in a process group of its own, with its output on a file, so that it survives the end of the core: a
 * pipe would break (SIGPIPE). Its working folder is that of its config file. Never throws.
 */
export function launch(options: LaunchOptions): LaunchResult {
  let output: number
  try {
    output = options.openOutput()
  } catch (error) {
    return { ok: false, reason: `the log cannot be opened: ${reasonOf(error)}` }
  }
  try {
    return spawnEngine(options, output)
  } catch (error) {
    return { ok: false, reason: error instanceof Error ? error.message : String(error) }
  } finally {
    closeSync(output)
  }
}

function spawnEngine(
  { engine, configFile, environment, spawn }: LaunchOptions,
  output: number,
): LaunchResult {
  const missing = missingFile(engine)
  if (missing !== undefined)
    return { ok: false, error: { code: 'engine-missing', path: missing }, reason: `${missing} is missing` }
  const child = spawn(engine.command, [...engine.args, configFile], {
    cwd: dirname(configFile),
    env: { ...environment, ...engine.environment },
    detached: true,
    stdio: ['ignore', output, output],
  })
  // Without a listener a failed spawn would throw later, outside of any caller.
  child.on('error', () => {})
  if (child.pid === undefined) return { ok: false, reason: 'the system refused to start it' }
  child.unref()
  return { ok: true, pid: child.pid, child }
}

/** Reported by its path, because the exit code that Node or a shell would give names nothing. */
function missingFile(engine: Engine): string | undefined {
  const [bundle] = engine.args
  if (bundle !== undefined && isAbsolute(bundle) && !existsSync(bundle)) return bundle
  try {
    accessSync(engine.command, constants.X_OK)
    return undefined
  } catch {
    return engine.command
  }
}

export const exitOf = (code: number | null, signal: string | null): Exit =>
  signal === null ? { kind: 'code', code: code ?? 0 } : { kind: 'signal', signal }

/** Sends a signal; true when it was delivered. A process or group that is gone is no error. */
export type Kill = (pid: number, signal: NodeJS.Signals) => boolean

export const killProcess: Kill = (pid, signal) => {
  try {
    process.kill(pid, signal)
    return true
  } catch {
    return false
  }
}

/**
 * Signals our own child. SIGTERM goes to it alone, so that it decides how to end; SIGKILL goes to its whole group, so that
 * nothing it started remains. The caller knows that it has not exited: its pid cannot belong to another process.
 */
export function signalChild(child: Child, signal: 'SIGTERM' | 'SIGKILL', kill: Kill): void {
  if (signal === 'SIGKILL' && child.pid !== undefined && kill(-child.pid, 'SIGKILL')) return
  child.kill(signal)
}

/** Signals an adopted process. The caller has just checked that it still is the one that was adopted. */
export function signalAdopted(pid: number, signal: 'SIGTERM' | 'SIGKILL', kill: Kill): boolean {
  // It was started as the leader of its own group; where it was not, no group has that number.
  if (signal === 'SIGKILL' && kill(-pid, 'SIGKILL')) return true
  return kill(pid, signal)
}
