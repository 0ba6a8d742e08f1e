import type { CliFailure } from './output.ts'

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
