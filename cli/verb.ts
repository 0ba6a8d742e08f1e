import { CommanderError } from 'commander'
import type { ControlClient } from '../client/control-client.ts'
import { type ExitCode, exitCode, type Output } from './output.ts'

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
