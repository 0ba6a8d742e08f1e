import type { ControlClient } from '../client/control-client.ts'
import type { ExitCode } from './exit-code.ts'
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
