import { LRUCache } from 'lru-cache'

export interface RateLimitConfig {
  /** Requests per second. */
  readonly rate?: number | undefined
  readonly methods: readonly { readonly method: string; readonly rate: number }[]
}

/** Seconds to wait, or 0: go on. */
export type RateLimit = (client: string, method: string, path: string) => number

interface Bucket {
  left: number
  at: number
}

/** Clients and paths that are remembered. Forgetting one gives it a full bucket. */
const maxBuckets = 20_000
/** Longer than any path of a repository. */
const maxPath = 512

/**
 * So many requests a second for each client and path, as zot counts them: a pull asks for many paths at
 * once, a loop for one. The health checks are never limited.
 * @param now ms, of a clock that only goes forward
 */
export function createRateLimit(config: RateLimitConfig, now: () => number): RateLimit {
  const all = config.rate ? createBuckets(config.rate, now) : undefined
  const byMethod = new Map<string, (key: string) => number>()
  for (const { method, rate } of config.methods) {
    if (rate > 0) byMethod.set(method.toUpperCase(), createBuckets(rate, now))
  }
  return (client, method, path) => {
    if (healthPaths.has(path)) return 0
    // Long made-up paths share a bucket.
    const key = `${client} ${path.slice(0, maxPath)}`
    return Math.max(all?.(key) ?? 0, byMethod.get(method)?.(key) ?? 0)
  }
}

const healthPaths = new Set(['/livez', '/readyz', '/startupz'])

function createBuckets(rate: number, now: () => number): (key: string) => number {
  const buckets = new LRUCache<string, Bucket>({ max: maxBuckets })
  const full = Math.max(1, rate)
  return key => {
    const at = now()
    const bucket = buckets.get(key) ?? { left: full, at }
    bucket.left = Math.min(full, bucket.left + ((at - bucket.at) / 1000) * rate)
    bucket.at = at
    buckets.set(key, bucket)
    if (bucket.left < 1) return Math.max(1, Math.ceil((1 - bucket.left) / rate))
    bucket.left--
    return 0
  }
}
