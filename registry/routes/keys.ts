import { parseJson } from '../../lib/json.ts'
import { readBody } from '../../lib/node-http.ts'
import { type ApiKey, type KeyPolicy, parseKeyRequest } from '../auth/api-key.ts'
import type { Identity } from '../auth/identity.ts'
import { printScope } from '../auth/scope.ts'
import type { RequestContext } from '../http/request-context.ts'
import { send, sendFailure, sendJson } from '../http/responder.ts'
import type { Logger } from '../log/logger.ts'
import type { ApiKeys } from '../metadata/api-keys.ts'

/** zot's limit for the body of a creation, bytes. */
const bodyLimit = 8 * 1024
/** How zot writes a time that never was. */
const never = '0001-01-01T00:00:00Z'

export interface KeyRouteDeps {
  /** Undefined: config.json has no API keys. */
  readonly apiKeys: ApiKeys | undefined
  readonly keyPolicy: KeyPolicy
  readonly logger: Logger
  /** ms since the epoch. */
  readonly now: () => number
}

/**
 * A person's own keys, at zot's path. Whoever comes with a narrowed key sees and ends only that key and what
 * it made.
 */
export function keyRoutes({ apiKeys, keyPolicy, logger, now }: KeyRouteDeps) {
  const withKeys = (
    work: (context: RequestContext, keys: ApiKeys, identity: Identity) => undefined | Promise<void>,
  ) => {
    return (context: RequestContext): undefined | Promise<void> => {
      const { identity } = context
      if (!apiKeys) return sendFailure(context, { name: 'route-unknown' })
      if (!identity) return sendFailure(context, { name: 'unauthorized' })
      return work(context, apiKeys, identity)
    }
  }

  const create = withKeys(async (context, keys, identity) => {
    const body = await readBody(context.req, bodyLimit)
    if (body.kind === 'too-large') return sendFailure(context, { name: 'body-too-large' })
    if (body.kind === 'broken') return sendFailure(context, { name: 'size-invalid' })
    const asked = parseKeyRequest(parseJson(body.bytes.toString()), {
      policy: keyPolicy,
      now: now(),
      minter: identity,
    })
    if (!asked.ok) {
      const name = asked.reason === 'wider' ? 'denied' : 'request-invalid'
      return sendFailure(context, { name, detail: { reason: asked.problem } })
    }
    const { user, origin, keyId } = identity
    const creatorUa = (context.req.headers['user-agent'] ?? '').slice(0, 256)
    const minted = keyId === undefined ? {} : { mintedBy: keyId }
    const made = await keys.create({ ...asked.request, user, origin, creatorUa, ...minted })
    if (!made.ok) {
      const name = made.reason === 'ended' ? 'unauthorized' : 'denied'
      return sendFailure(context, { name, detail: { reason: notCreated[made.reason] } })
    }
    const { uuid, label } = made.key
    logger.log('info', 'API key created', { user, uuid, label, ...minted })
    sendJson(context, 201, { ...shown(made.key, now()), apiKey: made.secret }, ['Cache-Control', 'no-store'])
  })

  const list = withKeys((context, keys, identity) => {
    const visible = keys.list(identity.user).filter(key => isReach(keys, identity, key.uuid))
    const found = visible.map(key => shown(key, now()))
    return sendJson(context, 200, { apiKeys: found }, ['Cache-Control', 'no-store'])
  })

  const revoke = withKeys(async (context, keys, identity) => {
    const query = new URLSearchParams(context.query)
    const [id, ...more] = query.getAll('id')
    if (id === undefined || id === '' || more.length > 0) {
      return sendFailure(context, { name: 'request-invalid', detail: { reason: 'id is needed once' } })
    }
    // Somebody else's key is as unknown as one that never was. What came out of one that is gone can be ended still.
    const isOurs = (key: ApiKey): boolean => key.user === identity.user && isReach(keys, identity, key.uuid)
    const asked = keys.get(id)
    const offspring = keys.descendants(id).filter(isOurs)
    const also = query.get('descendants') === 'true' ? offspring : []
    const wanted = [...(asked && isOurs(asked) ? [asked] : []), ...also]
    const gone = await keys.revoke(
      wanted.map(({ uuid }) => uuid),
      identity.user,
    )
    for (const { uuid, label } of gone) {
      const along = uuid === id ? {} : { descendantOf: id }
      logger.log('info', 'API key revoked', { user: identity.user, uuid, label, ...along })
    }
    const remaining = offspring.filter(key => !also.includes(key)).map(key => shown(key, now()))
    if (remaining.length > 0) return sendJson(context, 200, { descendants: remaining })
    return send(context, 200, ['Content-Length', '0'])
  })

  return { apikey: { GET: list, HEAD: list, POST: create, DELETE: revoke } }
}

const notCreated = {
  'too-many': 'there are too many keys already: revoke some',
  ended: 'the key that asks was revoked or has expired',
  'line-too-long':
    'too many keys were created one with the other: create this one with the password, or signed in by browser',
} as const

/** Whether an identity may see and end one of its user's keys. */
function isReach(keys: ApiKeys, { keyId, scopes }: Identity, uuid: string): boolean {
  if (keyId === undefined || (scopes?.length ?? 0) === 0 || keyId === uuid) return true
  return keys.descendants(keyId).some(key => key.uuid === uuid)
}

/** zot's fields, and the key that made it. */
function shown(key: ApiKey, now: number): Record<string, unknown> {
  const { uuid, label, scopes, createdAt, expiresAt, lastUsed, creatorUa, generatedBy, mintedBy } = key
  return {
    createdAt: new Date(createdAt).toISOString(),
    expirationDate: new Date(expiresAt).toISOString(),
    isExpired: expiresAt <= now,
    creatorUa,
    generatedBy,
    lastUsed: lastUsed === undefined ? never : new Date(lastUsed).toISOString(),
    label,
    scopes: scopes.map(printScope),
    uuid,
    ...(mintedBy === undefined ? {} : { mintedBy }),
  }
}
