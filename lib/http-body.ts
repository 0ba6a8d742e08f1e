import type { IncomingMessage } from 'node:http'

export type Body = { kind: 'whole'; bytes: Buffer } | { kind: 'too-large' } | { kind: 'broken' }

/** Reads a body of at most `limitBytes` into memory; stops reading as soon as it is longer. Never rejects. */
export function readBody(message: IncomingMessage, limitBytes: number): Promise<Body> {
  if (Number(message.headers['content-length'] ?? 0) > limitBytes)
    return Promise.resolve({ kind: 'too-large' })
  return new Promise(resolve => {
    const chunks: Buffer[] = []
    let size = 0
    const finish = (body: Body): void => {
      message.off('data', onData).off('end', onEnd).off('close', onClose)
      resolve(body)
    }
    const onData = (chunk: Buffer): void => {
      size += chunk.length
      if (size > limitBytes) finish({ kind: 'too-large' })
      else chunks.push(chunk)
    }
    // A copy of its own: the chunks are slices of larger buffers, which the caches would keep alive.
    const onEnd = (): void => finish({ kind: 'whole', bytes: joined(chunks, size) })
    const onClose = (): void => finish({ kind: 'broken' })
    message.on('data', onData).on('end', onEnd).on('close', onClose).on('error', onClose)
    // Closed before anybody listened: no event will say so any more.
    if (message.destroyed) onClose()
  })
}

function joined(chunks: readonly Buffer[], size: number): Buffer {
  const bytes = Buffer.allocUnsafeSlow(size)
  let at = 0
  for (const chunk of chunks) at += chunk.copy(bytes, at)
  return bytes
}
