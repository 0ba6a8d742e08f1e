import { readBody } from '../../lib/node-http.ts'
import type { Action } from '../auth/scope.ts'
import { isNotModified } from '../http/conditions.ts'
import { headerOf, type RequestContext, userOf } from '../http/request-context.ts'
import { type RawHeaders, send, sendEmpty, sendFailure } from '../http/responder.ts'
import { type Failure, failure, type Result, success } from '../oci/error-table.ts'
import { manifestLimit, withoutParameters } from '../oci/manifest.ts'
import { digestBytes, isNewRepositoryName, isTag, type Reference } from '../oci/reference.ts'
import type { StoredManifest } from '../storage/storage.ts'
import { may, refuse } from './authorize.ts'
import type { RouteDeps } from './deps.ts'
import { referenceOf, storedReferenceOf, textOf } from './manifest-reference.ts'

/** Tags that one push by digest may set. */
const maxTags = 100

/** The right that a push lacks, and the tag that it lacks it for. */
interface Missing {
  readonly right: Action
  readonly tag: string | undefined
}

/** Header lines of a stored manifest, made once. */
const ready = new WeakMap<StoredManifest, RawHeaders>()

/** Pull, push and delete of manifests, by tag and by digest. */
export function manifestRoutes({ storage, pushes, pulls, events, authorization }: RouteDeps) {
  const pulled = (context: RequestContext, manifest: StoredManifest, asked: string): undefined => {
    if (context.method === 'GET') {
      const { name } = context.route
      events.pulled(name, asked)
      pulls?.pulled(name, asked)
      if (asked !== manifest.digest) pulls?.pulled(name, manifest.digest)
    }
    return answer(context, manifest)
  }

  const getFromDisk = async (context: RequestContext): Promise<void> => {
    const reference = await storedReferenceOf(storage.manifests, context)
    if (!reference) return
    const found = await storage.manifests.get(context.route.name, reference)
    if (!found.ok) return sendFailure(context, found.error)
    pulled(context, found.value, textOf(reference))
  }

  // The path every pull takes: no promise and no disk when memory has it.
  const get = (context: RequestContext): undefined | Promise<void> => {
    const { name, last } = context.route
    const known = storage.manifests.peek(name, last)
    return known ? pulled(context, known, last) : getFromDisk(context)
  }

  /** What is missing for the body to go under the tags it is meant for; said before anybody looks into it. */
  const missingFor = async (
    context: RequestContext,
    reference: Reference,
    tags: readonly string[],
    body: Buffer,
  ): Promise<Result<Missing | undefined>> => {
    const { identity, route } = context
    const mayUpdate = may(authorization, identity, 'update', route.name)
    const mayCreate = may(authorization, identity, 'create', route.name)
    if (mayUpdate && mayCreate) return success(undefined)
    const meant = digestBytes('sha256', body).text
    for (const tag of tags) {
      const current = await storage.manifests.digestOf(route.name, tag)
      if (!current.ok) return current
      const isSame = current.value === (reference.kind === 'digest' ? reference.digest.text : meant)
      if (current.value === undefined && !mayCreate) return success({ right: 'create', tag })
      if (current.value !== undefined && !mayUpdate && !isSame) return success({ right: 'update', tag })
    }
    return success(mayCreate || reference.kind === 'tag' ? undefined : { right: 'create', tag: undefined })
  }

  /** A tag that another push made in the meantime is refused as one that was there before. */
  const failPut = (context: RequestContext, error: Failure): undefined => {
    const tag = error.detail?.['tag']
    if (error.name !== 'denied' || typeof tag !== 'string') return sendFailure(context, error)
    return refuse(context, authorization, 'update', tag)
  }

  const put = async (context: RequestContext): Promise<void> => {
    const { name, last } = context.route
    if (!isNewRepositoryName(name)) return sendFailure(context, { name: 'name-invalid' })
    const reference = referenceOf(context)
    if (!reference) return
    const tags = tagsOf(context, reference)
    if (!tags.ok) return sendFailure(context, tags.error)
    const done = pushes.begin(name)
    try {
      const body = await readBody(context.req, manifestLimit)
      if (body.kind === 'too-large') return sendFailure(context, { name: 'manifest-too-large' })
      if (body.kind === 'broken') return sendFailure(context, { name: 'size-invalid' })
      const missing = await missingFor(context, reference, tags.value, body.bytes)
      if (!missing.ok) return sendFailure(context, missing.error)
      if (missing.value) return refuse(context, authorization, missing.value.right, missing.value.tag)
      const existing = may(authorization, context.identity, 'update', name) ? 'replace' : 'keep'
      const type = headerOf(context, 'content-type') ?? ''
      const stored = await storage.manifests.put(name, reference, type, body.bytes, existing, tags.value)
      if (!stored.ok) return failPut(context, stored.error)
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
    const reference = await storedReferenceOf(storage.manifests, context)
    if (!reference) return
    const { name } = context.route
    const shared = authorization.rules.access.detectsCollision(context.identity, name) ? 'keep' : 'remove'
    const removed = await storage.manifests.delete(name, reference, shared)
    if (!removed.ok) {
      // Other tags, and the index that has it, are nothing for somebody who may not read.
      const mayRead = may(authorization, context.identity, 'read', name)
      return sendFailure(context, mayRead ? removed.error : { name: removed.error.name })
    }
    // Whatever has one of these names later begins anew: old pulls say nothing of it.
    for (const gone of removed.value) pulls?.forget(name, gone)
    events.emit({ kind: 'delete', repository: name, reference: textOf(reference), ...userOf(context) })
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
  if (isNotModified(context.req.headers['if-none-match'], manifest.digest)) {
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
