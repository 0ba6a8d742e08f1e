import {
  announcedLength,
  type Handler,
  headerOf,
  queryOf,
  type RequestContext,
  userOf,
} from '../http/request-context.ts'
import { type RawHeaders, sendEmpty, sendFailure } from '../http/responder.ts'
import { type Failure, failure, type Result, success } from '../oci/error-table.ts'
import { parseContentRange, parseEmptyRange } from '../oci/range.ts'
import { type Digest, isNewRepositoryName, isRepositoryName, parseDigest } from '../oci/reference.ts'
import type { Chunk } from '../storage/storage.ts'
import { may } from './authorize.ts'
import type { RouteDeps } from './deps.ts'
import { maxOpenUploads, OpenUploads, uploadKey } from './open-uploads.ts'

/**
 * Pushing blobs: in one request, in two, in chunks that may be resumed, or from another repository.
 * https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#pushing-blobs
 */
export function uploadRoutes(deps: RouteDeps) {
  const uploads = new OpenUploads()
  const steps = createUploadSteps(deps, uploads)
  return { uploads: { POST: startRoute(deps, uploads, steps) }, upload: uploadRoute(deps, uploads, steps) }
}

type UploadSteps = ReturnType<typeof createUploadSteps>

/** What several of the routes do. */
function createUploadSteps({ storage, pushes, state, events }: RouteDeps, uploads: OpenUploads) {
  /** A push is under way in this repository for as long as the work takes. */
  const duringPush = (work: (context: RequestContext) => Promise<void>) => {
    return async (context: RequestContext): Promise<void> => {
      const { name } = context.route
      if (!isNewRepositoryName(name)) return sendFailure(context, { name: 'name-invalid' })
      if (context.route.kind === 'uploads' && state.draining && !pushes.continues(name)) {
        return sendFailure(context, { name: 'draining' })
      }
      const done = pushes.begin(name)
      const { socket } = context.req
      const before = socket.bytesRead
      const arrived = events.uploading(name, () => socket.bytesRead - before)
      try {
        await work(context)
      } finally {
        arrived()
        done()
      }
    }
  }

  /** The last chunk, if there is one, and the commit; answers the size of the blob, bytes. */
  const finish = async (context: RequestContext, id: string, digest: Digest): Promise<Result<number>> => {
    const { name } = context.route
    const chunk = chunkOf(context)
    return chunk.ok ? await storage.uploads.commit(name, id, digest, chunk.value) : chunk
  }

  /** `bytes`: the size of the blob; undefined for one that was mounted. */
  const answerStored = (
    context: RequestContext,
    digest: Digest,
    stored: Result<unknown>,
    bytes?: number,
  ): undefined => {
    const { name } = context.route
    if (!stored.ok) return sendFailure(context, stored.error)
    pushes.between(name)
    const size = bytes === undefined ? {} : { bytes }
    events.emit({ kind: 'blob', repository: name, digest: digest.text, ...size, ...userOf(context) })
    const location = `/v2/${name}/blobs/${digest.text}`
    return sendEmpty(context, 201, ['Location', location, 'Docker-Content-Digest', digest.text])
  }

  /** With where the upload stands, so that the client can go on from there. */
  const refuse = async (context: RequestContext, error: Failure): Promise<void> => {
    const { name, last: id } = context.route
    let offset = error.detail?.['offset']
    if (error.detail?.['contentRange'] !== undefined) {
      const found = await storage.uploads.offset(name, id)
      offset = found.ok ? found.value : undefined
    }
    // An upload of no bytes that was refused once is nothing to count.
    const isEnded = error.name === 'digest-mismatch' && !offset
    if (isEnded || error.name === 'upload-unknown' || error.name === 'disk-full')
      uploads.ended(uploadKey(name, id))
    const retry = error.name === 'upload-busy' ? ['Retry-After', '1'] : []
    const headers = typeof offset === 'number' ? progress(name, id, offset) : []
    sendFailure(context, error, [...headers, ...retry])
  }

  return { within: duringPush, finish, answerStored, refuse }
}

/** Begins an upload, or takes a whole blob, or makes one of another repository this one's. */
function startRoute(
  { storage, authorization }: RouteDeps,
  uploads: OpenUploads,
  { within, finish, answerStored }: UploadSteps,
): Handler {
  const open = async (context: RequestContext): Promise<void> => {
    const { name } = context.route
    const begun = uploads.begin(context.client)
    if (!begun) {
      const detail = { client: context.client.key, open: maxOpenUploads }
      return sendFailure(context, { name: 'too-many-uploads', detail }, ['Retry-After', '5'])
    }
    const started = await storage.uploads.start(name).catch(error => {
      begun(undefined)
      throw error
    })
    begun(started.ok ? uploadKey(name, started.value) : undefined)
    if (!started.ok) return sendFailure(context, started.error)
    sendEmpty(context, 202, progress(name, started.value, 0))
  }

  const mountOrStart = async (context: RequestContext, mount: string): Promise<void> => {
    const { name } = context.route
    const digest = parseDigest(mount)
    if (!digest) return sendFailure(context, { name: 'digest-invalid' })
    const from = queryOf(context, 'from')
    // Without the right to read it there, it is not there.
    const mayRead = (other: string): boolean => may(authorization, context.identity, 'read', other)
    const found = from === null ? await storage.blobs.find(name, digest, mayRead) : success(from)
    const source = found.ok ? found.value : undefined
    if (source !== undefined && isRepositoryName(source) && mayRead(source)) {
      const mounted = await storage.blobs.mount(source, name, digest)
      if (mounted.ok) return answerStored(context, digest, success(undefined))
      if (mounted.error.name !== 'blob-unknown') return sendFailure(context, mounted.error)
    }
    // Not there to be mounted: the client uploads it.
    await open(context)
  }

  return within(async context => {
    const { name } = context.route
    const mount = queryOf(context, 'mount')
    if (mount !== null) return await mountOrStart(context, mount)
    const asked = queryOf(context, 'digest')
    if (asked === null) return await open(context)
    const digest = parseDigest(asked)
    if (!digest) return sendFailure(context, { name: 'digest-invalid' })
    const started = await storage.uploads.start(name)
    if (!started.ok) return sendFailure(context, started.error)
    const stored = await finish(context, started.value, digest)
    // Nobody knows the identifier, so nobody could go on with what arrived.
    if (!stored.ok) await storage.uploads.cancel(name, started.value)
    answerStored(context, digest, stored, stored.ok ? stored.value : undefined)
  })
}

/** What is done with an upload that was begun. */
function uploadRoute(
  { storage }: RouteDeps,
  uploads: OpenUploads,
  { within, finish, answerStored, refuse }: UploadSteps,
) {
  const status = async (context: RequestContext): Promise<void> => {
    const { name, last: id } = context.route
    if (!isRepositoryName(name)) return sendFailure(context, { name: 'name-invalid' })
    uploads.touched(uploadKey(name, id))
    const offset = await storage.uploads.offset(name, id)
    if (!offset.ok) return sendFailure(context, offset.error)
    sendEmpty(context, 204, progress(name, id, offset.value))
  }

  const patch = within(async context => {
    const { name, last: id } = context.route
    uploads.touched(uploadKey(name, id))
    const chunk = chunkOf(context)
    if (!chunk.ok) return await refuse(context, chunk.error)
    const written = await storage.uploads.write(name, id, chunk.value)
    if (!written.ok) return await refuse(context, written.error)
    sendEmpty(context, 202, progress(name, id, written.value))
  })

  const put = within(async context => {
    const digest = parseDigest(queryOf(context, 'digest') ?? '')
    if (!digest) return sendFailure(context, { name: 'digest-invalid' })
    const stored = await finish(context, context.route.last, digest)
    if (!stored.ok) return await refuse(context, stored.error)
    uploads.ended(keyOf(context))
    answerStored(context, digest, stored, stored.value)
  })

  const remove = within(async context => {
    const cancelled = await storage.uploads.cancel(context.route.name, context.route.last)
    if (!cancelled.ok) return sendFailure(context, cancelled.error)
    uploads.ended(keyOf(context))
    sendEmpty(context, 204)
  })

  return { GET: status, HEAD: status, PATCH: patch, PUT: put, DELETE: remove }
}

const keyOf = ({ route }: RequestContext): string => uploadKey(route.name, route.last)

/** Body and announcements of a request, or what is contradictory in them. */
function chunkOf(context: RequestContext): Result<Chunk> {
  const length = announcedLength(context)
  const header = headerOf(context, 'content-range')
  if (header === undefined) {
    return success({ body: context.req, ...(length === undefined ? {} : { length }) })
  }
  const range =
    length === 0 ? (parseEmptyRange(header) ?? parseContentRange(header)) : parseContentRange(header)
  if (!range) return failure('upload-out-of-order', { contentRange: header })
  const expected = range.end - range.start + 1
  if (length !== undefined && length !== expected) {
    return failure('size-invalid', { contentRange: header, contentLength: length })
  }
  return success({ body: context.req, at: range.start, length: expected })
}

/** An empty upload shows `0-0`, as in zot. */
function progress(name: string, id: string, offset: number): RawHeaders {
  const location = `/v2/${name}/blobs/uploads/${id}`
  return ['Location', location, 'Range', `0-${Math.max(0, offset - 1)}`, 'Docker-Upload-UUID', id]
}
