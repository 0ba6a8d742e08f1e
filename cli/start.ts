import { coreProgram } from '../client/core-program.ts'
import type { ExitCode, Output } from './output.ts'

/**
 * Turns this process into the core, in the foreground: its pid, its terminal and its parent stay. `args` follow the
 * program's name. Returns only where there is no core to run.
 */
export function start(out: Output, args: readonly string[]): ExitCode {
  const program = coreProgram()
  if (!program.ok) return out.failure(program.error)
  const { node, args: before } = program.value
  // What was meant for a command line may not change the core.
  const { NODE_OPTIONS: _, ...environment } = process.env
  if (process.execve === undefined) throw new Error('Zotbar needs a system that is like Unix')
  return process.execve(node, [node, ...before, ...args], environment)
}
