const unitsInMs: Record<string, number> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  μs: 1e-3,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
}
/** Go keeps durations in a signed 64-bit count of nanoseconds. */
const limitMs = 2 ** 63 / 1e6

/**
 * A Go duration ("24h", "1h30m", "-1.5s", "0") in ms, or undefined when Go would refuse it.
 * https://pkg.go.dev/time#ParseDuration
 */
export function parseDuration(text: string): number | undefined {
  const signed = /^([+-]?)(.*)$/s.exec(text)
  const body = signed?.[2] ?? ''
  if (body === '0') return 0
  if (!/^((\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h))+$/.test(body)) return undefined
  let total = 0
  for (const part of body.matchAll(/(\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h)/g)) {
    total += Number(part[1]) * (unitsInMs[part[2] ?? ''] ?? Number.NaN)
  }
  if (!(total < limitMs)) return undefined
  return signed?.[1] === '-' && total !== 0 ? -total : total
}

/** A bare number in config.json is nanoseconds. */
export const nanosecondsToMs = (ns: number): number => ns / 1e6
