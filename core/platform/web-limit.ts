/** A limit that is said to last longer is looked at again after this, in ms. */
const longest = 24 * 3600_000

/**
 * When a rate limit ends, in ms since the epoch; undefined for an answer that is none.
 * https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api
 */
export function limitedUntil(
  { status, headers }: { status: number; headers: Record<string, string> },
  now: number,
): number | undefined {
  if (status !== 403 && status !== 429) return undefined
  const after = headers['retry-after']
  const usedUp = headers['x-ratelimit-remaining'] === '0'
  if (after === undefined && !usedUp && status !== 429) return undefined
  const said = after === undefined ? resetOf(headers) : afterOf(after, now)
  // Without a time that makes sense: a minute, as GitHub advises.
  const until = said === undefined || said <= now ? now + 60_000 : said
  return Math.min(until, now + longest)
}

function resetOf(headers: Record<string, string>): number | undefined {
  const reset = headers['x-ratelimit-reset'] ?? ''
  return /^\d{1,12}$/.test(reset) ? Number(reset) * 1000 : undefined
}

/** Seconds, or a date (RFC 9110, 10.2.3). */
function afterOf(after: string, now: number): number | undefined {
  if (/^\d{1,9}$/.test(after)) return now + Number(after) * 1000
  const date = Date.parse(after)
  return Number.isNaN(date) ? undefined : date
}
