import { sendBlob } from '../http/blob-response.ts'
import { headerOf, type RequestContext, userOf } from '../http/request-context.ts'
import { type RawHeaders, send, sendEmpty, sendFailure } from '../http/responder.ts'
import { parseRange } from '../oci/range.ts'
import { type Digest, isRepositoryName, parseDigest } from '../oci/reference.ts'
import type { BlobReader } from '../storage/storage.ts'
import type { RouteDeps } from './deps.ts'

/** Pull, check and delete of blobs. */
export function blobRoutes({ storage, pushes, events }: RouteDeps) {
  const get = async (context: RequestContext): Promise<void> => {
    const digest = digestOfRoute(context)
    if (!digest) return
    const opened = await storage.blobs.open(context.route.name, digest)
    if (!opened.ok) return sendFailure(context, opened.error)
    try {
      await sendPart(context, digest, opened.value)
    } finally {
      await opened.value.close()
    }
  }

  const head = async (context: RequestContext): Promise<void> => {
    const digest = digestOfRoute(context)
    if (!digest) return
    const size = await storage.blobs.stat(context.route.name, digest)
    if (!size.ok) {
      // What clients ask before they upload.
      if (size.error.name === 'blob-unknown') pushes.between(context.route.name)
      return sendFailure(context, size.error)
    }
    send(context, 200, headersOf(digest, size.value))
  }

  const remove = async (context: RequestContext): Promise<void> => {
    const digest = digestOfRoute(context)
    if (!digest) return
    const removed = await storage.blobs.delete(context.route.name, digest)
    if (!removed.ok) return sendFailure(context, removed.error)
    const { name } = context.route
    events.emit({ kind: 'delete', repository: name, reference: digest.text, ...userOf(context) })
    sendEmpty(context, 202)
  }

  return { blob: { GET: get, HEAD: head, DELETE: remove } }
}

async function sendPart(context: RequestContext, digest: Digest, blob: BlobReader): Promise<void> {
  const { size } = blob
  if (headerOf(context, 'if-none-match')?.includes(digest.text)) {
    return send(context, 304, ['ETag', `"${digest.text}"`, 'Docker-Content-Digest', digest.text])
  }
  // A condition on an old version of the content cannot fail to hold: the content never changes.
  const range = parseRange(headerOf(context, 'range'), size)
  if (range === 'unsatisfiable') {
    return sendFailure(context, { name: 'range-invalid', detail: { size } }, [
      'Content-Range',
      `bytes */${size}`,
    ])
  }
  if (range === 'ignore')
    return await sendBlob(context, 200, headersOf(digest, size), blob, { start: 0, end: size - 1 })
  const headers = headersOf(digest, range.end - range.start + 1)
  const part = ['Content-Range', `bytes ${range.start}-${range.end}/${size}`, ...headers]
  await sendBlob(context, 206, part, blob, range)
}

function headersOf(digest: Digest, length: number): RawHeaders {
  return [
    'Content-Type',
    'application/octet-stream',
    'Content-Length',
    String(length),
    'Accept-Ranges',
    'bytes',
    'Docker-Content-Digest',
    digest.text,
    'ETag',
    `"${digest.text}"`,
    'Docker-Distribution-API-Version',
    'registry/2.0',
  ]
}

/** Name and digest, checked; undefined: the answer has been given. */
function digestOfRoute(context: RequestContext): Digest | undefined {
  const { name, last } = context.route
  if (!isRepositoryName(name)) return sendFailure(context, { name: 'name-invalid' })
  return parseDigest(last) ?? sendFailure(context, { name: 'digest-invalid' })
}
