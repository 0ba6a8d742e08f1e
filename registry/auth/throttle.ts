import { LRUCache } from 'lru-cache'

/** Slows down guessing: failures use up an allowance that comes back with time. */
export interface Throttle {
  /** For how long a further attempt has to wait, ms; 0: go ahead. */
  wait(address: string, user: string): number
  failed(address: string, user: string): void
  succeeded(address: string, user: string): void
}

interface Allowance {
  readonly burst: number
  /** ms until one failure is forgiven. */
  readonly refill: number
}

export interface ThrottleOptions {
  readonly now: () => number
  /** One address trying one user. */
  readonly pair?: Allowance
  /** One address trying any user. */
  readonly address?: Allowance
  /**
   * Whether many people come from an address, as from a proxy that does not name its clients: there only the pair
   * counts, or one of them would shut out all others.
   */
  readonly isShared?: (address: string) => boolean
  /** Addresses and pairs that are kept in mind; the longest quiet is forgotten first. */
  readonly memory?: number
}

export function createThrottle({
  now,
  pair = { burst: 20, refill: 3000 },
  address: alone = { burst: 200, refill: 250 },
  isShared = () => false,
  memory = 10_000,
}: ThrottleOptions): Throttle {
  // When the last failure will be forgiven: the whole bucket in one number.
  const pairs = new LRUCache<string, number>({ max: memory })
  const addresses = new LRUCache<string, number>({ max: memory })
  const waitOf = (until: number | undefined, { burst, refill }: Allowance): number =>
    until === undefined ? 0 : Math.max(0, until - now() - (burst - 1) * refill)
  const spend = (kept: LRUCache<string, number>, key: string, { refill }: Allowance): void => {
    kept.set(key, Math.max(now(), kept.get(key) ?? 0) + refill)
  }
  const keyOf = (address: string, user: string): string => `${address} ${user.slice(0, 200)}`
  return {
    wait: (address, user) =>
      Math.max(waitOf(pairs.get(keyOf(address, user)), pair), waitOf(addresses.get(address), alone)),
    failed: (address, user) => {
      spend(pairs, keyOf(address, user), pair)
      if (!isShared(address)) spend(addresses, address, alone)
    },
    succeeded: (address, user) => void pairs.delete(keyOf(address, user)),
  }
}
