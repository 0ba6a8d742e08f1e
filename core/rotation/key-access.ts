import { fail, ok, type Result } from '../../contract/result.ts'
import type { Bearer, KeyDesk, ListedKey } from './key-client.ts'

/** A way to see and end the keys of one user. */
export interface Access {
  /** "the administration socket", "the key itself". */
  by: 'admin-socket' | 'key'
  list(): Promise<Result<ListedKey[]>>
  /** Fine for a key that is not there. */
  revoke(uuid: string): Promise<Result<null>>
}

const refused = (user: string): Result<never> => fail({ code: 'key-not-accepted', user })

/**
 * The administration socket where there is one, as asking it uses no key; else the first of these keys that the
 * registry lets in. Undefined: none of them.
 */
export async function accessTo(
  desk: KeyDesk,
  user: string,
  keys: readonly (string | undefined)[],
): Promise<Result<Access | undefined>> {
  const all = await desk.ofEverybody()
  if (all?.ok)
    return ok({
      by: 'admin-socket',
      async list() {
        const now = await desk.ofEverybody()
        if (!now) return fail({ code: 'registry-not-serving' })
        return now.ok ? ok(now.value.filter(key => key.user === user)) : now
      },
      revoke: uuid => desk.revokeAny(uuid),
    })
  for (const key of keys) {
    if (key === undefined) continue
    const bearer = { user, key }
    const own = await desk.own(bearer)
    if (!own.ok) return own
    if (own.value === 'refused') continue
    return ok({
      by: 'key',
      async list() {
        const now = await desk.own(bearer)
        return now.ok ? (now.value === 'refused' ? refused(user) : ok(now.value)) : now
      },
      async revoke(uuid) {
        const gone = await desk.revoke(bearer, uuid)
        return gone.ok ? (gone.value === 'refused' ? refused(user) : ok(null)) : gone
      },
    })
  }
  return ok(undefined)
}

const isLive = (key: ListedKey, now: number): boolean =>
  key.expirationDate === null || Date.parse(key.expirationDate) > now

/**
 * Which of a user's keys this one is. A registry does not tell; but each use moves the `lastUsed` of the key that was
 * used, so the one that moves with every question is it.
 */
export async function identify(
  desk: KeyDesk,
  bearer: Bearer,
  { now, pause }: { now(): number; pause(ms: number): Promise<void> },
): Promise<Result<ListedKey>> {
  let before: ListedKey[] | undefined
  let candidates: ListedKey[] = []
  for (let round = 0; round < 6; round += 1) {
    const own = await desk.own(bearer)
    if (!own.ok) return own
    if (own.value === 'refused') return refused(bearer.user)
    const seen = own.value.filter(key => isLive(key, now()))
    if (seen.length === 1 && seen[0]) return ok(seen[0])
    const moved = (key: ListedKey): boolean => {
      const last = before?.find(one => one.uuid === key.uuid)
      return last !== undefined && key.lastUsed !== null && key.lastUsed !== last.lastUsed
    }
    if (before) {
      candidates = (round === 1 ? seen : candidates)
        .map(one => seen.find(key => key.uuid === one.uuid))
        .filter(key => key !== undefined)
        .filter(moved)
      if (candidates.length === 1 && candidates[0]) return ok(candidates[0])
      if (candidates.length === 0) break
    }
    before = seen
    await pause(round < 2 ? 20 : 300)
  }
  return fail({ code: 'key-unidentified', user: bearer.user })
}

const form = /^zak_[0-9a-f]{32}$/

/** Reads a key that somebody pasted or piped: the spaces and line ends around it do not count. */
export function readKey(text: string): Result<string> {
  const key = text.trim()
  const bad = (reason: string) => fail({ code: 'key-malformed', reason })
  if (key === '') return bad('It is empty')
  if (/\s/.test(key)) return bad('There is a space or a line break in it')
  if (!key.startsWith('zak_')) return bad('It does not begin with zak_')
  return form.test(key)
    ? ok(key)
    : bad(key.length === 36 ? 'It has other characters in it' : `It has ${key.length} characters`)
}

/** Whether the registry lets this user in with it; where not, whose key it is, as far as that can be told. */
export async function acceptKey(
  desk: KeyDesk,
  bearer: Bearer,
  othersKnown: readonly string[],
): Promise<Result<null>> {
  const own = await desk.own(bearer)
  if (!own.ok) return own
  if (own.value !== 'refused') return ok(null)
  const all = await desk.ofEverybody()
  const names = all?.ok ? all.value.map(({ user }) => user) : []
  const others = [...new Set([...names, ...othersKnown])].filter(user => user !== bearer.user)
  for (const user of others.slice(0, 30)) {
    const as = await desk.own({ user, key: bearer.key })
    if (as.ok && as.value !== 'refused')
      return fail({ code: 'key-not-accepted', user: bearer.user, owner: user })
  }
  return fail({ code: 'key-not-accepted', user: bearer.user })
}
