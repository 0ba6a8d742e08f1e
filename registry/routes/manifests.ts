import { readBody } from '../../lib/http-body.ts'
import { type Exchange, headerOf, userOf } from '../http/exchange.ts'
import { type RawHeaders, send, sendEmpty, sendFailure } from '../http/responder.ts'
import { failure, type Result, success } from '../oci/error-table.ts'
import { manifestLimit, withoutParameters } from '../oci/manifest.ts'
import { digestBytes, isRepositoryName, isTag, parseReference, type Reference } from '../oci/reference.ts'
import type { StoredManifest } from '../storage/storage.ts'
import type { RouteContext } from './context.ts'
import { may, refuse } from './gate.ts'

/** Tags that one push by digest may set. */
const maxTags = 100

/** Header lines of a stored manifest, made once. */
const ready = new WeakMap<StoredManifest, RawHeaders>()

/** Pull, push and delete of manifests, by tag and by digest. */
export function manifestRoutes({ storage, pushes, pulls, events, gate }: RouteContext) {
  // The path every pull takes: no promise and no disk when memory has it.
  const get = (exchange: Exchange): undefined | Promise<void> => {
    const { name, last } = exchange.route
    const known = storage.manifests.peek(name, last)
    return known ? pulled(exchange, known) : getFromDisk(exchange)
  }

  const getFromDisk = async (exchange: Exchange): Promise<void> => {
    const reference = referenceOf(exchange)
    if (!reference) return
    const found = await storage.manifests.get(exchange.route.name, reference)
    if (!found.ok) return sendFailure(exchange, found.error)
    pulled(exchange, found.value)
  }

  const pulled = (exchange: Exchange, manifest: StoredManifest): undefined => {
    if (exchange.method === 'GET') {
      const { name, last } = exchange.route
      events.pulled(name, last)
      pulls?.pulled(name, last)
      if (last !== manifest.digest) pulls?.pulled(name, manifest.digest)
    }
    return answer(exchange, manifest)
  }

  /** Whether the body may go under the tags it is meant for; said before anybody looks into it. */
  const mayPut = async (
    exchange: Exchange,
    reference: Reference,
    tags: readonly string[],
    body: Buffer,
  ): Promise<Result<boolean>> => {
    const { identity, route } = exchange
    const mayUpdate = may(gate, identity, 'update', route.name)
    const mayCreate = may(gate, identity, 'create', route.name)
    if (mayUpdate && mayCreate) return success(true)
    const meant = digestBytes('sha256', body).text
    for (const tag of tags) {
      const current = await storage.manifests.digestOf(route.name, tag)
      if (!current.ok) return current
      const isSame = current.value === (reference.kind === 'digest' ? reference.digest.text : meant)
      if (current.value === undefined ? !mayCreate : !mayUpdate && !isSame) return success(false)
    }
    return success(mayCreate || reference.kind === 'tag')
  }

  const put = async (exchange: Exchange): Promise<void> => {
    const reference = referenceOf(exchange)
    if (!reference) return
    const { name, last } = exchange.route
    const tags = tagsOf(exchange, reference)
    if (!tags.ok) return sendFailure(exchange, tags.error)
    const done = pushes.begin(name)
    try {
      const body = await readBody(exchange.req, manifestLimit)
      if (body.kind === 'too-large') return sendFailure(exchange, { name: 'manifest-too-large' })
      if (body.kind === 'broken') return sendFailure(exchange, { name: 'size-invalid' })
      const allowed = await mayPut(exchange, reference, tags.value, body.bytes)
      if (!allowed.ok) return sendFailure(exchange, allowed.error)
      if (!allowed.value) return refuse(exchange, gate)
      const existing = may(gate, exchange.identity, 'update', name) ? 'replace' : 'keep'
      const type = headerOf(exchange, 'content-type') ?? ''
      const stored = await storage.manifests.put(name, reference, type, body.bytes, existing, tags.value)
      if (!stored.ok) return sendFailure(exchange, stored.error)
      const { digest, subject } = stored.value
      if (tags.value.length > 0) pushes.complete(name)
      for (const pushed of new Set([last, ...tags.value, digest.text]))
        pulls?.pushed(name, pushed, exchange.identity?.user)
      events.emit({
        kind: 'push',
        repository: name,
        tags: tags.value,
        digest: digest.text,
        mediaType: withoutParameters(type),
        bytes: body.bytes.length,
        ...userOf(exchange),
      })
      const headers = ['Location', `/v2/${name}/manifests/${last}`, 'Docker-Content-Digest', digest.text]
      if (subject) headers.push('OCI-Subject', subject.text)
      if (reference.kind === 'digest') for (const tag of tags.value) headers.push('OCI-Tag', tag)
      sendEmpty(exchange, 201, headers)
    } finally {
      done()
    }
  }

  const remove = async (exchange: Exchange): Promise<void> => {
    const reference = referenceOf(exchange)
    if (!reference) return
    const { name, last } = exchange.route
    const shared = gate.rules.access.detectsCollision(exchange.identity, name) ? 'keep' : 'remove'
    const removed = await storage.manifests.delete(name, reference, shared)
    if (!removed.ok) return sendFailure(exchange, removed.error)
    // Whatever has one of these names later begins anew: old pulls say nothing of it.
    for (const gone of removed.value) pulls?.forget(name, gone)
    events.emit({ kind: 'delete', repository: name, reference: last, ...userOf(exchange) })
    sendEmpty(exchange, 202)
  }

  return { manifest: { GET: get, HEAD: get, PUT: put, DELETE: remove } }
}

function answer(exchange: Exchange, manifest: StoredManifest): undefined {
  let headers = ready.get(manifest)
  if (!headers) {
    headers = headersOf(manifest)
    ready.set(manifest, headers)
  }
  const condition = exchange.req.headers['if-none-match']
  if (condition?.includes(manifest.digest)) {
    return send(exchange, 304, ['ETag', `"${manifest.digest}"`, 'Docker-Content-Digest', manifest.digest])
  }
  return send(exchange, 200, headers, manifest.body)
}

function headersOf({ digest, mediaType, body }: StoredManifest): RawHeaders {
  return [
    'Content-Type',
    mediaType,
    'Content-Length',
    String(body.length),
    'Docker-Content-Digest',
    digest,
    'ETag',
    `"${digest}"`,
    'Docker-Distribution-API-Version',
    'registry/2.0',
  ]
}

/** The tags that a push is to set. https://github.com/opencontainers/distribution-spec/pull/600 */
function tagsOf(exchange: Exchange, reference: Reference): Result<readonly string[]> {
  const asked = exchange.query === '' ? [] : new URLSearchParams(exchange.query).getAll('tag')
  if (asked.length > maxTags) return failure('tags-too-many', { limit: maxTags })
  const wrong = asked.find(tag => !isTag(tag))
  if (wrong !== undefined) return failure('tag-invalid', { tag: wrong })
  if (reference.kind === 'digest') return success([...new Set(asked)])
  if (asked.length === 0) return success([reference.tag])
  return failure('tag-invalid', { reason: 'tag parameters go with a push by digest' })
}

/** Name and reference, checked; undefined: the answer has been given. */
function referenceOf(exchange: Exchange): Reference | undefined {
  const { name, last } = exchange.route
  if (!isRepositoryName(name)) return sendFailure(exchange, { name: 'name-invalid' })
  const reference = parseReference(last)
  if (reference === 'TAG_INVALID') return sendFailure(exchange, { name: 'tag-invalid' })
  if (reference === 'DIGEST_INVALID') return sendFailure(exchange, { name: 'digest-invalid' })
  return reference
}
