/** The store's size at one moment: ms since the epoch, bytes. */
export type Sample = [at: number, bytes: number]

const minute = 60_000
const hour = 60 * minute
const day = 24 * hour
/** Up to which age, in ms, one sample is retained in each interval of so many ms. */
const retentionSteps = [
  { upTo: day, every: 5 * minute },
  { upTo: 7 * day, every: hour },
  { upTo: 400 * day, every: day },
]

/** Retains the newest sample of each interval: at most 288 + 144 + 393, and none older than 400 days. */
export function thin(samples: Sample[], now: number): Sample[] {
  const retained: Sample[] = []
  let slot = ''
  for (const sample of samples.toReversed()) {
    const step = retentionSteps.find(({ upTo }) => now - sample[0] < upTo)
    if (!step) continue
    const sampleSlot = `${step.every}/${Math.floor(sample[0] / step.every)}`
    // The two newest always stay: the last change has a before and an after.
    if (sampleSlot === slot && retained.length > 1) continue
    slot = sampleSlot
    retained.push(sample)
  }
  return retained.reverse()
}

/** The last sample of each of the last 31 days (local time), oldest first. */
export function daily(samples: Sample[], now: number): Sample[] {
  const byDay = new Map<string, Sample>()
  for (const sample of samples)
    if (now - sample[0] < 32 * day) byDay.set(new Date(sample[0]).toDateString(), sample)
  return [...byDay.values()].slice(-31)
}

/**
 * Bytes added over the last 30 days, or over what there is: `days` says which (one decimal at most).
 * Undefined with less than a day of samples.
 */
export function growth(samples: Sample[], now: number): { bytes: number; days: number } | undefined {
  const last = samples.at(-1)
  // The newest sample from before the window, as long as it is not much older, else the first one in it.
  const before = samples.findLast(([at]) => at <= now - 30 * day && at > now - 32 * day)
  const first = before ?? samples.find(([at]) => at > now - 30 * day)
  if (!last || !first || last[0] - first[0] < day) return undefined
  return { bytes: last[1] - first[1], days: Math.round(((last[0] - first[0]) / day) * 10) / 10 }
}

/**
 * The pace of the last 30 days in bytes a day: the median of the slopes between all pairs of samples
 * (Theil-Sen), which one large push or one clean-up does not bend. Undefined with less than a day of samples
 * and when the store does not grow.
 */
export function bytesPerDay(samples: Sample[], now: number): number | undefined {
  const grown = growth(samples, now)
  if (!grown || grown.bytes <= 0) return undefined
  // One sample per slot, because recent days have more samples and must not have more weight.
  const slot = grown.days < 7 ? hour : day
  const even = new Map<number, Sample>()
  for (const sample of samples) if (sample[0] > now - 30 * day) even.set(Math.floor(sample[0] / slot), sample)
  const slope = medianSlope([...even.values()])
  return slope === undefined || slope <= 0 ? undefined : slope * day
}

/** Days until `freeBytes` are used up at this pace; undefined beyond a hundred years, never negative. */
export function daysToFull(paceBytesPerDay: number | undefined, freeBytes: number): number | undefined {
  if (paceBytesPerDay === undefined) return undefined
  const days = Math.max(0, freeBytes) / paceBytesPerDay
  return days > 36_500 ? undefined : days
}

/** Bytes a ms. */
function medianSlope(samples: Sample[]): number | undefined {
  const slopes: number[] = []
  for (const [index, [at, bytes]] of samples.entries())
    for (const [laterAt, laterBytes] of samples.slice(index + 1))
      if (laterAt > at) slopes.push((laterBytes - bytes) / (laterAt - at))
  slopes.sort((a, b) => a - b)
  const [low, high] = [slopes[(slopes.length - 1) >> 1], slopes[slopes.length >> 1]]
  return low === undefined || high === undefined ? undefined : (low + high) / 2
}
