import { describe, expect, it } from 'vitest'
import { alternate, both, inParallel, repeat } from '../../bench/rounds.ts'

describe('alternate', () => {
  it('begins with the other side each time and forgets the warm-up', async () => {
    const seen: string[] = []
    const result = await alternate({ ours: 'o', peer: 'p' }, { count: 3, warmup: 1 }, async (side, round) => {
      seen.push(`${side}${round}`)
      return side === 'o' ? round : round + 10
    })
    expect(seen).toEqual(['p-1', 'o-1', 'o0', 'p0', 'p1', 'o1', 'o2', 'p2'])
    expect(result.ours?.samples).toEqual([0, 1, 2])
    expect(result.peer?.samples).toEqual([10, 11, 12])
  })

  it('measures one side where the other is missing', async () => {
    const result = await alternate({ ours: 'o' }, { count: 2 }, async (_, round) => round)
    expect(result.ours?.samples).toEqual([0, 1])
    expect(result).not.toHaveProperty('peer')
  })
})

describe('both', () => {
  it('leaves out what is not there', async () => {
    expect(await both({ peer: 2 }, async side => side * 2)).toEqual({ peer: 4 })
  })
})

describe('repeat', () => {
  it('takes as many samples as asked for', async () => {
    expect((await repeat(3, async round => round)).samples).toEqual([0, 1, 2])
  })
})

describe('inParallel', () => {
  it('does everything once, never more than the width at a time', async () => {
    const done: number[] = []
    let now = 0
    let most = 0
    await inParallel([1, 2, 3, 4, 5], 2, async item => {
      most = Math.max(most, ++now)
      await Promise.resolve()
      done.push(item)
      now--
    })
    expect(done.toSorted()).toEqual([1, 2, 3, 4, 5])
    expect(most).toBe(2)
  })

  it('fails with the first failure', async () => {
    const failing = inParallel([1, 2], 1, async item => {
      throw new Error(`no ${item}`)
    })
    await expect(failing).rejects.toThrow('no 1')
  })
})
