import { hash, randomBytes } from 'node:crypto'
import { readFileSync, statSync } from 'node:fs'
import { resolve } from 'node:path'
import { LRUCache } from 'lru-cache'
import { stampOf, watchFiles } from '../reload/watch-files.ts'
import { errorText } from '../storage/root.ts'
import { checkHash } from './password-hash.ts'
import type { PasswordPool, PoolAnswer } from './password-pool.ts'

export interface HtpasswdProblem {
  /** From 1. */
  readonly line: number
  /** Never repeats a hash. */
  readonly message: string
}

export interface HtpasswdEntries {
  /** Hash by user. */
  readonly users: ReadonlyMap<string, string>
  /**
   * A real hash of the most common effort. Checking against it makes an unknown user cost as much as a
   * wrong password.
   */
  readonly dummy: string
  readonly problems: readonly HtpasswdProblem[]
}

/** For a file without users: bcrypt with cost 10, of nothing in particular. */
const someHash = '$2b$10$abcdefghijklmnopqrstuuW4TzvW4TzvW4TzvW4TzvW4TzvW4TzvO'

/** Reads Apache's htpasswd. A line that cannot be used is reported, and matches nobody. */
export function parseHtpasswd(text: string): HtpasswdEntries {
  const users = new Map<string, string>()
  const problems: HtpasswdProblem[] = []
  const efforts = new Map<string, { count: number; hash: string }>()
  for (const [at, raw] of text.split('\n').entries()) {
    const line = raw.trim()
    const note = (message: string): void => void problems.push({ line: at + 1, message })
    if (line === '' || line.startsWith('#')) continue
    const colon = line.indexOf(':')
    if (colon < 1) {
      note('not of the form user:hash')
      continue
    }
    const user = line.slice(0, colon)
    // Some tools append more fields.
    const hash = line.slice(colon + 1).split(':')[0] ?? ''
    const checked = checkHash(hash)
    if (users.has(user)) note(`${JSON.stringify(user)} appears again; the last line counts`)
    if (!checked.ok) {
      note(`${JSON.stringify(user)}: ${checked.problem}`)
      users.delete(user)
      continue
    }
    users.set(user, hash)
    const { count } = efforts.get(checked.effort) ?? { count: 0 }
    efforts.set(checked.effort, { count: count + 1, hash })
  }
  const common = [...efforts.values()].sort((a, b) => b.count - a.count)[0]
  return { users, dummy: common?.hash ?? someHash, problems }
}

/** Users and their passwords, as the file has them at this moment. */
export interface Htpasswd {
  has(user: string): boolean
  /** Stands for the password that a user has now, and says nothing of it; undefined: there is no such user. */
  stampOf(user: string): string | undefined
  /** Whether this very password was found right a short while ago. Costs microseconds. */
  knows(user: string, password: string): boolean
  /** `owner`: see the pool. Takes as long for a user who does not exist. */
  verify(user: string, password: string, owner: string): Promise<PoolAnswer>
  problems(): readonly HtpasswdProblem[]
  close(): void
}

/** `left`: users who are gone or have another password. */
type HtpasswdChange =
  | { readonly problems: readonly HtpasswdProblem[]; readonly left: ReadonlySet<string> }
  | { readonly unreadable: string }

export interface HtpasswdOptions {
  readonly path: string
  readonly pool: PasswordPool
  /** Called with every new content, and when the file can no longer be read (the old content stays). */
  readonly onChange: (news: HtpasswdChange) => void
  /** ms since the epoch. */
  readonly now?: () => number
}

export type OpenHtpasswd = { ok: true; htpasswd: Htpasswd } | { ok: false; message: string }

/** For how long a password that was right is not checked again, ms. */
const knownForMs = 5 * 60_000
const maxKnown = 1000
const maxSize = 4 * 1024 * 1024

export function openHtpasswd({ path, pool, onChange, now = Date.now }: HtpasswdOptions): OpenHtpasswd {
  const file = resolve(path)
  // Known passwords are kept as keyed hashes: worthless to whoever reads this process's memory later.
  // Two plain hashes around a secret of one block, as in HMAC, at a tenth of what Node's HMAC costs.
  const secret = randomBytes(32).toString('hex')
  const fingerprint = (user: string, password: string): string =>
    hash('sha256', secret + hash('sha256', `${secret}${user}\0${password}`))
  const known = new LRUCache<string, number>({ max: maxKnown })
  const stamps = new LRUCache<string, string>({ max: maxKnown })
  const checking = new Map<string, Promise<PoolAnswer>>()

  // Watched, and stamped, before it is read: what changes meanwhile is another file to the next look.
  const stopWatching = watchFiles([file], () => refresh(true))
  let stamp = stampOf(file)
  let entries: HtpasswdEntries
  try {
    entries = parseHtpasswd(read(file))
  } catch (error) {
    stopWatching()
    return { ok: false, message: `${file}: ${errorText(error)}` }
  }
  /** The problem that was reported last. */
  let reportedProblem: string | undefined

  /**
   * Reads again if the file is not what it was. Answers false when that could not be done.
   * @param settled whether a writer had a moment to finish
   */
  function refresh(settled: boolean): boolean {
    const current = stampOf(file)
    if (current === stamp) {
      reportedProblem = undefined
      return true
    }
    try {
      const text = read(file)
      // A file that is being written in place is empty for a moment: no user has left.
      if (text === '' && !settled) return false
      stamp = current
      reportedProblem = undefined
      const before = entries.users
      entries = parseHtpasswd(text)
      known.clear()
      stamps.clear()
      const left = [...before].filter(([user, kept]) => entries.users.get(user) !== kept)
      onChange({ problems: entries.problems, left: new Set(left.map(([user]) => user)) })
      return true
    } catch (error) {
      const words = errorText(error)
      if (words !== reportedProblem) onChange({ unreadable: `${file}: ${words}` })
      reportedProblem = words
      return false
    }
  }

  const verify = async (user: string, password: string, owner: string): Promise<PoolAnswer> => {
    refresh(false)
    const before = entries
    const kept = before.users.get(user)
    const answer = await pool.verify(password, kept ?? before.dummy, owner)
    if (answer !== 'match') return answer
    // What was right for a file that has changed meanwhile says nothing.
    if (kept === undefined || entries.users.get(user) !== kept) return 'no-match'
    known.set(fingerprint(user, password), now() + knownForMs)
    return 'match'
  }

  return {
    ok: true,
    htpasswd: {
      has: user => entries.users.has(user),
      stampOf: user => {
        const kept = entries.users.get(user)
        if (kept === undefined) return undefined
        let mark = stamps.get(user)
        if (mark === undefined) {
          mark = hash('sha256', kept)
          stamps.set(user, mark)
        }
        return mark
      },
      knows: (user, password) => {
        const until = known.get(fingerprint(user, password))
        return until !== undefined && until > now()
      },
      // A client that opens many connections at once asks the same many times.
      verify: (user, password, owner) => {
        const key = fingerprint(user, password)
        const running = checking.get(key)
        if (running) return running
        const check = verify(user, password, owner).finally(() => checking.delete(key))
        checking.set(key, check)
        return check
      },
      problems: () => entries.problems,
      close: stopWatching,
    },
  }
}

function read(file: string): string {
  if (statSync(file).size > maxSize) throw new Error(`larger than ${maxSize} bytes`)
  return readFileSync(file, 'utf8')
}
