import { spawn } from 'node:child_process'
import { closeSync, fstatSync, mkdtempSync, openSync, readSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { reasonOf } from '../../lib/error-code.ts'

export type ProgramResult =
  /** `signal`: what ended it, where it did not end by itself; `code` is 128 then. */
  | { kind: 'ended'; code: number; output: string; signal?: NodeJS.Signals }
  | { kind: 'too-slow' }
  | { kind: 'not-started'; reason: string }

export interface RunOptions {
  environment: Record<string, string>
  cwd?: string
  timeoutMs: number
}

/** Of its output only the first so many bytes are read; a program that wrote `tooMuch` is ended. */
const most = 256 * 1024
const tooMuch = 64 * 1024 * 1024
const lookEveryMs = 250

/**
 * Runs a program to its end, or kills it with all that it started when the time is over. Its output goes to a file
 * without a name: a program may open /dev/stdout by its path, which a socket or a pipe of ours does not allow. Never throws.
 */
export function runProgram(command: string, args: string[], options: RunOptions): Promise<ProgramResult> {
  const { environment, cwd: folder, timeoutMs: limitMs } = options
  return new Promise(resolve => {
    let output: number | undefined
    const end = (ran: ProgramResult): void => {
      clearTimeout(timer)
      clearInterval(looking)
      if (output !== undefined) closeSync(output)
      output = undefined
      resolve(ran)
    }
    let child: ReturnType<typeof spawn> | undefined
    const kill = (): void => {
      if (child?.pid === undefined) return
      try {
        process.kill(-child.pid, 'SIGKILL')
      } catch {
        // It has just ended.
      }
    }
    const timer = setTimeout(() => {
      kill()
      end({ kind: 'too-slow' })
    }, limitMs)
    const looking = setInterval(() => {
      if (output !== undefined && fstatSync(output).size > tooMuch) kill()
    }, lookEveryMs)
    try {
      output = openNamelessFile()
      child = spawn(command, args, {
        env: environment,
        ...(folder === undefined ? {} : { cwd: folder }),
        detached: true,
        stdio: ['ignore', output, output],
      })
    } catch (error) {
      return end({ kind: 'not-started', reason: reasonOf(error) })
    }
    child.on('error', error => end({ kind: 'not-started', reason: reasonOf(error) }))
    child.on('exit', (code, signal) => {
      const told = output === undefined ? '' : beginningOf(output)
      end({ kind: 'ended', code: code ?? 128, output: told, ...(signal === null ? {} : { signal }) })
    })
  })
}

/** Opened for appending, so that both outputs, and whoever opens them anew, add to its end. */
function openNamelessFile(): number {
  const folder = mkdtempSync(join(tmpdir(), 'zotbar-output-'))
  try {
    return openSync(join(folder, 'output'), 'ax+', 0o600)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function beginningOf(file: number): string {
  const bytes = Buffer.alloc(Math.min(most, fstatSync(file).size))
  return bytes.toString('utf8', 0, readSync(file, bytes, 0, bytes.length, 0))
}
