import { createHash, randomUUID } from 'node:crypto'
import { link, lstat, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fail, ok, type Result } from '../../contract/result.ts'
import { errorCode, isVolumeFull, reasonOf } from '../../lib/error-code.ts'
import { type HomeIdentity, homeIdentity, isHomeIdentity, isSameHome } from '../../lib/home-identity.ts'
import { parseJson } from '../../lib/json.ts'

/** What the lock must know of other processes; a process table has both. */
export interface Processes {
  /** An opaque number, equal as long as the pid means the same process; undefined where there is none. */
  startTime(pid: number): Promise<number | undefined>
  alive(pid: number): boolean
}

export interface AppLock {
  /** Whoever knows it may take the lock from this holder: see `inherits`. */
  readonly nonce: string
  /** Gives the lock up; a second call does nothing. */
  release(): Promise<void>
}

interface Holder {
  pid: number
  startTime?: number
  nonce: string
  /** The home that it holds: a lock that came with a copy of a home holds nothing. */
  home?: HomeIdentity
}

const lockName = 'app.lock'
const successorOf = (holder: Holder): string => `${lockName}.after-${holder.nonce}`

/**
 * Makes this process the only core of `home` (an existing 0700 folder) until it releases the lock or dies.
 *
 * The lock is a file that names its holder by pid and start time. link(2) puts it in place whole and fails when one
 * is there, so of two first starts one wins. A dead holder is never removed by its name, because between looking and
 * removing another start may already have replaced it. Instead its successor is elected by a second link, to a name
 * made from the dead holder's nonce: only one process can ever create it. The elected one looks once more that the
 * dead holder is still in place and then renames its own file over it. Should it die on the way, the same rule
 * applies to it in turn.
 *
 * `inherits` is the nonce of a holder that gives the lock to this process: it passes from one to the other without a
 * moment in which a third could take it.
 *
 * `makeRoom` is called where the volume is full, and answers whether another attempt is worth it.
 *
 * Errors: `already-running` with the holder's pid; `home-unusable` where the folder takes no such file.
 */
export async function takeAppLock(options: {
  home: string
  processes: Processes
  pid?: number
  nonce?: string
  inherits?: string
  makeRoom?: () => boolean
}): Promise<Result<AppLock>> {
  const { home, processes, pid = process.pid, nonce = randomUUID(), inherits, makeRoom } = options
  const startTime = await processes.startTime(pid)
  const root = join(home, lockName)
  const draft = join(home, `.${lockName}.${nonce}`)
  try {
    const me: Holder = {
      pid,
      nonce,
      ...(startTime === undefined ? {} : { startTime }),
      home: homeIdentity(home),
    }
    const lives = (holder: Holder): Promise<boolean> => isAlive(holder, me, processes)
    const taken = (held = nonce): Result<AppLock> => ok({ nonce: held, release: () => release(root, held) })
    const given = inherits === undefined ? undefined : await readHolder(root)
    // What nobody took over in the meantime is still this process's, and a full disk is no reason to lose it.
    if (given?.nonce === inherits && given?.pid === pid) return taken(inherits)
    await writeDraft(draft, me, makeRoom)
    if (inherits !== undefined && (await readHolder(root))?.nonce === inherits) {
      await rename(draft, root)
      return taken()
    }
    for (;;) {
      const won = await elect(home, draft, root, lives)
      if (won.kind === 'held') return fail({ code: 'already-running', pid: won.pid, home })
      if (won.kind === 'again') continue
      if (won.after && !(await succeed(won.after, root, won.path))) continue
      await tidy(home)
      return taken()
    }
  } catch (error) {
    return fail({ code: 'home-unusable', path: home, reason: reasonOf(error) })
  } finally {
    await rm(draft, { force: true })
  }
}

async function writeDraft(draft: string, me: Holder, makeRoom: () => boolean = () => false): Promise<void> {
  const write = (): Promise<void> => writeFile(draft, JSON.stringify(me), { flag: 'wx', mode: 0o600 })
  try {
    await write()
  } catch (error) {
    if (!isVolumeFull(error) || !makeRoom()) throw error
    await rm(draft, { force: true })
    await write()
  }
}

type Election =
  | { kind: 'held'; pid: number }
  | { kind: 'again' }
  /** `after` is the dead holder that is still in the lock's place. */
  | { kind: 'won'; path: string; after?: Holder }

async function elect(
  home: string,
  draft: string,
  root: string,
  lives: (holder: Holder) => Promise<boolean>,
): Promise<Election> {
  let path = root
  let first: Holder | undefined
  for (;;) {
    if (await linked(draft, path)) return { kind: 'won', path, ...(first ? { after: first } : {}) }
    const holder = await readHolder(path)
    if (!holder) return { kind: 'again' }
    if (await lives(holder)) return { kind: 'held', pid: holder.pid }
    first ??= holder
    path = join(home, successorOf(holder))
  }
}

/** The elected one takes the dead holder's place, unless somebody had done so before the election. */
async function succeed(after: Holder, root: string, elected: string): Promise<boolean> {
  const still = await readHolder(root)
  if (still?.nonce === after.nonce) {
    await rename(elected, root)
    return true
  }
  await rm(elected, { force: true })
  return false
}

async function linked(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to)
    return true
  } catch (error) {
    if (errorCode(error) === 'EEXIST') return false
    throw error
  }
}

/** Undefined when the file is gone. A file that nobody wrote whole has no living holder. */
async function readHolder(path: string): Promise<Holder | undefined> {
  let text: string
  try {
    if (!(await lstat(path)).isFile()) throw new Error(`${lockName} is not a plain file`)
    text = await readFile(path, 'utf8')
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined
    throw error
  }
  return parseHolder(text) ?? { pid: 0, nonce: createHash('sha256').update(text).digest('hex').slice(0, 32) }
}

function parseHolder(text: string): Holder | undefined {
  const read = parseJson(text)
  if (typeof read !== 'object' || read === null) return undefined
  if (!('pid' in read) || typeof read.pid !== 'number' || !Number.isSafeInteger(read.pid)) return undefined
  if (!('nonce' in read) || typeof read.nonce !== 'string' || !/^[\w-]{1,64}$/.test(read.nonce))
    return undefined
  const known = 'startTime' in read && typeof read.startTime === 'number' ? { startTime: read.startTime } : {}
  const home = 'home' in read && isHomeIdentity(read.home) ? { home: read.home } : {}
  return { pid: read.pid, nonce: read.nonce, ...known, ...home }
}

/** A pid alone proves nothing: it may have been given to another process since. */
async function isAlive(holder: Holder, me: Holder, processes: Processes): Promise<boolean> {
  if (holder.home && me.home && !isSameHome(holder.home, me.home)) return false
  if (holder.pid <= 0 || !processes.alive(holder.pid)) return false
  if (holder.startTime === undefined) return holder.pid !== me.pid
  return (await processes.startTime(holder.pid)) === holder.startTime
}

/** Elections that are over: whoever still writes one finds another holder in place and starts again. */
async function tidy(home: string): Promise<void> {
  for (const name of await readdir(home))
    if (name.startsWith(`${lockName}.after-`)) await rm(join(home, name), { force: true })
}

async function release(root: string, nonce: string): Promise<void> {
  if ((await readHolder(root))?.nonce === nonce) await rm(root, { force: true })
}
