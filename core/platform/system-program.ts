import { execFile } from 'node:child_process'

/** Runs a program to its end and answers its output; undefined when it could not be run or printed nothing. */
export type RunForOutput = (program: string, args: string[]) => Promise<string | undefined>

const timeoutMs = 5000

export const runSystemProgram: RunForOutput = (program, args) =>
  new Promise(resolve => {
    // Fixed language and zone: the output is read by a program.
    const env = { PATH: '/usr/bin:/bin:/usr/sbin:/sbin', LC_ALL: 'C', TZ: 'UTC' }
    execFile(program, args, { env, timeout: timeoutMs, maxBuffer: 8 * 1024 * 1024 }, (error, stdout) => {
      // lsof ends with 1 when one of several things was not found: what it printed still counts.
      resolve(error !== null && stdout === '' ? undefined : stdout)
    })
  })
