import type { KeptBy } from '../../contract/failure.ts'

/** Who listens on a port. Without `pid` the process is another user's and cannot be inspected. */
export interface PortOwner {
  pid?: number
  /** The command line, or the program's name where that is all that can be read. */
  command?: string
  user?: string
  /** ms since the epoch, good to a second or two. */
  startedAt?: number
}

/**
 * What the system knows about processes. Undefined: there is no such process, or this user may not inspect it.
 * Nothing throws because a process ended meanwhile.
 */
export interface ProcessTable {
  /** Whether it runs; a zombie does not. */
  alive(pid: number): boolean
  /** A number that is constant for the life of the process and that no other process with this pid has. */
  startTime(pid: number): Promise<number | undefined>
  executable(pid: number): Promise<string | undefined>
  /** The arguments, the program first. On macOS split at spaces: compare with `hasArgument`. */
  commandLine(pid: number): Promise<string[] | undefined>
  /** User id of the owner. */
  owner(pid: number): Promise<number | undefined>
  /**
   * Who listens on the TCP port at this address, or at all addresses. `likely`, a pid, is checked first: on Linux that
   * takes 1 ms, all processes take 5 to 30 ms.
   */
  portOwner(port: number, address: string, likely?: number): Promise<PortOwner | undefined>
  /** Pids that hold a lock on the file or have it open, lowest first. */
  holders(file: string): Promise<number[]>
  /** What starts it again when it ends, as far as that can be known. */
  keptBy(pid: number): Promise<KeptBy | undefined>
}

/** Whether a command line has this argument, also where the system gives only the joined line. */
export function hasArgument(commandLine: readonly string[], argument: string): boolean {
  return commandLine.includes(argument) || ` ${commandLine.join(' ')} `.includes(` ${argument} `)
}

/** Whether a socket that listens at `bound` answers for `asked`. */
export function coversAddress(bound: string, requested: string): boolean {
  const wildcards = ['0.0.0.0', '::', '*', '']
  if (bound === requested || wildcards.includes(bound) || wildcards.includes(requested)) return true
  return requested === 'localhost' && (bound === '127.0.0.1' || bound === '::1')
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
