import type { IncomingMessage } from 'node:http'
import { parseJson } from '../../lib/json.ts'
import { request } from '../../lib/node-http.ts'

/**
 * How an answer in lines ended. `ended`: whole, as far as HTTP can show. `broken`: the connection went in the middle.
 * `refused`: the registry answered something else. `absent`: nobody listens. `silent`: it began, and then nothing came
 * for `limitMs`.
 */
type LinesEnd =
  | { kind: 'ended' | 'broken' | 'absent' | 'stopped' }
  | { kind: 'refused'; status: number }
  | { kind: 'silent'; limitMs: number }

export interface AdminLines {
  /** Ends it; nothing is heard afterwards. */
  stop(): void
  done: Promise<LinesEnd>
}

/** One line is never longer: a repository of 10,000 tags has 4 MB. */
const longestLine = 16 * 1024 * 1024

export interface LinesLimits {
  /** So long for the answer to begin, ms. */
  headMs?: number
  /** So long without a byte once it has begun, ms. Absent: a stream that may be still for as long as nothing happens. */
  silenceMs?: number
}

/**
 * Asks the administration socket for something that comes in lines of JSON (docs/admin-socket.md). `onLine` hears each
 * parsed line, undefined for one that is no JSON; answering 'stop' ends it.
 */
export function askLines(
  socketPath: string,
  path: string,
  onLine: (line: unknown) => 'stop' | 'more',
  { headMs = 10_000, silenceMs }: LinesLimits = {},
): AdminLines {
  let stopped = false
  const { promise: done, resolve } = Promise.withResolvers<LinesEnd>()
  const call = request({ socketPath, path, agent: false })
  const late = setTimeout(() => call.destroy(), headMs)
  let still: NodeJS.Timeout | undefined
  const end = (kind: 'ended' | 'broken' | 'absent'): void => {
    clearTimeout(late)
    clearTimeout(still)
    resolve({ kind: stopped ? 'stopped' : kind })
  }
  const stop = (): void => {
    stopped = true
    call.destroy()
    end('ended')
  }

  function read(response: IncomingMessage): void {
    const pieces: Buffer[] = []
    let held = 0
    if (silenceMs !== undefined)
      still = setTimeout(() => {
        resolve({ kind: 'silent', limitMs: silenceMs })
        call.destroy()
      }, silenceMs)
    response.on('data', (piece: Buffer) => {
      still?.refresh()
      let from = 0
      for (let at = piece.indexOf(10); at >= 0 && !stopped; at = piece.indexOf(10, from)) {
        pieces.push(piece.subarray(from, at))
        from = at + 1
        held = 0
        if (onLine(parseJson(Buffer.concat(pieces.splice(0)))) === 'stop') stop()
      }
      pieces.push(piece.subarray(from))
      held += piece.length - from
      if (held > longestLine) call.destroy()
    })
    response.on('error', () => end('broken'))
    response.on('end', () => end('ended'))
    response.on('close', () => end('broken'))
  }

  call.on('response', response => {
    clearTimeout(late)
    if (response.statusCode === 200) return read(response)
    response.resume()
    resolve({ kind: 'refused', status: response.statusCode ?? 0 })
    call.destroy()
  })
  call.on('error', () => end('absent'))
  call.end()
  return { stop, done }
}
