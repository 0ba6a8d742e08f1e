import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, existsSync, openSync } from 'node:fs'
import { mkdir, mkdtemp, readdir, readFile, realpath, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'

/** A temporary folder and the processes that were started in it; both are gone after `dispose`. */
export interface Workspace {
  folder: string
  /** A new empty folder. */
  sub(name: string): Promise<string>
  /** Starts a program in a process group of its own; its output goes to `log`, unless `stdout` is a pipe. */
  start(command: string, args: string[], options: StartOptions): ChildProcess
  /** Signals, waits, kills; resolves when the process is gone. */
  end(child: ChildProcess, signal?: NodeJS.Signals, patienceMs?: number): Promise<void>
  dispose(): Promise<void>
}

interface StartOptions {
  cwd: string
  log: string
  stdout?: 'log' | 'pipe'
  env?: Record<string, string>
}

export async function createWorkspace(): Promise<Workspace> {
  const folder = await realpath(await mkdtemp(join(tmpdir(), 'zotbar-bench-')))
  const children = new Set<ChildProcess>()
  let count = 0

  async function end(child: ChildProcess, signal: NodeJS.Signals = 'SIGTERM', patienceMs = 10_000) {
    if (child.exitCode === null && child.signalCode === null) {
      const gone = once(child, 'exit')
      child.kill(signal)
      const late = new AbortController()
      const kill = pause(patienceMs, undefined, { signal: late.signal }).then(
        () => killGroup(child),
        () => undefined,
      )
      await gone
      late.abort()
      await kill
    }
    children.delete(child)
  }

  return {
    folder,
    async sub(name) {
      const path = join(folder, `${name}-${++count}`)
      await mkdir(path, { mode: 0o700 })
      return path
    },
    start(command, args, { cwd, log, stdout = 'log', env = {} }) {
      const file = openSync(log, 'a', 0o600)
      // Nothing of the user's environment but what finds programs: no proxy, no NODE_OPTIONS, no HOME.
      const child = spawn(command, args, {
        cwd,
        detached: true,
        stdio: ['ignore', stdout === 'pipe' ? 'pipe' : file, file],
        env: { PATH: process.env['PATH'] ?? '', LANG: 'C.UTF-8', HOME: cwd, ...env },
      })
      closeSync(file)
      children.add(child)
      child.on('exit', () => children.delete(child))
      child.on('error', () => children.delete(child))
      return child
    },
    end,
    async dispose() {
      await Promise.all([...children].map(child => end(child, 'SIGTERM', 5_000)))
      for (const pid of await living(folder)) kill(pid)
      await rm(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 })
    },
  }
}

function killGroup(child: ChildProcess): void {
  if (child.pid !== undefined) kill(-child.pid)
}

/** A process that has ended in the meantime is no failure. */
function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error
  }
}

/**
 * Processes whose command line names our folder: a registry lives on when the app that started it is killed.
 * The folder's random name makes them ours. Linux only; elsewhere none are found.
 */
async function living(folder: string): Promise<number[]> {
  const entries = await readdir('/proc').catch(() => [])
  const found: number[] = []
  for (const entry of entries) {
    const pid = Number(entry)
    if (!Number.isInteger(pid) || pid === process.pid) continue
    const commandLine = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')
    if (commandLine.includes(folder)) found.push(pid)
  }
  return found
}

/** A program's path, from PATH, or undefined. */
export function onPath(program: string): string | undefined {
  return (process.env['PATH'] ?? '')
    .split(delimiter)
    .filter(folder => folder !== '')
    .map(folder => join(folder, program))
    .find(existsSync)
}
