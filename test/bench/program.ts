import { spawn } from 'node:child_process'
import { performance } from 'node:perf_hooks'

/** A program run to its end. */
export interface Ran {
  code: number | null
  stdout: string
  stderr: string
  seconds: number
}

/** Runs a program and waits for it. Throws only when it cannot be started. */
export function run(
  command: string,
  args: string[],
  options: { cwd?: string; env?: Record<string, string>; input?: string } = {},
): Promise<Ran> {
  return new Promise((resolve, reject) => {
    const started = performance.now()
    const child = spawn(command, args, {
      stdio: ['pipe', 'pipe', 'pipe'],
      env: { PATH: process.env['PATH'] ?? '', LANG: 'C.UTF-8', ...options.env },
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    })
    const output = { stdout: '', stderr: '' }
    child.stdout.setEncoding('utf8').on('data', text => {
      output.stdout += text
    })
    child.stderr.setEncoding('utf8').on('data', text => {
      output.stderr += text
    })
    // One that does not read it may be gone before it is written.
    child.stdin.on('error', () => {})
    child.stdin.end(options.input ?? '')
    child.on('error', reject)
    child.on('close', code => resolve({ code, ...output, seconds: (performance.now() - started) / 1000 }))
  })
}

/** The same, where anything but exit code 0 is a failure of the measurement. */
export async function runWell(
  command: string,
  args: string[],
  options: Parameters<typeof run>[2] = {},
): Promise<Ran> {
  const ran = await run(command, args, options)
  if (ran.code !== 0)
    throw new Error(
      `${command} ${args.join(' ')} ended with ${ran.code}\n${ran.stderr}${ran.stdout}`.slice(0, 2000),
    )
  return ran
}
