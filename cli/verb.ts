import { CommanderError } from 'commander'
import type { ControlClient } from '../client/control-client.ts'
import type { Failure } from '../contract/failure.ts'
import type { Output } from './output.ts'

/** What every verb that talks to the running app is given. */
export interface VerbContext {
  out: Output
  client: ControlClient
  home: string
  /** ms since the epoch. */
  now(): number
}

export type Verb<Options> = (context: VerbContext, options: Options) => Promise<ExitCode>

/** A command line that is wrong in a way that its table cannot say. */
export const usage = (message: string): CommanderError => new CommanderError(exitCode.usage, 'usage', message)

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
