import { setImmediate } from 'node:timers/promises'
import * as v from 'valibot'
import { parseJson } from '../../lib/json.ts'

/** One request of the registry's log that was sent in a user's name. */
export interface LoggedRequest {
  /** ms since the epoch: when it was answered. */
  at: number
  /** `key`: it created or revoked an API key; `write`: it changed anything else. */
  kind: 'key' | 'write' | 'read'
  method: string
  /** Without its query. */
  path: string
  query: URLSearchParams
  status: number
  /** The address of the peer without its port, such as a reverse proxy's. */
  from: string
  /** Whom the peer says that it asks for; anybody can write that. */
  forwardedFor?: string
  /** As the client calls itself. */
  agent: string
  /** The key that was shown; absent where the log does not say, or where it was a password. */
  keyId?: string
  /** The log names nobody: a browser's session at zot. */
  isNameless: boolean
}

/** What the log has of one user. */
export interface LoggedRequests {
  /** Newest first. */
  requests: LoggedRequest[]
  /** When the log begins, ms since the epoch; undefined where no line of it has a time. */
  since?: number
  /** There are requests in the log, of whomever: its level lets them in. */
  hasRequests: boolean
}

const keyPath = '/zot/auth/apikey'
/** So many lines are parsed before others get their turn. */
const sliceLines = 2_000

/** Both engines write this line. https://github.com/project-zot/zot/blob/v2.1.15/pkg/api/session.go */
const line = v.object({
  message: v.literal('HTTP API'),
  time: v.string(),
  method: v.string(),
  path: v.string(),
  statusCode: v.number(),
  clientIP: v.optional(v.string(), ''),
  username: v.optional(v.string(), ''),
  keyId: v.optional(v.string()),
  headers: v.optional(v.record(v.string(), v.array(v.string())), {}),
})

/**
 * The requests of `user` in lines of the registry's log (oldest first), but for those of `ownAgent`: the user agent of
 * one run of Zotbar, which nobody else knows before the run is over.
 */
export async function requestsIn(
  lines: readonly string[],
  { user, ownAgent }: { user: string; ownAgent: string | undefined },
): Promise<LoggedRequests> {
  const requests: LoggedRequest[] = []
  let hasRequests = false
  for (const [index, text] of lines.entries()) {
    if (index % sliceLines === sliceLines - 1) await setImmediate()
    if (!text.includes('"HTTP API"')) continue
    const parsed = v.safeParse(line, parseJson(text))
    if (!parsed.success) continue
    hasRequests = true
    const request = requestOf(parsed.output)
    const isOfUser = parsed.output.username === user || (request.isNameless && request.kind === 'key')
    const isOwn = ownAgent !== undefined && request.agent === ownAgent
    if (isOfUser && !isOwn && !Number.isNaN(request.at)) requests.push(request)
  }
  requests.reverse()
  const since = timeOf(lines)
  return { requests, hasRequests, ...(since === undefined ? {} : { since }) }
}

function requestOf({
  time,
  method,
  path: url,
  statusCode,
  clientIP,
  headers,
  ...rest
}: v.InferOutput<typeof line>): LoggedRequest {
  const [path = '', query = ''] = url.split('?', 2)
  const forwardedFor = headers['X-Forwarded-For']?.join(', ')
  const isRead = method === 'GET' || method === 'HEAD'
  return {
    at: Date.parse(time),
    kind: isRead ? 'read' : path === keyPath ? 'key' : 'write',
    method,
    path,
    query: new URLSearchParams(query),
    status: statusCode,
    from: clientIP.replace(/:\d+$/, ''),
    ...(forwardedFor === undefined ? {} : { forwardedFor }),
    agent: headers['User-Agent']?.[0] ?? '',
    ...(rest.keyId === undefined ? {} : { keyId: rest.keyId }),
    isNameless: rest.username === '',
  }
}

/** The time of the first line that has one. */
function timeOf(lines: readonly string[]): number | undefined {
  for (const text of lines.slice(0, 1_000)) {
    const timed = v.safeParse(v.object({ time: v.string() }), parseJson(text))
    const at = timed.success ? Date.parse(timed.output.time) : Number.NaN
    if (!Number.isNaN(at)) return at
  }
  return undefined
}

/** A key as the registry lists it, as far as this needs it. */
interface CreatedKey {
  createdAt: string
  /** The key that it was created with, where the engine says so. */
  mintedBy?: string | undefined
}

/** A line is written once the answer is complete, by the clock that also dates the key. */
const longestAnswerMs = 10_000
const clockStepMs = 50

/**
 * Which request created which of these keys: the one that was answered next after the creation. A log does not say it;
 * a key that no request fits, and a request that no key fits, are left out.
 */
export function creationsOf<Key extends CreatedKey>(
  requests: readonly LoggedRequest[],
  keys: readonly Key[],
): Map<LoggedRequest, Key> {
  const creations = new Map<LoggedRequest, Key>()
  const candidates = requests
    .filter(({ kind, method, status }) => kind === 'key' && method === 'POST' && status < 300)
    .toSorted((a, b) => a.at - b.at)
  for (const key of keys.toSorted((a, b) => Date.parse(a.createdAt) - Date.parse(b.createdAt))) {
    const request = candidates.find(one => !creations.has(one) && canHaveCreated(one, key))
    if (request) creations.set(request, key)
  }
  return creations
}

function canHaveCreated({ at, keyId }: LoggedRequest, { createdAt, mintedBy }: CreatedKey): boolean {
  // An engine that names the key of a request also says which key made another: none was made over its administration.
  if (keyId !== undefined && keyId !== mintedBy) return false
  const tookMs = at - Date.parse(createdAt)
  return tookMs >= -clockStepMs && tookMs <= longestAnswerMs
}
