import {
  chmodSync,
  closeSync,
  constants,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { readdir, realpath } from 'node:fs/promises'
import { dirname, join, sep } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { zotDatabases } from '../../lib/store-names.ts'
import { errnoOf } from './errno.ts'
import { fileMode, folderMode, layout } from './layout.ts'
import { errorText } from './root.ts'

/** <sys/fcntl.h> of macOS: open() takes flock's exclusive lock, too. */
const exclusiveLock = 0x20

interface ForeignLock {
  /** Name of the file below the root. */
  readonly file: string
  /** Absent where the system does not say. */
  readonly pid?: number
}

/**
 * Who has zot's files below `root` locked. zot cannot see SQLite's lock, and Node cannot take zot's (flock), so it is
 * looked for: in the kernel's list on Linux (proc_locks(5)), by opening with the lock on macOS.
 */
function foreignLock(root: string, platform: NodeJS.Platform = process.platform): ForeignLock | undefined {
  for (const file of zotDatabases) {
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
    // Some file systems (btrfs, overlay) show another device here than stat does.
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

export type LockResult = { ok: true; release: () => void } | { ok: false; message: string }

/** SQLITE_BUSY, https://www.sqlite.org/rescode.html#busy */
const busy = 5

/**
 * Takes the data folder for this process alone. The lock is SQLite's on a file of its own, so the system
 * frees it however the process ends; the pid beside it is only for the message to the second one. zot would not see
 * it, so nobody gets the folder while zot's own files are locked.
 */
export function lockRoot(root: string): LockResult {
  const folder = layout.ownFolder(root)
  let database: DatabaseSync | undefined
  try {
    if (!existsSync(folder)) mkdirSync(folder, { mode: folderMode })
    const file = lockFile(root)
    database = new DatabaseSync(file, { timeout: 0 })
    // Nothing is ever written to it.
    database.exec(
      'PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = MEMORY; PRAGMA synchronous = OFF; BEGIN EXCLUSIVE',
    )
    chmodSync(file, fileMode)
    writeFileSync(pidFile(root), `${process.pid}\n`, { mode: fileMode })
    const foreign = foreignLock(root)
    if (foreign) {
      database.close()
      const owner = foreign.pid === undefined ? '' : ` (pid ${foreign.pid})`
      return {
        ok: false,
        message: `${root} is in use by another program${owner}, which has ${foreign.file} locked`,
      }
    }
    const held = database
    return { ok: true, release: () => held.close() }
  } catch (error) {
    database?.close()
    if (isBusy(error)) {
      return { ok: false, message: `${root} is in use by another zotbar-registry${ownerOf(root)}` }
    }
    return { ok: false, message: `${root} cannot be locked: ${errorText(error)}` }
  }
}

/** Whether the lock of a data folder is taken, by this process too. Leaves no trace; what cannot be read is not held. */
export function isHeld(root: string): boolean {
  const file = lockFile(root)
  if (!existsSync(file)) return false
  let database: DatabaseSync | undefined
  try {
    database = new DatabaseSync(file, { readOnly: true, timeout: 0 })
    database.prepare('SELECT 1 FROM sqlite_schema').get()
    return false
  } catch (error) {
    return isBusy(error)
  } finally {
    database?.close()
  }
}

/** " (pid 7)"; nothing where that is not known. */
function ownerOf(root: string): string {
  try {
    return ` (pid ${readFileSync(pidFile(root), 'utf8').trim()})`
  } catch {
    return ''
  }
}

const isBusy = (error: unknown): boolean =>
  error instanceof Error && 'errcode' in error && error.errcode === busy

const lockFile = (root: string): string => join(layout.ownFolder(root), 'lock.db')
const pidFile = (root: string): string => join(layout.ownFolder(root), 'pid')

/** Folders that are looked into below a data folder: a walk through all of it would delay the start. */
const maxFolders = 1000

/**
 * Who serves a folder above `root`, or one of its children and grandchildren (the first 1,000 of each level): two registries
 * on the same files do not see each other's locks, and remove what the other one keeps. Called while `root` is locked,
 * so that of two that start at once one sees the other. Answers what is wrong. Not seen: who serves deeper down, through
 * another mount of the same files, or with files that may not be read.
 */
export async function nestedRegistry(root: string): Promise<string | undefined> {
  const real = await realpath(root)
  const inUse = (folder: string): string | undefined =>
    isHeld(folder) ? `${folder}, which is in use by another zotbar-registry${ownerOf(folder)}` : undefined
  for (let above = dirname(real), last = real; above !== last; last = above, above = dirname(above)) {
    const found = inUse(above)
    if (found !== undefined) return `${root} lies within ${found}`
  }
  let level = [real]
  for (let depth = 0; depth < 2; depth++) {
    level = await foldersIn(level)
    for (const folder of level) {
      const found = inUse(folder)
      if (found !== undefined) return `within ${root} lies ${found}`
    }
  }
  return undefined
}

/**
 * The folders of one configuration that are one, or lie in each other, once links are followed: its text alone does
 * not show that. `others` by the key that names each. Answers what is wrong.
 */
export async function overlappingRoots(
  key: string,
  root: string,
  others: ReadonlyMap<string, string>,
): Promise<string | undefined> {
  const real = await realpath(root)
  for (const [otherKey, other] of others) {
    const [one, two] = [asFolder(real), asFolder(await realpath(other))]
    if (!one.startsWith(two) && !two.startsWith(one)) continue
    const relation =
      one === two ? 'is the same folder as' : one.startsWith(two) ? 'lies within' : 'lies around'
    return `${key} ${root} ${relation} ${otherKey} ${other}: give each a folder of its own, none inside another`
  }
  return undefined
}

const asFolder = (path: string): string => (path.endsWith(sep) ? path : `${path}${sep}`)

/** Links are not followed: no repository is found through them either. */
async function foldersIn(parents: readonly string[]): Promise<string[]> {
  const found: string[] = []
  for (const parent of parents) {
    const entries = await readdir(parent, { withFileTypes: true }).catch(() => [])
    for (const entry of entries) {
      if (!entry.isDirectory() || entry.name === '_zotbar') continue
      if (found.length >= maxFolders) return found
      found.push(join(parent, entry.name))
    }
  }
  return found
}
