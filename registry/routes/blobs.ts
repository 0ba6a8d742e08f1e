import { sendBlob, sendParts } from '../http/blob-response.ts'
import { isNotModified, isRangeFor } from '../http/conditions.ts'
import { headerOf, type RequestContext, userOf } from '../http/request-context.ts'
import { type RawHeaders, send, sendEmpty, sendFailure } from '../http/responder.ts'
import { parseRanges } from '../oci/range.ts'
import { type Digest, isRepositoryName, parseDigest } from '../oci/reference.ts'
import type { BlobReader } from '../storage/storage.ts'
import { createBlobLinks } from './blob-links.ts'
import type { RouteDeps } from './deps.ts'

/** Pull, check and delete of blobs. */
export function blobRoutes(deps: RouteDeps) {
  const { storage, pushes, events } = deps
  const links = createBlobLinks(deps)
  const get = async (context: RequestContext): Promise<void> => {
    const digest = digestOfRoute(context)
    if (!digest) return
    const opened = await storage.blobs.open(context.route.name, digest)
    if (!opened.ok) return sendFailure(context, opened.error)
    try {
      await sendContent(context, digest, opened.value)
    } finally {
      await opened.value.close()
    }
  }

  const head = async (context: RequestContext): Promise<void> => {
    const digest = digestOfRoute(context)
    if (!digest) return
    const { name } = context.route
    let size = await storage.blobs.stat(name, digest)
    if (!size.ok && size.error.name === 'blob-unknown' && (await links.make(context, digest)))
      size = await storage.blobs.stat(name, digest)
    if (!size.ok) {
      // What clients ask before they upload.
      if (size.error.name === 'blob-unknown') pushes.between(name)
      return sendFailure(context, size.error)
    }
    if (isNotModified(headerOf(context, 'if-none-match'), digest.text))
      return sendNotModified(context, digest)
    send(context, 200, [...binary, 'Content-Length', String(size.value), ...headersOf(digest)])
  }

  const remove = async (context: RequestContext): Promise<void> => {
    const digest = digestOfRoute(context)
    if (!digest) return
    const { name } = context.route
    const removed = await storage.blobs.delete(name, digest)
    // Also where it was not there: whoever looks whether it is gone must not bring it in.
    if (removed.ok || removed.error.name === 'blob-unknown') links.removed(name, digest)
    if (!removed.ok) return sendFailure(context, removed.error)
    events.emit({ kind: 'delete', repository: name, reference: digest.text, ...userOf(context) })
    sendEmpty(context, 202)
  }

  return { blob: { GET: get, HEAD: head, DELETE: remove } }
}

async function sendContent(context: RequestContext, digest: Digest, blob: BlobReader): Promise<void> {
  const { size } = blob
  if (isNotModified(headerOf(context, 'if-none-match'), digest.text)) return sendNotModified(context, digest)
  // Of other content than the client has parts of it gets everything.
  const header = isRangeFor(headerOf(context, 'if-range'), digest.text)
    ? headerOf(context, 'range')
    : undefined
  const ranges = parseRanges(header, size)
  if (ranges === 'unsatisfiable') {
    return sendFailure(context, { name: 'range-invalid', detail: { size } }, [
      'Content-Range',
      `bytes */${size}`,
    ])
  }
  const headers = headersOf(digest)
  if (ranges === 'all')
    return await sendBlob(context, 200, [...binary, ...headers], blob, { start: 0, end: size - 1 })
  const [first, ...more] = ranges
  if (first === undefined || more.length > 0) return await sendParts(context, headers, blob, ranges)
  const range = ['Content-Range', `bytes ${first.start}-${first.end}/${size}`]
  await sendBlob(context, 206, [...binary, ...range, ...headers], blob, first)
}

const binary = ['Content-Type', 'application/octet-stream'] as const

const headersOf = ({ text }: Digest): RawHeaders => [
  'Accept-Ranges',
  'bytes',
  'Docker-Content-Digest',
  text,
  'ETag',
  `"${text}"`,
  'Docker-Distribution-API-Version',
  'registry/2.0',
]

const sendNotModified = (context: RequestContext, { text }: Digest): undefined =>
  send(context, 304, ['ETag', `"${text}"`, 'Docker-Content-Digest', text])

/** Name and digest, checked; undefined: the answer has been given. */
function digestOfRoute(context: RequestContext): Digest | undefined {
  const { name, last } = context.route
  if (!isRepositoryName(name)) return sendFailure(context, { name: 'name-invalid' })
  return parseDigest(last) ?? sendFailure(context, { name: 'digest-invalid' })
}
