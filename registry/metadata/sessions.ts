import { createHash, randomBytes } from 'node:crypto'
import type { DatabaseSync } from 'node:sqlite'
import { isObject } from '../../lib/json.ts'
import type { Identity } from '../auth/identity.ts'
import { stringsIn } from '../oci/json.ts'
import { numberOf, type Row, textOf, textsOf } from './database.ts'
import type { DatabaseWriter } from './writer.ts'

/** From sign-in to the end, whatever happens in between, ms; zot's two hours. */
export const sessionLifeMs = 2 * 60 * 60_000
/** One user's sessions at most; the oldest ends. */
const maxPerUser = 20
const collectEveryMs = 10 * 60_000

export interface NewSession {
  readonly user: string
  readonly origin: Identity['origin']
  readonly groups: readonly string[]
  /** What the way of signing in wants back at sign-out; not shown to anybody. */
  readonly details?: Readonly<Record<string, string>>
}

export interface Session extends Required<NewSession> {
  readonly createdAt: number
  readonly expiresAt: number
}

interface HeldSession {
  readonly hash: string
  readonly session: Session
  readonly identity: Identity
}

const idForm = /^[A-Za-z0-9_-]{43}$/
const hashOf = (id: string): string => createHash('sha256').update(id).digest('hex')

/**
 * Signed-in browsers. Each sign-in gets an identifier of its own, so a planted one is worth nothing; only
 * hashes of identifiers are kept, in memory and, to survive a restart, on disk.
 */
export class Sessions {
  readonly #writer: DatabaseWriter
  readonly #now: () => number
  readonly #byHash = new Map<string, HeldSession>()
  /** Over, and perhaps still on disk. */
  readonly #ended = new Set<string>()
  readonly #timer: NodeJS.Timeout

  /** `database` is read here and never again. */
  constructor(database: DatabaseSync, writer: DatabaseWriter, now: () => number = Date.now) {
    this.#writer = writer
    this.#now = now
    for (const row of database.prepare('SELECT * FROM sessions ORDER BY created_at, rowid').all()) {
      const held = heldOf(row)
      this.#byHash.set(held.hash, held)
    }
    void this.collect()
    this.#timer = setInterval(() => void this.collect(), collectEveryMs).unref()
  }

  /** Answers the identifier for the cookie, once it is on disk; nothing else ever knows it. */
  async create({
    user,
    origin,
    groups,
    details = {},
  }: NewSession): Promise<{ id: string; session: Session }> {
    const id = randomBytes(32).toString('base64url')
    const createdAt = this.#now()
    const session = { user, origin, groups, details, createdAt, expiresAt: createdAt + sessionLifeMs }
    const hash = hashOf(id)
    await this.#writer.write([
      {
        sql: `INSERT INTO sessions (hash, user, origin, groups, details, created_at, expires_at)
           VALUES (?, ?, ?, ?, ?, ?, ?)`,
        values: [
          hash,
          user,
          origin,
          JSON.stringify(groups),
          JSON.stringify(details),
          createdAt,
          session.expiresAt,
        ],
      },
    ])
    this.#byHash.set(hash, { hash, session, identity: identityOf(session) })
    // Counted now that it is there: as many may have been opened at once.
    const ofUser = [...this.#byHash.values()].filter(held => held.session.user === user)
    await this.#remove(ofUser.slice(0, Math.max(0, ofUser.length - maxPerUser)).map(held => held.hash))
    return { id, session }
  }

  /** The session of an identifier while it lasts. */
  get(id: string): Session | undefined {
    return this.#living(id)?.session
  }

  /** The same object for the same session each time. */
  find(id: string): Identity | undefined {
    return this.#living(id)?.identity
  }

  /** Ends a session for good; answers what it was. */
  async end(id: string): Promise<Session | undefined> {
    const held = this.#living(id)
    if (held) await this.#remove([held.hash])
    return held?.session
  }

  /** Ends the sessions of users with passwords here who may not keep theirs. */
  async endLocal(mayStay: (user: string) => boolean): Promise<void> {
    const ended = [...this.#byHash.values()].filter(
      ({ session }) => session.origin === 'local' && !mayStay(session.user),
    )
    await this.#remove(ended.map(held => held.hash))
  }

  /** Forgets the expired. */
  async collect(): Promise<void> {
    const now = this.#now()
    const expired = [...this.#byHash.values()].filter(({ session }) => session.expiresAt <= now)
    await this.#remove(expired.map(({ hash }) => hash))
    await this.#forget()
  }

  close(): void {
    clearInterval(this.#timer)
  }

  #living(id: string): HeldSession | undefined {
    if (!idForm.test(id)) return undefined
    const held = this.#byHash.get(hashOf(id))
    return held && held.session.expiresAt > this.#now() ? held : undefined
  }

  /** Over at once; a full disk only delays that a restart knows it too. */
  async #remove(hashes: readonly string[]): Promise<void> {
    for (const hash of hashes) {
      this.#byHash.delete(hash)
      this.#ended.add(hash)
    }
    if (hashes.length > 0) await this.#forget()
  }

  /** Deletes what has ended from the disk; a full disk is tried again with the next collection. */
  async #forget(): Promise<void> {
    const ended = [...this.#ended]
    try {
      await this.#writer.write(
        ended.map(hash => ({ sql: 'DELETE FROM sessions WHERE hash = ?', values: [hash] })),
      )
      for (const hash of ended) this.#ended.delete(hash)
    } catch {
      // Those that could not be deleted are still among the ended.
    }
  }
}

function heldOf(row: Row): HeldSession {
  const details: unknown = JSON.parse(textOf(row, 'details'))
  const session: Session = {
    user: textOf(row, 'user'),
    origin: textOf(row, 'origin') === 'oidc' ? 'oidc' : 'local',
    groups: textsOf(row, 'groups'),
    details: (isObject(details) && stringsIn({ details }, 'details')) || {},
    createdAt: numberOf(row, 'created_at'),
    expiresAt: numberOf(row, 'expires_at'),
  }
  return { hash: textOf(row, 'hash'), session, identity: identityOf(session) }
}

const identityOf = ({ user, origin, groups }: Session): Identity => ({ user, origin, groups, via: 'session' })
