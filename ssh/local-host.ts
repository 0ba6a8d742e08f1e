import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { createReadStream, createWriteStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { constants } from 'node:os'
import { delimiter, resolve } from 'node:path'
import { pipeline } from 'node:stream/promises'
import type { Failure } from '../contract/failure.ts'
import { fail, type Result } from '../contract/result.ts'
import { childEnvironment } from '../lib/child-environment.ts'
import { type Clock, systemClock } from '../lib/clock.ts'
import { reasonOf } from '../lib/error-code.ts'
import { attend } from './attend.ts'
import type { FetchOptions, Host, HostCommand, HostRan } from './host.ts'
import { limit } from './limit.ts'
import { createOutput } from './output.ts'
import { stageFile, tooLarge } from './stage-file.ts'

export interface LocalHostOptions {
  /** The home folder of the user. */
  home: string
  environment?: Readonly<Record<string, string | undefined>>
  /** Further variables that its commands get, by name: what one program needs to find its account. */
  also?(name: string): boolean
  clock?: Clock
  /** How long a command that is stopped may take to end by itself, in ms. */
  graceMs?: number
}

/** Programs of the user that an app started from the Dock does not have on its PATH. */
const usualFolders = ['.local/bin', '.local/share/mise/shims', '/opt/homebrew/bin', '/usr/local/bin']

/** This computer. Commands get the allow-list of the environment, the ssh-agent, and the usual folders on PATH. */
export function localHost(options: LocalHostOptions): Host {
  const { home, environment = process.env, also, clock = systemClock(), graceMs = 5000 } = options
  const path = (from: string): string => resolve(home, from.replace(/^~(?=\/|$)/, '.'))

  async function run(command: HostCommand): Promise<HostRan> {
    const { onOutput } = command
    const ends = limit(clock, command.limitMs, command.signal)
    const nothing = { stdout: '', stderr: '' }
    try {
      const started = ends.signal.aborted
        ? undefined
        : await start(command.line, path(command.folder ?? ''), environmentOf(environment, home, also))
      if (started === undefined) return { kind: ends.why() ?? 'cancelled', ...nothing }
      if ('code' in started) return { kind: 'not-started', error: started }
      const stdout = createOutput(onOutput && (lines => onOutput(lines, 'stdout')))
      const stderr = createOutput(onOutput && (lines => onOutput(lines, 'stderr')))
      started.child.stdout.on('data', chunk => stdout.take(chunk))
      started.child.stderr.on('data', chunk => stderr.take(chunk))
      // A command may end without reading its input.
      started.child.stdin.on('error', () => {})
      started.child.stdin.end(command.stdin ?? '')
      let code = 0
      const over = endOf(started.child).then(exit => {
        code = exit
      })
      const ended = await attend(
        {
          over,
          stop: () => stopGroup(started.child.pid ?? 0, clock, graceMs),
          leave: () => abandon(started.child),
        },
        ends,
        clock,
      )
      stdout.end()
      stderr.end()
      const output = { stdout: stdout.text(), stderr: stderr.text() }
      return ended === 'over' ? { kind: 'ended', code, ...output } : { kind: ended, ...output }
    } finally {
      ends.done()
    }
  }

  return {
    name: 'this computer',
    run,
    fetchFile: (from, to, fetching) => copyFile(path(from), to, fetching, clock),
    close: async () => {},
  }
}

function environmentOf(
  environment: Readonly<Record<string, string | undefined>>,
  home: string,
  also: (name: string) => boolean = () => false,
): Record<string, string> {
  const { PATH = '', SSH_AUTH_SOCK: agent } = environment
  const more = Object.entries(environment).filter(
    (entry): entry is [string, string] => entry[1] !== undefined && also(entry[0]),
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
async function start(
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
function endOf(child: ChildProcessWithoutNullStreams): Promise<number> {
  return new Promise(done => {
    let code = 0
    child.on('exit', (exit, signal) => {
      code = exit ?? 128 + (signal === null ? 0 : constants.signals[signal])
      // What it left running may hold its output for ever.
      const leave = setTimeout(() => abandon(child), 2000)
      child.on('close', () => clearTimeout(leave))
    })
    child.on('close', () => done(code))
  })
}

function abandon(child: ChildProcessWithoutNullStreams): void {
  child.stdout.destroy()
  child.stderr.destroy()
  child.unref()
}

/** TERM to a whole process group, KILL to what is left of it after `graceMs`. */
async function stopGroup(group: number, clock: Clock, graceMs: number): Promise<void> {
  const tell = (signal: NodeJS.Signals | 0): boolean => {
    try {
      return group > 1 && process.kill(-group, signal)
    } catch {
      return false
    }
  }
  const end = clock.now() + graceMs
  tell('SIGTERM')
  while (tell(0) && clock.now() < end)
    await new Promise<void>(done => void clock.setTimer(clock.now() + 20, done))
  tell('SIGKILL')
}

async function copyFile(
  from: string,
  to: string,
  options: FetchOptions,
  clock: Clock,
): Promise<Result<null>> {
  const unusable = (reason: string): Failure => ({ code: 'file-unusable', path: from, reason })
  const ends = limit(clock, options.limitMs, options.signal)
  try {
    const found = await stat(from)
    if (!found.isFile()) return fail(unusable('it is not a file'))
    const refused = tooLarge(found.size, options.maxBytes)
    if (refused !== undefined) return fail(unusable(refused))
    return await stageFile(to, async staged => {
      let done = 0
      const source = createReadStream(from, { end: Math.max(0, found.size - 1) })
      source.on('data', chunk => {
        done += chunk.length
        options.progress?.(done, found.size)
      })
      try {
        await pipeline(source, createWriteStream(staged), { signal: ends.signal })
      } catch (error) {
        const why = ends.why()
        if (why === 'cancelled') return { code: 'cancelled' }
        if (why === 'too-slow')
          return { code: 'host-too-slow', host: 'this computer', what: 'copy it', limitMs: options.limitMs }
        throw error
      }
      return done === found.size ? undefined : unusable('it changed while it was copied')
    })
  } catch (error) {
    return fail(unusable(reasonOf(error)))
  } finally {
    ends.done()
  }
}
