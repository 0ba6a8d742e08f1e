import type { Duplex } from 'node:stream'
import { parseJson } from '../../lib/json.ts'

/** Messages both ways over one stream, each a line of JSON. */
export interface LineChannel {
  /** What cannot be written is dropped: the other end is gone, which `closed` says. */
  send(message: object): void
  /** The next message; undefined once the other end is gone and everything was read. */
  next(): Promise<unknown>
  /** Settles when the other end is gone. */
  closed: Promise<void>
  end(): void
}

/** Far more than a passphrase and a few keys need: whoever sends a longer line is not one of ours. */
const longestLine = 4 * 1024 * 1024

export function lineChannel(stream: Duplex): LineChannel {
  const waiting: ((message: unknown) => void)[] = []
  const read: unknown[] = []
  let rest = ''
  let isClosed = false
  const { promise: closed, resolve: resolveClosed } = Promise.withResolvers<void>()

  const close = (): void => {
    if (isClosed) return
    isClosed = true
    resolveClosed()
    for (const resolve of waiting.splice(0)) resolve(undefined)
  }
  const deliver = (line: string): void => {
    const message = parseJson(line)
    const resolve = waiting.shift()
    if (resolve) resolve(message ?? {})
    else read.push(message ?? {})
  }

  stream.setEncoding('utf8')
  stream.on('data', (piece: string) => {
    rest += piece
    if (rest.length > longestLine) return void stream.destroy()
    for (let end = rest.indexOf('\n'); end >= 0; end = rest.indexOf('\n')) {
      const line = rest.slice(0, end)
      rest = rest.slice(end + 1)
      deliver(line)
    }
  })
  // An error says no more than that nobody is there.
  stream.on('error', close)
  stream.on('end', close)
  stream.on('close', close)

  return {
    send(message) {
      if (!isClosed && stream.writable) stream.write(`${JSON.stringify(message)}\n`)
    },
    next() {
      if (read.length > 0) return Promise.resolve(read.shift())
      if (isClosed) return Promise.resolve(undefined)
      return new Promise(resolve => waiting.push(resolve))
    },
    closed,
    end: () => stream.destroy(),
  }
}
