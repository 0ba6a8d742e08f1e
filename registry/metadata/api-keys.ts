import { randomUUID } from 'node:crypto'
import type { DatabaseSync } from 'node:sqlite'
import { type ApiKey, hashOfSecret, type KeyRequest, newSecret } from '../auth/api-key.ts'
import type { Identity } from '../auth/identity.ts'
import { parseScope, type Scope } from '../auth/scope.ts'
import { numberOf, optionalNumber, type Row, textOf, textsOf } from './database.ts'
import { deletion, insertion } from './key-statements.ts'
import type { DatabaseWriter } from './writer.ts'

export interface NewKey extends KeyRequest {
  readonly user: string
  readonly origin: Identity['origin']
  readonly creatorUa: string
  /** zot's word for a key that a person asked for is "manual". */
  readonly generatedBy?: string
  /** The key that asks: what it makes ends with it at the latest. */
  readonly mintedBy?: string
}

/**
 * `ended`: the key that asks, or the one it asks for, was revoked or expired before the new one was on disk.
 * `line-too-long`: so many keys stand between the new one and one that was made without a key.
 */
export type CreatedKey =
  | { ok: true; key: ApiKey; secret: string }
  | { ok: false; reason: 'too-many' | 'ended' | 'line-too-long' }

/** One user's keys at most. */
const maxPerUser = 1000
/** Whoever revokes the first of a line reaches the last one too, so a line has an end. */
const maxAncestors = 64
/** Uses are written together, ms. */
const flushAfterMs = 5000

interface HeldKey {
  key: ApiKey
  readonly hash: string
  /** Oldest first. */
  readonly ancestors: readonly string[]
  identity: Identity
  lastUsed: number | undefined
  /** Revocations under way. From the first one on it opens nothing and makes nothing, though it is still on disk. */
  ending: number
}

/**
 * API keys. All of them are in memory, by the hash of their secret, so that a request costs one look;
 * creation and revocation are on disk for good when they end, and keep nobody else waiting.
 */
export class ApiKeys {
  readonly #writer: DatabaseWriter
  readonly #now: () => number
  readonly #byHash = new Map<string, HeldKey>()
  readonly #byUuid = new Map<string, HeldKey>()
  readonly #groups = new Map<string, readonly string[]>()
  readonly #used = new Set<HeldKey>()
  #timer: NodeJS.Timeout | undefined

  /** `database` is read here and never again. `now`: ms since the epoch. */
  constructor(database: DatabaseSync, writer: DatabaseWriter, now: () => number = Date.now) {
    this.#writer = writer
    this.#now = now
    for (const row of database.prepare('SELECT * FROM users').all()) {
      this.#groups.set(textOf(row, 'user'), textsOf(row, 'groups'))
    }
    for (const row of database.prepare('SELECT * FROM api_keys ORDER BY created_at, rowid').all()) {
      this.#keep(this.#heldOf(row))
    }
  }

  /** The identity of whoever shows this secret, if it is a living key of exactly this user. Notes the use. */
  find(user: string, secret: string): Identity | 'expired' | undefined {
    const held = this.#byHash.get(hashOfSecret(secret))
    return held?.key.user === user ? this.#use(held) : undefined
  }

  /** The identity of a key that a token stands for, while it lives. Notes the use. */
  living(uuid: string): Identity | undefined {
    const held = this.#byUuid.get(uuid)
    const found = held && this.#use(held)
    return found === 'expired' ? undefined : found
  }

  #use(held: HeldKey): Identity | 'expired' | undefined {
    if (held.ending > 0) return undefined
    const now = this.#now()
    if (held.key.expiresAt <= now) return 'expired'
    held.lastUsed = now
    this.#used.add(held)
    this.#timer ??= setTimeout(() => void this.flush(), flushAfterMs).unref()
    return held.identity
  }

  /**
   * A new key, on disk when this ends. One that a key asks for never outlives that one: it expires with it at the
   * latest, and is not made where that one ends meanwhile.
   */
  async create(wanted: NewKey): Promise<CreatedKey> {
    const { user, origin, label, scopes, creatorUa, generatedBy = 'manual', mintedBy } = wanted
    const minter = mintedBy === undefined ? undefined : this.#byUuid.get(mintedBy)
    const canMint = (): boolean => mintedBy === undefined || (minter !== undefined && this.#isLiving(minter))
    if (!canMint()) return { ok: false, reason: 'ended' }
    if (this.list(user).length >= maxPerUser) return { ok: false, reason: 'too-many' }
    if (minter && minter.ancestors.length >= maxAncestors) return { ok: false, reason: 'line-too-long' }
    const secret = newSecret()
    const key: ApiKey = {
      uuid: randomUUID(),
      user,
      origin,
      label,
      scopes,
      createdAt: this.#now(),
      expiresAt: Math.min(wanted.expiresAt, minter?.key.expiresAt ?? Number.POSITIVE_INFINITY),
      creatorUa,
      generatedBy,
      ...(minter && { mintedBy: minter.key.uuid }),
    }
    const held: HeldKey = {
      key,
      hash: hashOfSecret(secret),
      ancestors: minter ? [...minter.ancestors, minter.key.uuid] : [],
      identity: this.#identityOf(key),
      lastUsed: undefined,
      ending: 0,
    }
    // Counted and found by those who revoke what came out of another key; it opens nothing before it is on disk.
    this.#byUuid.set(key.uuid, held)
    try {
      await this.#writer.write([insertion(held)])
    } catch (error) {
      this.#byUuid.delete(key.uuid)
      throw error
    }
    if (!(this.#isLiving(held) && canMint())) {
      // Where the disk does not take this either, it stays in the list, and nobody has its secret.
      if (held.ending === 0) await this.revoke([key.uuid]).catch(() => {})
      return { ok: false, reason: 'ended' }
    }
    // The groups may be others by now.
    held.identity = this.#identityOf(key)
    this.#keep(held)
    return { ok: true, key, secret }
  }

  /** One user's keys, or everybody's, oldest first; expired ones too. */
  list(user?: string): ApiKey[] {
    const found: ApiKey[] = []
    for (const held of this.#byUuid.values()) {
      if (user === undefined || held.key.user === user) found.push(shown(held))
    }
    return found
  }

  get(uuid: string): ApiKey | undefined {
    const held = this.#byUuid.get(uuid)
    return held && shown(held)
  }

  /** The keys that came out of this one, its successors' successors included; it may be revoked already. */
  descendants(uuid: string): ApiKey[] {
    const found: ApiKey[] = []
    for (const held of this.#byUuid.values()) if (held.ancestors.includes(uuid)) found.push(shown(held))
    return found
  }

  /** How many keys came out of each that has any. */
  descendantCounts(): ReadonlyMap<string, number> {
    const counts = new Map<string, number>()
    for (const { ancestors } of this.#byUuid.values()) {
      for (const uuid of ancestors) counts.set(uuid, (counts.get(uuid) ?? 0) + 1)
    }
    return counts
  }

  /**
   * Ends keys for good. With `user` only that user's; others and unknown ones are left. Answers the ended. From the
   * call on they open nothing and make nothing, so what came out of them until then is all that ever does; a disk that
   * does not take it makes them good again.
   */
  async revoke(uuids: readonly string[], user?: string): Promise<ApiKey[]> {
    const gone = uuids
      .map(uuid => this.#byUuid.get(uuid))
      .filter(held => held !== undefined)
      .filter(held => user === undefined || held.key.user === user)
    if (gone.length === 0) return []
    for (const held of gone) held.ending += 1
    try {
      await this.#writer.write(gone.map(deletion))
    } catch (error) {
      for (const held of gone) held.ending -= 1
      throw error
    }
    // Of two at once, one has ended it.
    const ended = gone.filter(held => this.#byUuid.get(held.key.uuid) === held)
    for (const held of ended) {
      this.#byHash.delete(held.hash)
      this.#byUuid.delete(held.key.uuid)
      this.#used.delete(held)
    }
    return ended.map(shown)
  }

  /** Remembers the groups of a user of an identity provider; that user's keys have them from now on. */
  async signedIn(user: string, groups: readonly string[]): Promise<void> {
    await this.#writer.write([
      {
        sql: 'INSERT OR REPLACE INTO users (user, groups, signed_in_at) VALUES (?, ?, ?)',
        values: [user, JSON.stringify(groups), this.#now()],
      },
    ])
    this.#groups.set(user, groups)
    for (const held of this.#byUuid.values()) {
      if (held.key.user === user) held.identity = this.#identityOf(held.key)
    }
  }

  /** The groups of a user's last sign-in at an identity provider. */
  groupsOf(user: string): readonly string[] {
    return this.#groups.get(user) ?? []
  }

  /** Whether somebody of this name ever signed in through an identity provider. */
  isProviders(user: string): boolean {
    return this.#groups.has(user)
  }

  /** Writes when keys were last used; otherwise done every few seconds. */
  async flush(): Promise<void> {
    clearTimeout(this.#timer)
    this.#timer = undefined
    const used = [...this.#used]
    this.#used.clear()
    try {
      await this.#writer.write(
        used.map(({ key, lastUsed }) => ({
          sql: 'UPDATE api_keys SET last_used = ? WHERE uuid = ?',
          values: [lastUsed ?? null, key.uuid],
        })),
      )
    } catch {
      // A full disk ends nothing that is only counted: the next use writes these too.
      for (const held of used) if (this.#byUuid.get(held.key.uuid) === held) this.#used.add(held)
    }
  }

  #isLiving(held: HeldKey): boolean {
    return this.#byUuid.get(held.key.uuid) === held && held.ending === 0 && held.key.expiresAt > this.#now()
  }

  #keep(held: HeldKey): void {
    this.#byHash.set(held.hash, held)
    this.#byUuid.set(held.key.uuid, held)
  }

  #heldOf(row: Row): HeldKey {
    const ancestors = textsOf(row, 'ancestors')
    const mintedBy = ancestors.at(-1)
    const key: ApiKey = {
      uuid: textOf(row, 'uuid'),
      user: textOf(row, 'user'),
      origin: textOf(row, 'origin') === 'oidc' ? 'oidc' : 'local',
      label: textOf(row, 'label'),
      scopes: textsOf(row, 'scopes').map(scopeOf),
      createdAt: numberOf(row, 'created_at'),
      expiresAt: numberOf(row, 'expires_at'),
      creatorUa: textOf(row, 'creator_ua'),
      generatedBy: textOf(row, 'generated_by'),
      ...(mintedBy === undefined ? {} : { mintedBy }),
    }
    return {
      key,
      hash: textOf(row, 'hash'),
      ancestors,
      identity: this.#identityOf(key),
      lastUsed: optionalNumber(row, 'last_used'),
      ending: 0,
    }
  }

  #identityOf({ uuid, user, origin, scopes }: ApiKey): Identity {
    const groups = origin === 'oidc' ? (this.#groups.get(user) ?? []) : []
    return { user, groups, origin, via: 'apikey', keyId: uuid, scopes }
  }
}

const shown = ({ key, lastUsed }: HeldKey): ApiKey => (lastUsed === undefined ? key : { ...key, lastUsed })

/** A scope that cannot be read any more must not make its key wider. */
function scopeOf(text: string): Scope {
  const parsed = parseScope(text)
  return parsed.ok ? parsed.scope : { pattern: text, actions: [] }
}
