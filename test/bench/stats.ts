/** What a series of measurements says. `samples` in the order they were taken. */
export interface Summary {
  median: number
  p99: number
  least: number
  most: number
  samples: number[]
}

/**
 * The value below which `share` (0 to 1) of the samples lie, by linear interpolation between the two nearest
 * ranks (type 7 of Hyndman and Fan, as in R and NumPy). Throws on an empty series or a sample that is no number.
 */
export function quantile(samples: readonly number[], share: number): number {
  if (samples.length === 0) throw new Error('no samples')
  if (!samples.every(Number.isFinite)) throw new Error(`a sample is not a number: ${samples.join(', ')}`)
  const sorted = samples.toSorted((a, b) => a - b)
  const rank = Math.min(Math.max(share, 0), 1) * (sorted.length - 1)
  const below = sorted[Math.floor(rank)] ?? 0
  const above = sorted[Math.ceil(rank)] ?? below
  return below + (above - below) * (rank - Math.floor(rank))
}

export function summary(samples: readonly number[]): Summary {
  return {
    median: quantile(samples, 0.5),
    p99: quantile(samples, 0.99),
    least: quantile(samples, 0),
    most: quantile(samples, 1),
    samples: [...samples],
  }
}

/** How many times better than the peer: above 1 is better than the peer, whichever way the unit points. */
export function timesBetter(ours: number, peer: number, better: 'less' | 'more'): number {
  return better === 'more' ? ours / peer : peer / ours
}

/**
 * The longest time without an answer: the widest gap between two answers that follow each other. `answers`
 * holds when each came, in ms, ascending; the pause between two polls is part of every gap, so the result
 * errs on the long side.
 */
export function longestGap(answers: readonly number[]): number {
  return answers.reduce((widest, at, i) => Math.max(widest, at - (answers[i - 1] ?? at)), 0)
}
