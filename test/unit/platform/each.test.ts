import { expect, it } from 'vitest'
import { runEach } from '../../../core/platform/tasks.ts'

it('does every job in its order, whatever becomes of the ones before, and reports what failed', async () => {
  const done: string[] = []
  const told: string[] = []
  await runEach(
    {
      'the end of one': () => {
        throw new Error('a fault')
      },
      'the end of two': () => Promise.reject(Object.assign(new Error('disk'), { code: 'EIO' })),
      'the end of three': async () => {
        await Promise.resolve()
        done.push('three')
      },
      'the end of four': () => done.push('four'),
    },
    (message, { reason }) => told.push(`${message}: ${reason}`),
  )
  expect(done).toEqual(['three', 'four'])
  expect(told).toEqual([
    'the end of one failed: a fault',
    'the end of two failed: the volume answers with errors',
  ])
})
