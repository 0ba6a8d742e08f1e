import { spawn as nodeSpawn } from 'node:child_process'
import { accessSync, closeSync, constants, existsSync } from 'node:fs'
import { dirname, isAbsolute } from 'node:path'
import type { Exit, Failure } from '../../contract/failure.ts'

/** What can be run and how it behaves; core/engine says which there are. */
export interface SupervisedEngine {
  id: string
  command: string
  /** All arguments before the path of the config file. */
  args: string[]
  /** Beside the allow-listed environment. */
  environment?: Record<string, string>
  version?: string
  /** SIGTERM lets pushes under way finish, within 15 s. */
  drainsItself: boolean
  livenessPath: string
}

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

interface Parts {
  engine: SupervisedEngine
  configFile: string
  environment: Record<string, string>
  /** The log, open for appending; closed here. */
  output: number
  spawn: Spawn
}

export type LaunchResult =
  | { ok: true; pid: number; child: Child }
  | { ok: false; error?: Failure; reason: string }

/**
 * Starts the engine in a process group of its own, with its output on a file: it survives the end of the app,
 * where a pipe would break (SIGPIPE). It runs in the folder of its config file. Never throws.
 */
export function launch({ engine, configFile, environment, output, spawn }: Parts): LaunchResult {
  try {
    const missing = missingPart(engine)
    if (missing !== undefined)
      return { ok: false, error: { code: 'engine-missing', path: missing }, reason: `${missing} is missing` }
    const child = spawn(engine.command, [...engine.args, configFile], {
      cwd: dirname(configFile),
      env: { ...environment, ...engine.environment },
      detached: true,
      stdio: ['ignore', output, output],
    })
    // Without a listener a failed spawn would throw later, from nowhere.
    child.on('error', () => {})
    if (child.pid === undefined) return { ok: false, reason: 'the system refused to start it' }
    child.unref()
    return { ok: true, pid: child.pid, child }
  } catch (error) {
    return { ok: false, reason: error instanceof Error ? error.message : String(error) }
  } finally {
    closeSync(output)
  }
}

/** Told by name, and not by an exit code that a Node or a shell would make of it. */
function missingPart(engine: SupervisedEngine): string | undefined {
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
