import { type Summary, summary } from './stats.ts'

/** The two sides of a comparison; either may be missing. */
export interface Pair<T> {
  ours?: T
  peer?: T
}

/**
 * Measures both sides in turn, `rounds` times, beginning with the other one each time, so that neither always
 * runs on the machine the other has just warmed or tired. `warmup` rounds before are thrown away.
 */
export async function alternate<T>(
  sides: Pair<T>,
  rounds: { count: number; warmup?: number },
  measure: (side: T, round: number) => Promise<number>,
): Promise<Pair<Summary>> {
  const samples: Record<'ours' | 'peer', number[]> = { ours: [], peer: [] }
  const warmup = rounds.warmup ?? 0
  for (let round = 0 - warmup; round < rounds.count; round++) {
    const order = round % 2 === 0 ? (['ours', 'peer'] as const) : (['peer', 'ours'] as const)
    for (const name of order) {
      const side = sides[name]
      if (side === undefined) continue
      const sample = await measure(side, round)
      if (round >= 0) samples[name].push(sample)
    }
  }
  return {
    ...(samples.ours.length > 0 ? { ours: summary(samples.ours) } : {}),
    ...(samples.peer.length > 0 ? { peer: summary(samples.peer) } : {}),
  }
}

/** Applies `make` to each side that is there, ours first. */
export async function both<T, U>(sides: Pair<T>, make: (side: T) => Promise<U>): Promise<Pair<U>> {
  const pair: Pair<U> = {}
  if (sides.ours !== undefined) pair.ours = await make(sides.ours)
  if (sides.peer !== undefined) pair.peer = await make(sides.peer)
  return pair
}

/** The same measurement again and again, one side only. */
export async function repeat(count: number, measure: (round: number) => Promise<number>): Promise<Summary> {
  const samples: number[] = []
  for (let round = 0; round < count; round++) samples.push(await measure(round))
  return summary(samples)
}

/** Runs `work` over the items, at most `width` at a time. The first failure ends it. */
export async function inParallel<T>(items: readonly T[], width: number, work: (item: T) => Promise<void>) {
  const queue = items.values()
  const worker = async (): Promise<void> => {
    for (const item of queue) await work(item)
  }
  await Promise.all(Array.from({ length: width }, worker))
}
