import { EventEmitter } from 'node:events'
import type { Server } from 'node:http'
import { expect, it } from 'vitest'
import { createListening } from '../../../core/dashboard/listening.ts'
import { fakeClock } from '../../fakes/clock.ts'

/** A server that the system does not let listen, `failing` times. */
class RefusedServer extends EventEmitter {
  private readonly code: string | undefined
  constructor(code: string | undefined) {
    super()
    this.code = code
  }
  listen(_: unknown, listening: () => void): void {
    const { code } = this
    setImmediate(() =>
      code === undefined ? listening() : this.emit('error', Object.assign(new Error(code), { code })),
    )
  }
  address(): { port: number } {
    return { port: 80 }
  }
}

function setUp(codes: (string | undefined)[], leftFree: { why?: string } = {}) {
  const clock = fakeClock()
  const events: string[] = []
  const listening = createListening({
    clock,
    createServer: () => new RefusedServer(codes.shift()) as unknown as Server,
    endStreams: () => {},
    findHolder: async () => ({ pid: 7, command: '/bin/other' }),
    whyLeftFree: () => leftFree.why,
    onServing: async port => void events.push(`serving ${port}`),
    onLost: async () => void events.push('lost'),
    onChange: () => events.push('changed'),
  })
  return { clock, events, listening }
}

it('says why the system refuses a port, leaves the sessions alone, and tries again', async () => {
  const { clock, events, listening } = setUp(['EACCES', 'EACCES', undefined])
  await listening.move(80)
  expect(listening.trouble()).toEqual({ port: 80, why: 'refused', reason: 'access is denied' })
  await clock.advance(10_000)
  expect(events).toEqual(['changed'])
  await clock.advance(10_000)
  expect(events).toEqual(['changed', 'serving 80', 'changed'])
  expect([listening.port(), listening.trouble()]).toEqual([80, undefined])
})

it('looks for a second before it says who has the port, and then every ten', async () => {
  const { clock, events, listening } = setUp(Array.from({ length: 6 }, () => 'EADDRINUSE'))
  await listening.move(80)
  await clock.advance(999)
  expect([events, listening.trouble()]).toEqual([[], undefined])
  await clock.advance(1)
  expect(events).toEqual(['lost', 'changed'])
  expect(listening.trouble()).toEqual({ port: 80, why: 'held', holder: { pid: 7, command: '/bin/other' } })
  await clock.advance(20_000)
  expect(events).toEqual(['lost', 'changed'])
  await clock.advance(10_000)
  expect(events.slice(2)).toEqual(['serving 80', 'changed'])
})

it('leaves a port free that somebody else is to have, and takes it once that is over', async () => {
  const leftFree: { why?: string } = { why: 'it is the registry’s' }
  const { clock, events, listening } = setUp([undefined], leftFree)
  await listening.move(80)
  expect(listening.port()).toBeUndefined()
  expect(listening.trouble()).toEqual({ port: 80, why: 'refused', reason: 'it is the registry’s' })
  delete leftFree.why
  await clock.advance(10_000)
  expect(events).toEqual(['changed', 'serving 80', 'changed'])
})
