import { type Command, CommanderError } from 'commander'
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

/** Whether the answer is for programs, as every verb may be asked. */
export interface Json {
  json?: boolean
}

/** Adds a verb to a command or a group of them. */
export type AddVerb = (parent: Command, name: string, description: string) => Command
/** Runs a verb and ends with its exit code. */
export type Run = <Options>(verb: Verb<Options>, json: Json, options: Options) => Promise<void>

/** A command line that is wrong in a way that its table cannot say. */
export const usage = (message: string): CommanderError => new CommanderError(exitCode.usage, 'usage', message)
