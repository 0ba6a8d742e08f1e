import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { stat } from 'node:fs/promises'
import { constants } from 'node:os'
import { delimiter, resolve } from 'node:path'
import type { Failure } from '../contract/failure.ts'
import { childEnvironment } from '../lib/child-environment.ts'
import { type Clock, systemClock } from '../lib/clock.ts'
import { reasonOf } from '../lib/error-code.ts'
import { copyLocalFile } from './fetch-file.ts'
import type { CommandResult, Host, HostCommand } from './host.ts'
import { createOutputBuffer, startDeadline, waitOrStop } from './run-command.ts'

export interface LocalHostOptions {
  /** The home folder of the user. */
  home: string
  environment?: Readonly<Record<string, string | undefined>>
  /** Further variables that its commands get, by name: what one program needs to find its account. */
  allowsVariable?(name: string): boolean
  clock?: Clock
  /** How long a command that is stopped may take to end by itself, in ms. */
  graceMs?: number
}

/** Programs of the user that an app started from the Dock does not have on its PATH. */
const usualFolders = ['.local/bin', '.local/share/mise/shims', '/opt/homebrew/bin', '/usr/local/bin']

/** This computer. Commands get the allow-list of the environment, the ssh-agent, and the usual folders on PATH. */
export function localHost(options: LocalHostOptions): Host {
  const { home, environment = process.env, allowsVariable, clock = systemClock(), graceMs = 5000 } = options
  const path = (from: string): string => resolve(home, from.replace(/^~(?=\/|$)/, '.'))

  async function run(command: HostCommand): Promise<CommandResult> {
    const { onOutput } = command
    const deadline = startDeadline(clock, command.limitMs, command.signal)
    const noOutput = { stdout: '', stderr: '' }
    try {
      const started = deadline.signal.aborted
        ? undefined
        : await startShell(
            command.line,
            path(command.folder ?? ''),
            commandEnvironment(environment, home, allowsVariable),
          )
      if (started === undefined) return { kind: deadline.endedBy() ?? 'cancelled', ...noOutput }
      if ('code' in started) return { kind: 'not-started', error: started }
      const stdout = createOutputBuffer(onOutput && (lines => onOutput(lines, 'stdout')))
      const stderr = createOutputBuffer(onOutput && (lines => onOutput(lines, 'stderr')))
      started.child.stdout.on('data', chunk => stdout.append(chunk))
      started.child.stderr.on('data', chunk => stderr.append(chunk))
      // A command may end without reading its input.
      started.child.stdin.on('error', () => {})
      started.child.stdin.end(command.stdin ?? '')
      let code = 0
      const finished = exitCodeOf(started.child).then(exit => {
        code = exit
      })
      const ended = await waitOrStop(
        {
          ended: finished,
          stop: () => stopGroup(started.child.pid ?? 0, clock, graceMs),
          detach: () => releaseOutput(started.child),
        },
        deadline,
        clock,
      )
      stdout.end()
      stderr.end()
      const output = { stdout: stdout.text(), stderr: stderr.text() }
      return ended === 'over' ? { kind: 'ended', code, ...output } : { kind: ended, ...output }
    } finally {
      deadline.clear()
    }
  }

  return {
    name: 'this computer',
    run,
    fetchFile: (from, to, options) => copyLocalFile(path(from), to, options, clock),
    close: async () => {},
  }
}

function commandEnvironment(
  environment: Readonly<Record<string, string | undefined>>,
  home: string,
  allowsVariable: (name: string) => boolean = () => false,
): Record<string, string> {
  const { PATH = '', SSH_AUTH_SOCK: agent } = environment
  const more = Object.entries(environment).filter(
    (entry): entry is [string, string] => entry[1] !== undefined && allowsVariable(entry[0]),
  )
  const folders = [
    ...PATH.split(delimiter).filter(Boolean),
    ...usualFolders.map(folder => resolve(home, folder)),
  ]
  return {
    ...childEnvironment(environment),
    ...Object.fromEntries(more),
    PATH: [...new Set(folders)].join(delimiter),
    ...(agent === undefined ? {} : { SSH_AUTH_SOCK: agent }),
  }
}

/** Starts a shell in a process group of its own; a failure where it cannot. */
async function startShell(
  line: string,
  folder: string,
  env: Record<string, string>,
): Promise<{ child: ChildProcessWithoutNullStreams } | Failure> {
  if (line.includes('\0'))
    return { code: 'bad-input', field: 'command', wrong: 'a zero byte', allowed: 'a line of text' }
  try {
    if (!(await stat(folder)).isDirectory())
      return { code: 'file-unusable', path: folder, reason: 'it is not a folder' }
  } catch (error) {
    return { code: 'file-unusable', path: folder, reason: reasonOf(error) }
  }
  const shell = '/bin/sh'
  return new Promise(done => {
    const failed = (error: unknown): void =>
      done({ code: 'file-unusable', path: shell, reason: reasonOf(error) })
    try {
      const child = spawn(shell, ['-c', line], { cwd: folder, env, detached: true, stdio: 'pipe' })
      child.once('spawn', () => done({ child }))
      child.once('error', failed)
    } catch (error) {
      failed(error)
    }
  })
}

/** Resolves to the exit code once the output is read too. */
function exitCodeOf(child: ChildProcessWithoutNullStreams): Promise<number> {
  return new Promise(done => {
    let code = 0
    child.on('exit', (exit, signal) => {
      code = exit ?? 128 + (signal === null ? 0 : constants.signals[signal])
      // What it left running may hold its output for ever.
      const leave = setTimeout(() => releaseOutput(child), 2000)
      child.on('close', () => clearTimeout(leave))
    })
    child.on('close', () => done(code))
  })
}

function releaseOutput(child: ChildProcessWithoutNullStreams): void {
  child.stdout.destroy()
  child.stderr.destroy()
  child.unref()
}

/** TERM to a whole process group, KILL to what is left of it after `graceMs`. */
async function stopGroup(group: number, clock: Clock, graceMs: number): Promise<void> {
  const send = (signal: NodeJS.Signals | 0): boolean => {
    try {
      return group > 1 && process.kill(-group, signal)
    } catch {
      return false
    }
  }
  const end = clock.now() + graceMs
  send('SIGTERM')
  while (send(0) && clock.now() < end)
    await new Promise<void>(done => void clock.setTimer(clock.now() + 20, done))
  send('SIGKILL')
}
