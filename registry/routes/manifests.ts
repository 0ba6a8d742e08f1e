import { readBody } from '../../lib/node-http.ts'
import { headerOf, type RequestContext, userOf } from '../http/request-context.ts'
import { type RawHeaders, send, sendEmpty, sendFailure } from '../http/responder.ts'
import { failure, type Result, success } from '../oci/error-table.ts'
import { manifestLimit, withoutParameters } from '../oci/manifest.ts'
import { digestBytes, isRepositoryName, isTag, parseReference, type Reference } from '../oci/reference.ts'
import type { StoredManifest } from '../storage/storage.ts'
import { may, refuse } from './authorize.ts'
import type { RouteDeps } from './deps.ts'

/** Tags that one push by digest may set. */
const maxTags = 100

/** Header lines of a stored manifest, made once. */
const ready = new WeakMap<StoredManifest, RawHeaders>()

/** Pull, push and delete of manifests, by tag and by digest. */
export function manifestRoutes({ storage, pushes, pulls, events, authorization }: RouteDeps) {
  const pulled = (context: RequestContext, manifest: StoredManifest): undefined => {
    if (context.method === 'GET') {
      const { name, last } = context.route
      events.pulled(name, last)
      pulls?.pulled(name, last)
      if (last !== manifest.digest) pulls?.pulled(name, manifest.digest)
    }
    return answer(context, manifest)
  }

  const getFromDisk = async (context: RequestContext): Promise<void> => {
    const reference = referenceOf(context)
    if (!reference) return
    const found = await storage.manifests.get(context.route.name, reference)
    if (!found.ok) return sendFailure(context, found.error)
    pulled(context, found.value)
  }

  // The path every pull takes: no promise and no disk when memory has it.
  const get = (context: RequestContext): undefined | Promise<void> => {
    const { name, last } = context.route
    const known = storage.manifests.peek(name, last)
    return known ? pulled(context, known) : getFromDisk(context)
  }

  /** Whether the body may go under the tags it is meant for; said before anybody looks into it. */
  const mayPut = async (
    context: RequestContext,
    reference: Reference,
    tags: readonly string[],
    body: Buffer,
  ): Promise<Result<boolean>> => {
    const { identity, route } = context
    const mayUpdate = may(authorization, identity, 'update', route.name)
    const mayCreate = may(authorization, identity, 'create', route.name)
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

  const put = async (context: RequestContext): Promise<void> => {
    const reference = referenceOf(context)
    if (!reference) return
    const { name, last } = context.route
    const tags = tagsOf(context, reference)
    if (!tags.ok) return sendFailure(context, tags.error)
    const done = pushes.begin(name)
    try {
      const body = await readBody(context.req, manifestLimit)
      if (body.kind === 'too-large') return sendFailure(context, { name: 'manifest-too-large' })
      if (body.kind === 'broken') return sendFailure(context, { name: 'size-invalid' })
      const allowed = await mayPut(context, reference, tags.value, body.bytes)
      if (!allowed.ok) return sendFailure(context, allowed.error)
      if (!allowed.value) return refuse(context, authorization)
      const existing = may(authorization, context.identity, 'update', name) ? 'replace' : 'keep'
      const type = headerOf(context, 'content-type') ?? ''
      const stored = await storage.manifests.put(name, reference, type, body.bytes, existing, tags.value)
      if (!stored.ok) return sendFailure(context, stored.error)
      const { digest, subject } = stored.value
      if (tags.value.length > 0) pushes.complete(name)
      for (const pushed of new Set([last, ...tags.value, digest.text]))
        pulls?.pushed(name, pushed, context.identity?.user)
      events.emit({
        kind: 'push',
        repository: name,
        tags: tags.value,
        digest: digest.text,
        mediaType: withoutParameters(type),
        bytes: body.bytes.length,
        ...userOf(context),
      })
      const headers = ['Location', `/v2/${name}/manifests/${last}`, 'Docker-Content-Digest', digest.text]
      if (subject) headers.push('OCI-Subject', subject.text)
      if (reference.kind === 'digest') for (const tag of tags.value) headers.push('OCI-Tag', tag)
      sendEmpty(context, 201, headers)
    } finally {
      done()
    }
  }

  const remove = async (context: RequestContext): Promise<void> => {
    const reference = referenceOf(context)
    if (!reference) return
    const { name, last } = context.route
    const shared = authorization.rules.access.detectsCollision(context.identity, name) ? 'keep' : 'remove'
    const removed = await storage.manifests.delete(name, reference, shared)
    if (!removed.ok) return sendFailure(context, removed.error)
    // Whatever has one of these names later begins anew: old pulls say nothing of it.
    for (const gone of removed.value) pulls?.forget(name, gone)
    events.emit({ kind: 'delete', repository: name, reference: last, ...userOf(context) })
    sendEmpty(context, 202)
  }

  return { manifest: { GET: get, HEAD: get, PUT: put, DELETE: remove } }
}

function answer(context: RequestContext, manifest: StoredManifest): undefined {
  let headers = ready.get(manifest)
  if (!headers) {
    headers = headersOf(manifest)
    ready.set(manifest, headers)
  }
  const condition = context.req.headers['if-none-match']
  if (condition?.includes(manifest.digest)) {
    return send(context, 304, ['ETag', `"${manifest.digest}"`, 'Docker-Content-Digest', manifest.digest])
  }
  return send(context, 200, headers, manifest.body)
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
function tagsOf(context: RequestContext, reference: Reference): Result<readonly string[]> {
  const asked = context.query === '' ? [] : new URLSearchParams(context.query).getAll('tag')
  if (asked.length > maxTags) return failure('tags-too-many', { limit: maxTags })
  const wrong = asked.find(tag => !isTag(tag))
  if (wrong !== undefined) return failure('tag-invalid', { tag: wrong })
  if (reference.kind === 'digest') return success([...new Set(asked)])
  if (asked.length === 0) return success([reference.tag])
  return failure('tag-invalid', { reason: 'tag parameters go with a push by digest' })
}

/** Name and reference, checked; undefined: the answer has been given. */
function referenceOf(context: RequestContext): Reference | undefined {
  const { name, last } = context.route
  if (!isRepositoryName(name)) return sendFailure(context, { name: 'name-invalid' })
  const reference = parseReference(last)
  if (reference === 'TAG_INVALID') return sendFailure(context, { name: 'tag-invalid' })
  if (reference === 'DIGEST_INVALID') return sendFailure(context, { name: 'digest-invalid' })
  return reference
}
