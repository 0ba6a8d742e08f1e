import { spawn } from 'node:child_process'
import { reasonOf } from '../platform/error-code.ts'

export type Ran =
  | { kind: 'ended'; code: number; output: string }
  | { kind: 'too-slow' }
  | { kind: 'not-started'; reason: string }

export interface RunWith {
  environment: Record<string, string>
  folder?: string
  limitMs: number
}

/** More output than this is not kept, in bytes. */
const most = 256 * 1024

/** Runs a program to its end, or kills it with all that it started when the time is over. Never throws. */
export function runProgram(command: string, args: string[], options: RunWith): Promise<Ran> {
  const { environment, folder, limitMs } = options
  return new Promise(resolve => {
    let output = ''
    let child: ReturnType<typeof spawn>
    try {
      child = spawn(command, args, {
        env: environment,
        ...(folder === undefined ? {} : { cwd: folder }),
        detached: true,
        stdio: ['ignore', 'pipe', 'pipe'],
      })
    } catch (error) {
      return resolve({ kind: 'not-started', reason: reasonOf(error) })
    }
    const timer = setTimeout(() => {
      resolve({ kind: 'too-slow' })
      if (child.pid === undefined) return
      try {
        process.kill(-child.pid, 'SIGKILL')
      } catch {
        // It has just ended.
      }
      child.stdout?.destroy()
      child.stderr?.destroy()
    }, limitMs)
    for (const stream of [child.stdout, child.stderr])
      stream?.setEncoding('utf8').on('data', (text: string) => {
        if (output.length < most) output += text
      })
    child.on('error', error => {
      clearTimeout(timer)
      resolve({ kind: 'not-started', reason: reasonOf(error) })
    })
    child.on('close', (code, signal) => {
      clearTimeout(timer)
      resolve({ kind: 'ended', code: code ?? (signal === null ? 0 : 128), output })
    })
  })
}
