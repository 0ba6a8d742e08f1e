import { type IncomingMessage, type RequestOptions, request } from 'node:http'

export interface Reply {
  status: number
  headers: IncomingMessage['headers']
  text: string
  json(): unknown
}

/** One request with every header under the test's control (fetch would not send another Host). */
export function ask(options: RequestOptions, body?: string | Buffer): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const call = request({ agent: false, setHost: false, ...options }, response => {
      const pieces: Buffer[] = []
      response.on('data', (piece: Buffer) => pieces.push(piece))
      response.on('error', reject)
      response.on('end', () => {
        const text = Buffer.concat(pieces).toString('utf8')
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers,
          text,
          json: () => JSON.parse(text),
        })
      })
    })
    call.on('error', reject)
    call.end(body)
  })
}

/** Opens a stream; resolves at its headers. */
export function open(options: RequestOptions): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const call = request({ agent: false, setHost: false, ...options }, resolve)
    call.on('error', reject)
    call.end()
  })
}
