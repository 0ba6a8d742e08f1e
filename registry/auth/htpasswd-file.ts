import { checkHash } from './password-hash.ts'

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

/** Reads Apache's htpasswd. A line that cannot be used is told and matches nobody. */
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
