import { get } from 'node:http'
import { performance } from 'node:perf_hooks'
import { setTimeout as pause } from 'node:timers/promises'

/** One GET on a connection of its own; its status, or undefined when nothing answers within `limitMs`. */
export function ask(
  url: string,
  limitMs = 5_000,
  headers: Record<string, string> = {},
): Promise<number | undefined> {
  return new Promise(resolve => {
    const request = get(url, { agent: false, headers, timeout: limitMs }, response => {
      response.on('end', () => resolve(response.statusCode))
      response.on('error', () => resolve(undefined))
      response.resume()
    })
    request.on('timeout', () => request.destroy())
    request.on('error', () => resolve(undefined))
  })
}

/**
 * Asks every 5 ms until the answer is 200; resolves with `performance.now()` of that moment.
 * Throws after `deadlineMs`, or as soon as `lost` says that waiting is in vain.
 */
export async function untilAnswer(
  url: string,
  {
    deadlineMs = 30_000,
    lost = () => undefined,
  }: { deadlineMs?: number; lost?: () => string | undefined } = {},
): Promise<number> {
  const until = performance.now() + deadlineMs
  for (;;) {
    if ((await ask(url)) === 200) return performance.now()
    const why = lost()
    if (why !== undefined) throw new Error(`${url}: ${why}`)
    if (performance.now() > until) throw new Error(`${url} did not answer within ${deadlineMs / 1000} s`)
    await pause(5)
  }
}

/** Asks every 5 ms until nothing answers any more. */
export async function untilSilent(url: string, deadlineMs = 30_000): Promise<void> {
  const until = performance.now() + deadlineMs
  while ((await ask(url)) !== undefined) {
    if (performance.now() > until) throw new Error(`${url} still answers after ${deadlineMs / 1000} s`)
    await pause(5)
  }
}
