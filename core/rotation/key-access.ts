import { fail, ok, type Result } from '../../contract/result.ts'
import type { Bearer, KeyClient, ListedKey } from './key-client.ts'

/** Lists and revokes the keys of one user. */
export interface KeyAccess {
  /** "the administration socket", "the key itself". */
  by: 'admin-socket' | 'key'
  list(): Promise<Result<ListedKey[]>>
  /**
   * Succeeds for a key that does not exist. Answers the keys that came out of it and still work, where the engine
   * knows.
   */
  revoke(uuid: string): Promise<Result<string[]>>
}

const refused = (user: string): Result<never> => fail({ code: 'key-not-accepted', user })

/** Reads a secret from the store, which may ask somebody for it. */
type StoredKey = () => Promise<Result<string | undefined>>

/**
 * Uses the administration socket where there is one, because that uses no key; else the first of these keys that the
 * registry accepts; a key is read from the store when it is tried. Undefined where it accepts none. Fails where that is
 * not known: the administration gives no answer, or a key could not be read.
 */
export async function openKeyAccess(
  client: KeyClient,
  user: string,
  keys: readonly StoredKey[],
): Promise<Result<KeyAccess | undefined>> {
  const all = await client.listAll()
  if (all?.ok)
    return ok({
      by: 'admin-socket',
      async list() {
        const now = await client.listAll()
        if (!now) return fail({ code: 'registry-not-serving' })
        return now.ok ? ok(now.value.filter(key => key.user === user)) : now
      },
      revoke: uuid => client.revokeAny(uuid),
    })
  if (all?.error.code === 'registry-unreachable') return all
  let unread: Result<never> | undefined
  for (const read of keys) {
    const stored = await read()
    if (!stored.ok) unread ??= stored
    if (!stored.ok || stored.value === undefined) continue
    const bearer = { user, key: stored.value }
    const listed = await client.listOwn(bearer)
    if (!listed.ok) return listed
    if (listed.value === 'refused') continue
    return ok({
      by: 'key',
      async list() {
        const now = await client.listOwn(bearer)
        return now.ok ? (now.value === 'refused' ? refused(user) : ok(now.value)) : now
      },
      async revoke(uuid) {
        const revoked = await client.revoke(bearer, uuid)
        return revoked.ok ? (revoked.value === 'refused' ? refused(user) : ok(revoked.value)) : revoked
      },
    })
  }
  return unread ?? ok(undefined)
}

const isLive = (key: ListedKey, now: number): boolean =>
  key.expirationDate === null || Date.parse(key.expirationDate) > now

/**
 * Finds which of a user's keys this one is. A registry does not say, but each use changes the `lastUsed` of the key:
 * the one whose time changes with every request is the one.
 */
export async function identifyKey(
  client: KeyClient,
  bearer: Bearer,
  { now, pause }: { now(): number; pause(ms: number): Promise<void> },
): Promise<Result<ListedKey>> {
  let before: ListedKey[] | undefined
  let candidates: ListedKey[] = []
  for (let round = 0; round < 6; round += 1) {
    const listed = await client.listOwn(bearer)
    if (!listed.ok) return listed
    if (listed.value === 'refused') return refused(bearer.user)
    const live = listed.value.filter(key => isLive(key, now()))
    if (live.length === 1 && live[0]) return ok(live[0])
    const wasUsed = (key: ListedKey): boolean => {
      const last = before?.find(earlier => earlier.uuid === key.uuid)
      return last !== undefined && key.lastUsed !== null && key.lastUsed !== last.lastUsed
    }
    if (before) {
      candidates = (round === 1 ? live : candidates)
        .map(entry => live.find(key => key.uuid === entry.uuid))
        .filter(key => key !== undefined)
        .filter(wasUsed)
      if (candidates.length === 1 && candidates[0]) return ok(candidates[0])
      if (candidates.length === 0) break
    }
    before = live
    await pause(round < 2 ? 20 : 300)
  }
  return fail({ code: 'key-unidentified', user: bearer.user })
}

const keyPattern = /^zak_[0-9a-f]{32}$/

/** Parses a key that somebody pasted or piped; spaces and line ends around it are ignored. */
export function parseKey(text: string): Result<string> {
  const key = text.trim()
  const malformed = (reason: string) => fail({ code: 'key-malformed', reason })
  if (key === '') return malformed('It is empty')
  if (/\s/.test(key)) return malformed('There is a space or a line break in it')
  if (!key.startsWith('zak_')) return malformed('It does not begin with zak_')
  return keyPattern.test(key)
    ? ok(key)
    : malformed(key.length === 36 ? 'It has other characters in it' : `It has ${key.length} characters`)
}

/** Checks that the registry accepts the key for this user; where not, says whose it is, if that can be found out. */
export async function checkKey(
  client: KeyClient,
  bearer: Bearer,
  knownUsers: readonly string[],
): Promise<Result<null>> {
  const listed = await client.listOwn(bearer)
  if (!listed.ok) return listed
  if (listed.value !== 'refused') return ok(null)
  const all = await client.listAll()
  const names = all?.ok ? all.value.map(({ user }) => user) : []
  const otherUsers = [...new Set([...names, ...knownUsers])].filter(user => user !== bearer.user)
  for (const user of otherUsers.slice(0, 30)) {
    const as = await client.listOwn({ user, key: bearer.key })
    if (as.ok && as.value !== 'refused')
      return fail({ code: 'key-not-accepted', user: bearer.user, owner: user })
  }
  return fail({ code: 'key-not-accepted', user: bearer.user })
}
