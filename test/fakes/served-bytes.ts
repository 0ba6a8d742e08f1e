import { createHash } from 'node:crypto'
import { createReadStream, readFileSync, statSync } from 'node:fs'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { Readable } from 'node:stream'

/** Bytes in memory, or a file, for programs that are large. */
export type Data = Buffer | string | { file: string }

/** What goes wrong with an asset, `times` times (for ever where it is not given). */
export type Fault = { times?: number } & (
  | { kind: 'status'; status: number; headers?: Record<string, string> }
  /** The connection is reset after so many bytes of an answer. */
  | { kind: 'reset'; after: number }
  /** Nothing more comes after so many bytes, and the connection stays. */
  | { kind: 'stall'; after: number }
  /** So many bytes, and a regular end, without a length. */
  | { kind: 'short'; bytes: number }
  | { kind: 'endless' }
  /** A byte at a time, each after so many ms. */
  | { kind: 'trickle'; ms: number }
  /** Other bytes than those that the list describes. */
  | { kind: 'other'; data: Data }
  /** Ranges are ignored: 200, from the beginning. */
  | { kind: 'no-ranges' }
  /** Another ETag at each request, as after an upload of other bytes. */
  | { kind: 'changing' }
  | { kind: 'redirect'; to: string }
)

const bytesOf = (data: Data): Buffer =>
  typeof data === 'string' ? Buffer.from(data) : Buffer.isBuffer(data) ? data : readFileSync(data.file)
export const sizeOf = (data: Data): number =>
  typeof data === 'object' && 'file' in data ? statSync(data.file).size : bytesOf(data).length

const digests = new Map<string, string>()
/** A file's digest is kept while it stays as it is: a program may have 100 MB. */
export function sha256Of(data: Data): string {
  const digest = () => createHash('sha256').update(bytesOf(data)).digest('hex')
  if (typeof data === 'string' || Buffer.isBuffer(data)) return digest()
  const { size, mtimeMs, ino } = statSync(data.file)
  const key = `${data.file} ${size} ${mtimeMs} ${ino}`
  const known = digests.get(key) ?? digest()
  digests.set(key, known)
  return known
}

let changes = 0

/** Answers with bytes, ranges and all, or in the way that is told. */
export function serveBytes(
  request: IncomingMessage,
  response: ServerResponse,
  real: Data,
  fault: Fault | undefined,
): void {
  if (fault?.kind === 'status')
    return void response.writeHead(fault.status, fault.headers).end(`status ${fault.status}`)
  const data = fault?.kind === 'other' ? fault.data : real
  const size = sizeOf(data)
  changes += fault?.kind === 'changing' ? 1 : 0
  const etag = fault?.kind === 'changing' ? `"${changes}"` : `"${sha256Of(data).slice(0, 16)}"`
  const type = { 'content-type': 'application/octet-stream', etag, 'accept-ranges': 'bytes' }
  if (fault?.kind === 'endless') {
    response.writeHead(200, type)
    const more = Buffer.alloc(65_536, 1)
    const pump = (): void => {
      while (!response.destroyed && response.write(more));
    }
    response.on('drain', pump)
    pump()
    return
  }
  if (fault?.kind === 'short') {
    response.writeHead(200, type)
    return void response.end(bytesOf(data).subarray(0, fault.bytes))
  }
  const range = /^bytes=(\d+)-$/.exec(request.headers.range ?? '')
  const ifRange = request.headers['if-range']
  const ranged = range !== null && fault?.kind !== 'no-ranges' && (ifRange === undefined || ifRange === etag)
  const from = ranged ? Number(range[1]) : 0
  if (ranged && from >= size)
    return void response.writeHead(416, { 'content-range': `bytes */${size}` }).end()
  const length = { 'content-length': size - from }
  const part = ranged ? { 'content-range': `bytes ${from}-${size - 1}/${size}` } : {}
  response.writeHead(ranged ? 206 : 200, { ...type, ...length, ...part })
  if (fault?.kind === 'reset' || fault?.kind === 'stall') {
    const sent = bytesOf(data).subarray(from, from + fault.after)
    return void response.write(sent, () => {
      // A reset throws away what has not arrived yet, so the bytes are given time to.
      if (fault.kind === 'reset') setTimeout(() => response.socket?.resetAndDestroy(), 20)
    })
  }
  if (fault?.kind === 'trickle') {
    const bytes = bytesOf(data)
    let at = from
    const timer = setInterval(() => {
      if (response.destroyed || at >= size) return clearInterval(timer)
      response.write(bytes.subarray(at, at + 1))
      at += 1
    }, fault.ms)
    return
  }
  const stream =
    typeof data === 'object' && 'file' in data
      ? createReadStream(data.file, { start: from })
      : Readable.from([bytesOf(data).subarray(from)])
  stream.on('error', () => response.destroy()).pipe(response)
  response.on('close', () => stream.destroy())
}
