import { spawn } from 'node:child_process'
import { closeSync, fstatSync, mkdtempSync, openSync, readSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { reasonOf } from '../../lib/error-code.ts'

export type ProgramResult =
  /** `signal` is set when a signal ended it; `code` is 128 then. */
  | { kind: 'ended'; code: number; output: string; signal?: NodeJS.Signals }
  | { kind: 'too-slow' }
  | { kind: 'not-started'; reason: string }

export interface RunOptions {
  environment: Record<string, string>
  cwd?: string
  timeoutMs: number
}

/** Only the beginning of its output is read; a program that wrote far more is killed. */
const readBytes = 256 * 1024
const maxWrittenBytes = 64 * 1024 * 1024
const sizeCheckIntervalMs = 250

/**
 * Runs a program to its end, or kills it with all that it started when the time is over. Its output goes to a file
 * without a name, because a program may open /dev/stdout by its path, which fails for a socket or a pipe. Never throws.
 */
export function runProgram(command: string, args: string[], options: RunOptions): Promise<ProgramResult> {
  const { environment, cwd, timeoutMs } = options
  return new Promise(resolve => {
    let output: number | undefined
    const end = (result: ProgramResult): void => {
      clearTimeout(timer)
      clearInterval(sizeCheck)
      if (output !== undefined) closeSync(output)
      output = undefined
      resolve(result)
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
    }, timeoutMs)
    const sizeCheck = setInterval(() => {
      if (output !== undefined && fstatSync(output).size > maxWrittenBytes) kill()
    }, sizeCheckIntervalMs)
    try {
      output = openNamelessFile()
      child = spawn(command, args, {
        env: environment,
        ...(cwd === undefined ? {} : { cwd }),
        detached: true,
        stdio: ['ignore', output, output],
      })
    } catch (error) {
      return end({ kind: 'not-started', reason: reasonOf(error) })
    }
    child.on('error', error => end({ kind: 'not-started', reason: reasonOf(error) }))
    child.on('exit', (code, signal) => {
      const text = output === undefined ? '' : beginningOf(output)
      end({ kind: 'ended', code: code ?? 128, output: text, ...(signal === null ? {} : { signal }) })
    })
  })
}

/** Opened for appending, so that both outputs, and every program that opens them anew, write to its end. */
function openNamelessFile(): number {
  const folder = mkdtempSync(join(tmpdir(), 'zotbar-output-'))
  try {
    return openSync(join(folder, 'output'), 'ax+', 0o600)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function beginningOf(file: number): string {
  const bytes = Buffer.alloc(Math.min(readBytes, fstatSync(file).size))
  return bytes.toString('utf8', 0, readSync(file, bytes, 0, bytes.length, 0))
}
