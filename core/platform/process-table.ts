import { linuxProcesses } from './processes-linux.ts'
import { macProcesses } from './processes-mac.ts'

/** Who listens on a port. Without `pid` it belongs to another user, whose processes cannot be looked into. */
export interface PortOwner {
  pid?: number
  /** The command line, or the program's name where that is all that can be read. */
  command?: string
  user?: string
  /** ms since the epoch, good to a second or two. */
  startedAt?: number
}

/**
 * What the system says about processes. Undefined: there is no such process, or it may not be looked at.
 * Nothing here throws because a process went away.
 */
export interface ProcessTable {
  /** Whether it runs; one that has ended and was not yet waited for does not. */
  alive(pid: number): boolean
  /** A number that stays the same as long as the process lives and differs from any other one's with this pid. */
  startTime(pid: number): Promise<number | undefined>
  executable(pid: number): Promise<string | undefined>
  /** The arguments, the program first. On macOS split at spaces: compare with `hasArgument`. */
  commandLine(pid: number): Promise<string[] | undefined>
  /** User id of the owner. */
  owner(pid: number): Promise<number | undefined>
  /**
   * Who listens on the TCP port at this address, or at all addresses. `likely`, a pid, is looked at first: on Linux
   * that takes a millisecond instead of the 5 to 30 that all processes take.
   */
  portOwner(port: number, address: string, likely?: number): Promise<PortOwner | undefined>
  /** Pids that hold a lock on the file or have it open, lowest first. */
  holders(file: string): Promise<number[]>
}

/** Whether a command line has this argument, also where the system only tells the line with spaces. */
export function hasArgument(commandLine: readonly string[], argument: string): boolean {
  return commandLine.includes(argument) || ` ${commandLine.join(' ')} `.includes(` ${argument} `)
}

export function systemProcessTable(platform: NodeJS.Platform = process.platform): ProcessTable {
  return platform === 'darwin' ? macProcesses() : linuxProcesses()
}

/** Whether a signal could be delivered: also yes for somebody else's process. */
export function exists(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM'
  }
}
