import { hash, randomBytes } from 'node:crypto'
import { type FSWatcher, readFileSync, statSync, watch } from 'node:fs'
import { basename, dirname, resolve } from 'node:path'
import { LRUCache } from 'lru-cache'
import { wordsOf } from '../storage/root.ts'
import { type HtpasswdEntries, type HtpasswdProblem, parseHtpasswd } from './htpasswd-file.ts'
import type { PasswordPool, PoolAnswer } from './password-pool.ts'

/** Users and their passwords, as the file has them at this moment. */
export interface Htpasswd {
  has(user: string): boolean
  /** Whether this very password was found right a short while ago. Costs microseconds. */
  knows(user: string, password: string): boolean
  /** `owner`: see the pool. Takes as long for a user who does not exist. */
  verify(user: string, password: string, owner: string): Promise<PoolAnswer>
  problems(): readonly HtpasswdProblem[]
  close(): void
}

/** `left`: users who are gone or have another password. */
export type HtpasswdNews =
  | { readonly problems: readonly HtpasswdProblem[]; readonly left: ReadonlySet<string> }
  | { readonly unreadable: string }

export interface HtpasswdOptions {
  readonly path: string
  readonly pool: PasswordPool
  /** Hears of every new content, and of a file that can no longer be read (the old content stays). */
  readonly onChange: (news: HtpasswdNews) => void
  /** ms since the epoch. */
  readonly now?: () => number
}

export type OpenHtpasswd = { ok: true; htpasswd: Htpasswd } | { ok: false; message: string }

/** For how long a password that was right is not checked again, ms. */
const knownFor = 5 * 60_000
const maxKnown = 1000
/** Writers may take a moment; events come in bunches, ms. */
const settleFor = 50
/** For file systems without events, ms. */
const lookEvery = 10_000
const maxSize = 4 * 1024 * 1024

export function openHtpasswd({ path, pool, onChange, now = Date.now }: HtpasswdOptions): OpenHtpasswd {
  const file = resolve(path)
  // Known passwords are kept as keyed hashes: worthless to whoever reads this process's memory later.
  // Two plain hashes around a secret of one block, as in HMAC, at a tenth of what Node's HMAC costs.
  const secret = randomBytes(32).toString('hex')
  const fingerprint = (user: string, password: string): string =>
    hash('sha256', secret + hash('sha256', `${secret}${user}\0${password}`))
  const known = new LRUCache<string, number>({ max: maxKnown })
  const checking = new Map<string, Promise<PoolAnswer>>()

  let stamp = ''
  let entries: HtpasswdEntries
  try {
    stamp = stampOf(file)
    entries = read(file)
  } catch (error) {
    return { ok: false, message: `${file}: ${wordsOf(error)}` }
  }

  /** Reads again if the file is not what it was. */
  const refresh = (): void => {
    try {
      const current = stampOf(file)
      if (current === stamp) return
      stamp = current
      const before = entries.users
      entries = read(file)
      known.clear()
      const left = [...before].filter(([user, kept]) => entries.users.get(user) !== kept)
      onChange({ problems: entries.problems, left: new Set(left.map(([user]) => user)) })
    } catch (error) {
      const words = wordsOf(error)
      if (stamp === words) return
      stamp = words
      onChange({ unreadable: `${file}: ${words}` })
    }
  }

  const stopWatching = watchFile(file, refresh)

  const verify = async (user: string, password: string, owner: string): Promise<PoolAnswer> => {
    refresh()
    const before = entries
    const kept = before.users.get(user)
    const answer = await pool.verify(password, kept ?? before.dummy, owner)
    if (answer !== 'match') return answer
    // What was right for a file that has changed meanwhile says nothing.
    if (kept === undefined || entries.users.get(user) !== kept) return 'no-match'
    known.set(fingerprint(user, password), now() + knownFor)
    return 'match'
  }

  return {
    ok: true,
    htpasswd: {
      has: user => entries.users.has(user),
      knows: (user, password) => {
        const until = known.get(fingerprint(user, password))
        return until !== undefined && until > now()
      },
      // A client that opens many connections at once asks the same many times.
      verify: (user, password, owner) => {
        const key = fingerprint(user, password)
        const under = checking.get(key)
        if (under) return under
        const check = verify(user, password, owner).finally(() => checking.delete(key))
        checking.set(key, check)
        return check
      },
      problems: () => entries.problems,
      close: stopWatching,
    },
  }
}

/** Through the folder, so that a file moved into place is seen too. Answers how to stop. */
function watchFile(file: string, changed: () => void): () => void {
  let settling: NodeJS.Timeout | undefined
  const soon = (): void => {
    clearTimeout(settling)
    settling = setTimeout(changed, settleFor)
    settling.unref()
  }
  let watcher: FSWatcher | undefined
  try {
    watcher = watch(dirname(file), { persistent: false }, (_event, name) => {
      if (name === null || name === basename(file)) soon()
    })
    watcher.on('error', () => watcher?.close())
  } catch {
    // No events here: the timer looks.
  }
  const timer = setInterval(changed, lookEvery)
  timer.unref()
  return () => {
    clearTimeout(settling)
    clearInterval(timer)
    watcher?.close()
  }
}

function stampOf(file: string): string {
  const { ino, size, mtimeNs, ctimeNs } = statSync(file, { bigint: true })
  return `${ino} ${size} ${mtimeNs} ${ctimeNs}`
}

function read(file: string): HtpasswdEntries {
  if (statSync(file).size > maxSize) throw new Error(`larger than ${maxSize} bytes`)
  return parseHtpasswd(readFileSync(file, 'utf8'))
}
