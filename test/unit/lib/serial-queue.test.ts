import { describe, expect, it } from 'vitest'
import { serialQueue } from '../../../lib/serial-queue.ts'

describe('a serial queue', () => {
  it('runs one piece of work after the other, also after one that threw at once, or failed later', async () => {
    const queue = serialQueue()
    const seen: string[] = []
    const gate = Promise.withResolvers<void>()
    const all = [
      queue.run(async () => {
        await gate.promise
        seen.push('one')
      }),
      queue.run((): void => {
        seen.push('two')
        throw new Error('two')
      }),
      queue.run(async () => {
        seen.push('three')
        throw new Error('three')
      }),
      queue.run(() => seen.push('four')),
    ]
    const idle = queue.idle().then(() => seen.push('idle'))
    expect(seen).toEqual([])
    gate.resolve()
    expect(await Promise.allSettled(all)).toMatchObject([
      { status: 'fulfilled' },
      { reason: { message: 'two' } },
      { reason: { message: 'three' } },
      { value: 4 },
    ])
    await idle
    expect(seen).toEqual(['one', 'two', 'three', 'four', 'idle'])
  })
})
