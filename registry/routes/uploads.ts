import { announcedLength, type Exchange, headerOf, queryOf, userOf } from '../http/exchange.ts'
import { type RawHeaders, sendEmpty, sendFailure } from '../http/responder.ts'
import { type Failure, failure, type Result, success } from '../oci/error-table.ts'
import { parseContentRange, parseEmptyRange } from '../oci/range.ts'
import { type Digest, isRepositoryName, parseDigest } from '../oci/reference.ts'
import type { Chunk } from '../storage/storage.ts'
import type { RouteContext } from './context.ts'
import { may } from './gate.ts'
import { maxOpenUploads, OpenUploads, uploadKey } from './open-uploads.ts'

/**
 * Pushing blobs: in one request, in two, in chunks that may be resumed, or from another repository.
 * https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#pushing-blobs
 */
export function uploadRoutes({ storage, pushes, state, events, gate }: RouteContext) {
  const uploads = new OpenUploads()
  /** A push is under way in this repository for as long as the work takes. */
  const within = (work: (exchange: Exchange) => Promise<void>) => {
    return async (exchange: Exchange): Promise<void> => {
      const { name } = exchange.route
      if (!isRepositoryName(name)) return sendFailure(exchange, { name: 'name-invalid' })
      if (exchange.route.kind === 'uploads' && state.draining && !pushes.continues(name)) {
        return sendFailure(exchange, { name: 'draining' })
      }
      const done = pushes.begin(name)
      const { socket } = exchange.req
      const before = socket.bytesRead
      const arrived = events.uploading(name, () => socket.bytesRead - before)
      try {
        await work(exchange)
      } finally {
        arrived()
        done()
      }
    }
  }

  const start = within(async exchange => {
    const { name } = exchange.route
    const mount = queryOf(exchange, 'mount')
    if (mount !== null) return await mountOrStart(exchange, mount)
    const asked = queryOf(exchange, 'digest')
    if (asked === null) return await open(exchange)
    const digest = parseDigest(asked)
    if (!digest) return sendFailure(exchange, { name: 'digest-invalid' })
    const started = await storage.uploads.start(name)
    if (!started.ok) return sendFailure(exchange, started.error)
    const stored = await finish(exchange, started.value, digest)
    // Nobody knows the identifier, so nobody could go on with what arrived.
    if (!stored.ok) await storage.uploads.cancel(name, started.value)
    answerStored(exchange, digest, stored, stored.ok ? stored.value : undefined)
  })

  const mountOrStart = async (exchange: Exchange, mount: string): Promise<void> => {
    const { name } = exchange.route
    const digest = parseDigest(mount)
    if (!digest) return sendFailure(exchange, { name: 'digest-invalid' })
    const from = queryOf(exchange, 'from')
    // Without the right to read it there, it is not there.
    const mayRead = (other: string): boolean => may(gate, exchange.identity, 'read', other)
    const found = from === null ? await storage.blobs.find(digest, mayRead) : success(from)
    const source = found.ok ? found.value : undefined
    if (source !== undefined && isRepositoryName(source) && mayRead(source)) {
      const mounted = await storage.blobs.mount(source, name, digest)
      if (mounted.ok) return answerStored(exchange, digest, success(undefined))
      if (mounted.error.name !== 'blob-unknown') return sendFailure(exchange, mounted.error)
    }
    // Not there to be mounted: the client uploads it.
    await open(exchange)
  }

  const open = async (exchange: Exchange): Promise<void> => {
    const { name } = exchange.route
    const begun = uploads.begin(exchange.client)
    if (!begun) {
      const detail = { client: exchange.client.key, open: maxOpenUploads }
      return sendFailure(exchange, { name: 'too-many-uploads', detail }, ['Retry-After', '5'])
    }
    const started = await storage.uploads.start(name).catch(error => {
      begun(undefined)
      throw error
    })
    begun(started.ok ? uploadKey(name, started.value) : undefined)
    if (!started.ok) return sendFailure(exchange, started.error)
    sendEmpty(exchange, 202, progress(name, started.value, 0))
  }

  const status = async (exchange: Exchange): Promise<void> => {
    const { name, last: id } = exchange.route
    if (!isRepositoryName(name)) return sendFailure(exchange, { name: 'name-invalid' })
    uploads.touched(uploadKey(name, id))
    const offset = await storage.uploads.offset(name, id)
    if (!offset.ok) return sendFailure(exchange, offset.error)
    sendEmpty(exchange, 204, progress(name, id, offset.value))
  }

  const patch = within(async exchange => {
    const { name, last: id } = exchange.route
    uploads.touched(uploadKey(name, id))
    const chunk = chunkOf(exchange)
    if (!chunk.ok) return await refuse(exchange, chunk.error)
    const written = await storage.uploads.write(name, id, chunk.value)
    if (!written.ok) return await refuse(exchange, written.error)
    sendEmpty(exchange, 202, progress(name, id, written.value))
  })

  const put = within(async exchange => {
    const digest = parseDigest(queryOf(exchange, 'digest') ?? '')
    if (!digest) return sendFailure(exchange, { name: 'digest-invalid' })
    const stored = await finish(exchange, exchange.route.last, digest)
    // Content of another digest is thrown away; after any other failure the upload may go on.
    if (stored.ok || stored.error.name === 'digest-mismatch') uploads.ended(keyOf(exchange))
    if (!stored.ok) return await refuse(exchange, stored.error)
    answerStored(exchange, digest, stored, stored.value)
  })

  /** The last chunk, if there is one, and the commit; answers the size of the blob, bytes. */
  const finish = async (exchange: Exchange, id: string, digest: Digest): Promise<Result<number>> => {
    const { name } = exchange.route
    const chunk = chunkOf(exchange)
    if (!chunk.ok) return chunk
    const written = await storage.uploads.write(name, id, chunk.value)
    if (!written.ok) return written
    const committed = await storage.uploads.commit(name, id, digest)
    return committed.ok ? written : committed
  }

  /** `bytes`: the size of the blob; undefined for one that was mounted. */
  const answerStored = (
    exchange: Exchange,
    digest: Digest,
    stored: Result<unknown>,
    bytes?: number,
  ): undefined => {
    const { name } = exchange.route
    if (!stored.ok) return sendFailure(exchange, stored.error)
    pushes.between(name)
    const size = bytes === undefined ? {} : { bytes }
    events.emit({ kind: 'blob', repository: name, digest: digest.text, ...size, ...userOf(exchange) })
    const location = `/v2/${name}/blobs/${digest.text}`
    return sendEmpty(exchange, 201, ['Location', location, 'Docker-Content-Digest', digest.text])
  }

  /** With where the upload stands, so that the client can go on from there. */
  const refuse = async (exchange: Exchange, error: Failure): Promise<void> => {
    const { name, last: id } = exchange.route
    if (error.name === 'upload-unknown' || error.name === 'disk-full') uploads.ended(uploadKey(name, id))
    if (error.name !== 'upload-out-of-order' && error.name !== 'size-invalid')
      return sendFailure(exchange, error)
    const offset = await storage.uploads.offset(name, id)
    sendFailure(exchange, error, offset.ok ? progress(name, id, offset.value) : [])
  }

  const remove = within(async exchange => {
    const cancelled = await storage.uploads.cancel(exchange.route.name, exchange.route.last)
    if (!cancelled.ok) return sendFailure(exchange, cancelled.error)
    uploads.ended(keyOf(exchange))
    sendEmpty(exchange, 204)
  })

  return {
    uploads: { POST: start },
    upload: { GET: status, HEAD: status, PATCH: patch, PUT: put, DELETE: remove },
  }
}

const keyOf = ({ route }: Exchange): string => uploadKey(route.name, route.last)

/** Body and announcements of a request, or what is contradictory in them. */
function chunkOf(exchange: Exchange): Result<Chunk> {
  const length = announcedLength(exchange)
  const header = headerOf(exchange, 'content-range')
  if (header === undefined) {
    return success({ body: exchange.req, ...(length === undefined ? {} : { length }) })
  }
  const range =
    length === 0 ? (parseEmptyRange(header) ?? parseContentRange(header)) : parseContentRange(header)
  if (!range) return failure('upload-out-of-order', { contentRange: header })
  const expected = range.end - range.start + 1
  if (length !== undefined && length !== expected) {
    return failure('size-invalid', { contentRange: header, contentLength: length })
  }
  return success({ body: exchange.req, at: range.start, length: expected })
}

/** An empty upload shows `0-0`, as in zot. */
function progress(name: string, id: string, offset: number): RawHeaders {
  const location = `/v2/${name}/blobs/uploads/${id}`
  return ['Location', location, 'Range', `0-${Math.max(0, offset - 1)}`, 'Docker-Upload-UUID', id]
}
