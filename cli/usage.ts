import { CommanderError } from 'commander'
import { exitCode } from './exit-code.ts'

/** A command line that is wrong in a way that its table cannot say. */
export const usage = (message: string): CommanderError => new CommanderError(exitCode.usage, 'usage', message)
