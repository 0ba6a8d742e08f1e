import * as v from 'valibot'
import { parseJson } from '../../lib/json.ts'

/** A change of an API key, as the registry's log has it. */
export interface KeyChange {
  kind: 'made' | 'revoked'
  user: string
  /** Of a revoked key; the log does not name a new one. */
  uuid?: string
  /** ms since the epoch. */
  at: number
}

/** How a rollback learns of keys that were made and revoked meanwhile, and revokes again. */
export interface KeyChanges {
  since(at: number): Promise<KeyChange[]>
  /** The user whose keys the app can revoke. */
  ownUser(): Promise<string | undefined>
  /** Whether it is revoked now. */
  revoke(uuid: string): Promise<boolean>
}

const line = v.object({
  message: v.literal('HTTP API'),
  time: v.string(),
  method: v.picklist(['POST', 'DELETE']),
  path: v.pipe(v.string(), v.regex(/^\/zot\/auth\/apikey(\?|$)/)),
  statusCode: v.pipe(v.number(), v.minValue(200), v.maxValue(299)),
  username: v.optional(v.string(), ''),
})

/**
 * One line of zot's log: each request is logged as "HTTP API" with method, path and username, the query included, so a
 * revocation names its key and a new key only its owner.
 */
export function keyChangeIn(text: string): KeyChange | undefined {
  if (!text.includes('auth/apikey')) return undefined
  const read = v.safeParse(line, parseJson(text))
  if (!read.success) return undefined
  const { time, method, path, username: user } = read.output
  const at = Date.parse(time)
  if (Number.isNaN(at)) return undefined
  if (method === 'POST') return { kind: 'made', user, at }
  const uuid = new URLSearchParams(path.slice(path.indexOf('?') + 1)).get('id')
  return uuid === null ? undefined : { kind: 'revoked', user, uuid, at }
}

const changes = v.array(
  v.object({
    kind: v.picklist(['made', 'revoked']),
    user: v.string(),
    uuid: v.exactOptional(v.string()),
    at: v.number(),
  }),
)
export const parseChanges = (text: string): KeyChange[] => {
  const read = v.safeParse(changes, parseJson(text))
  return read.success ? read.output : []
}
