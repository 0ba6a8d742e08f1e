import { get } from 'node:http'
import { performance } from 'node:perf_hooks'
import { setTimeout as pause } from 'node:timers/promises'

/** Between two looks, in ms. */
const every = 20

/** ms since the epoch, finer than Date.now(). */
const now = (): number => performance.timeOrigin + performance.now()

export interface Poll {
  /** Resolves with the time of the next good answer, in ms since the epoch. Throws after `deadlineMs`. */
  next(deadlineMs?: number): Promise<number>
  /** When each good answer came, ascending, in ms since the epoch. */
  end(): Promise<number[]>
}

/** Asks again and again, every 20 ms or as soon as the look before has ended. */
export function poll(good: () => Promise<boolean>): Poll {
  const answers: number[] = []
  const over = new AbortController()
  const looking = (async () => {
    while (!over.signal.aborted) {
      const started = now()
      if (await good()) answers.push(now())
      await pause(Math.max(0, every - (now() - started)))
    }
  })()
  return {
    async next(deadlineMs = 60_000) {
      const [asked, count] = [now(), answers.length]
      for (;;) {
        const found = answers.slice(count).find(at => at >= asked)
        if (found !== undefined) return found
        if (now() - asked > deadlineMs) throw new Error(`no good answer within ${deadlineMs / 1000} s`)
        await pause(every)
      }
    },
    async end() {
      over.abort()
      await looking
      return answers
    },
  }
}

/** One GET on a connection of its own; undefined when nothing answers within a second. */
export function askText(
  url: string,
  headers: Record<string, string> = {},
): Promise<{ status: number; text: string } | undefined> {
  return new Promise(resolve => {
    const request = get(url, { agent: false, headers, timeout: 1_000 }, response => {
      let text = ''
      response.setEncoding('utf8').on('data', more => {
        text += more
      })
      response.on('end', () => resolve({ status: response.statusCode ?? 0, text }))
      response.on('error', () => resolve(undefined))
    })
    request.on('timeout', () => request.destroy())
    request.on('error', () => resolve(undefined))
  })
}
