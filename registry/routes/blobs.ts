import { sendBlob } from '../http/blob-response.ts'
import { type Exchange, headerOf, userOf } from '../http/exchange.ts'
import { type RawHeaders, send, sendEmpty, sendFailure } from '../http/responder.ts'
import { parseRange } from '../oci/range.ts'
import { type Digest, isRepositoryName, parseDigest } from '../oci/reference.ts'
import type { BlobReader } from '../storage/storage.ts'
import type { RouteContext } from './context.ts'

/** Pull, check and delete of blobs. */
export function blobRoutes({ storage, pushes, events }: RouteContext) {
  const get = async (exchange: Exchange): Promise<void> => {
    const digest = digestOfRoute(exchange)
    if (!digest) return
    const opened = await storage.blobs.open(exchange.route.name, digest)
    if (!opened.ok) return sendFailure(exchange, opened.error)
    try {
      await sendPart(exchange, digest, opened.value)
    } finally {
      await opened.value.close()
    }
  }

  const head = async (exchange: Exchange): Promise<void> => {
    const digest = digestOfRoute(exchange)
    if (!digest) return
    const size = await storage.blobs.stat(exchange.route.name, digest)
    if (!size.ok) {
      // What clients ask before they upload.
      if (size.error.name === 'blob-unknown') pushes.between(exchange.route.name)
      return sendFailure(exchange, size.error)
    }
    send(exchange, 200, headersOf(digest, size.value))
  }

  const remove = async (exchange: Exchange): Promise<void> => {
    const digest = digestOfRoute(exchange)
    if (!digest) return
    const removed = await storage.blobs.delete(exchange.route.name, digest)
    if (!removed.ok) return sendFailure(exchange, removed.error)
    const { name } = exchange.route
    events.emit({ kind: 'delete', repository: name, reference: digest.text, ...userOf(exchange) })
    sendEmpty(exchange, 202)
  }

  return { blob: { GET: get, HEAD: head, DELETE: remove } }
}

async function sendPart(exchange: Exchange, digest: Digest, blob: BlobReader): Promise<void> {
  const { size } = blob
  if (headerOf(exchange, 'if-none-match')?.includes(digest.text)) {
    return send(exchange, 304, ['ETag', `"${digest.text}"`, 'Docker-Content-Digest', digest.text])
  }
  // A condition on an old version of the content cannot fail to hold: the content never changes.
  const range = parseRange(headerOf(exchange, 'range'), size)
  if (range === 'unsatisfiable') {
    return sendFailure(exchange, { name: 'range-invalid', detail: { size } }, [
      'Content-Range',
      `bytes */${size}`,
    ])
  }
  if (range === 'ignore')
    return await sendBlob(exchange, 200, headersOf(digest, size), blob, { start: 0, end: size - 1 })
  const headers = headersOf(digest, range.end - range.start + 1)
  const part = ['Content-Range', `bytes ${range.start}-${range.end}/${size}`, ...headers]
  await sendBlob(exchange, 206, part, blob, range)
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
function digestOfRoute(exchange: Exchange): Digest | undefined {
  const { name, last } = exchange.route
  if (!isRepositoryName(name)) return sendFailure(exchange, { name: 'name-invalid' })
  return parseDigest(last) ?? sendFailure(exchange, { name: 'digest-invalid' })
}
