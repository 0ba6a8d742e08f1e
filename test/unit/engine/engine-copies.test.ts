import { expect, it, vi } from 'vitest'
import { createEngineCopies } from '../../../core/app/engine-copies.ts'
import { fakeClock } from '../../fakes/clock.ts'
import { fakeEngine } from '../../fakes/engine/fake-engine.ts'

const made = (settled: Promise<{ kind: 'failed'; reason: string }>) => {
  const notify = vi.fn()
  const copies = createEngineCopies({
    common: { clock: fakeClock(), home: '/home', notify, log: () => {} },
    engine: { now: () => fakeEngine },
    supervisor: { recorded: async () => undefined },
    ownEngine: { settle: () => settled, close: async () => {} },
  })
  copies.setServing(4242)
  return { copies, notify }
}

it('a copy that cannot be made is told, and one that the end of the core cuts off is not', async () => {
  const failed = { kind: 'failed' as const, reason: 'the volume is full' }
  const told = made(Promise.resolve(failed))
  await vi.waitFor(() => expect(told.notify).toHaveBeenCalledOnce())

  const copying = Promise.withResolvers<typeof failed>()
  const cut = made(copying.promise)
  await cut.copies.close()
  copying.resolve({ ...failed, reason: 'This operation was aborted' })
  await new Promise(resolve => setImmediate(resolve))
  expect(cut.notify).not.toHaveBeenCalled()
})
