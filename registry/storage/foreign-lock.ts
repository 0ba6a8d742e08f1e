import { closeSync, constants, openSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { errnoOf } from './errno.ts'

/** Files that zot keeps locked while it has a data folder. */
const zotsFiles = ['meta.db', 'cache.db']
/** <sys/fcntl.h> of macOS: open() takes flock's exclusive lock, too. */
const exclusiveLock = 0x20

export interface ForeignLock {
  /** Name of the file below the root. */
  readonly file: string
  /** Absent where the system does not tell. */
  readonly pid?: number
}

/**
 * Who has zot's files below `root` locked. zot cannot see SQLite's lock, and Node cannot take zot's (flock), so it is
 * looked for: in the kernel's list on Linux (proc_locks(5)), by opening with the lock on macOS.
 */
export function foreignLock(
  root: string,
  platform: NodeJS.Platform = process.platform,
): ForeignLock | undefined {
  for (const file of zotsFiles) {
    const path = join(root, file)
    const found = platform === 'darwin' ? lockedOnMac(path) : lockedOnLinux(path)
    if (found) return { file, ...(found.pid === undefined ? {} : { pid: found.pid }) }
  }
  return undefined
}

function lockedOnMac(path: string): { pid?: number } | undefined {
  try {
    closeSync(openSync(path, constants.O_RDONLY | constants.O_NONBLOCK | exclusiveLock))
    return undefined
  } catch (error) {
    const errno = errnoOf(error)
    return errno === 'EAGAIN' || errno === 'EWOULDBLOCK' ? {} : undefined
  }
}

/** A held lock; those that are waited for have an arrow after the number. */
const lockLine = /^\d+: (?:FLOCK|POSIX|OFDLCK) +\w+ +\w+ +(-?\d+) +([0-9a-f]+):([0-9a-f]+):(\d+) /

function lockedOnLinux(path: string): { pid?: number } | undefined {
  let text: string
  let file: { dev: bigint; ino: bigint }
  try {
    file = statSync(path, { bigint: true })
    text = readFileSync('/proc/locks', 'utf8')
  } catch {
    return undefined
  }
  for (const line of text.split('\n')) {
    const [, holder = '', major = '', minor = '', inode] = lockLine.exec(line) ?? []
    if (inode !== String(file.ino)) continue
    const pid = Number(holder)
    const isKnown = pid > 0
    // Some file systems (btrfs, overlay) tell another device here than stat does.
    if (isDevice(file.dev, major, minor) || (isKnown && hasOpen(pid, file))) return isKnown ? { pid } : {}
  }
  return undefined
}

/** The bits of a device number as the kernel hands them out (makedev(3)). */
function isDevice(dev: bigint, major: string, minor: string): boolean {
  const [high, low] = [BigInt(`0x${major}`), BigInt(`0x${minor}`)]
  return (
    dev === (((high & 0xfffn) << 8n) | ((high & ~0xfffn) << 32n) | (low & 0xffn) | ((low & ~0xffn) << 12n))
  )
}

function hasOpen(pid: number, { dev, ino }: { dev: bigint; ino: bigint }): boolean {
  try {
    return readdirSync(`/proc/${pid}/fd`).some(descriptor => {
      const open = statSync(`/proc/${pid}/fd/${descriptor}`, { bigint: true, throwIfNoEntry: false })
      return open?.dev === dev && open.ino === ino
    })
  } catch {
    return false
  }
}
