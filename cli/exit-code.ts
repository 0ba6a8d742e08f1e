import type { Failure } from '../contract/failure.ts'

/** What fails on this side of the socket. `near` is a verb or flag that was probably meant, `help` what tells more. */
export type CliFailure =
  | Failure
  | { code: 'usage'; message: string; near?: string; help?: string }
  | { code: 'no-browser'; reason: string; url: string }

/** The exit codes other tools rely on. */
export const exitCode = {
  done: 0,
  failed: 1,
  usage: 2,
  appNotRunning: 3,
  /** `status` only. */
  notServing: 4,
} as const

export type ExitCode = (typeof exitCode)[keyof typeof exitCode]

export function exitCodeOf(error: CliFailure): ExitCode {
  if (error.code === 'usage') return exitCode.usage
  return error.code === 'app-not-running' ? exitCode.appNotRunning : exitCode.failed
}
