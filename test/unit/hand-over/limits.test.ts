import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { contractNumber } from '../../../contract/hello.ts'
import { loadSuccessor, passOn } from '../../../core/hand-over/hand-over.ts'
import type { Successor } from '../../../core/hand-over/successor.ts'
import { homeFormat } from '../../../lib/home-format.ts'

const limitMs = 20_000
const hour = 3_600_000

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'] })
})
afterEach(() => {
  vi.useRealTimers()
})

/** A successor that says the words that it is given. */
function successor() {
  const ended = Promise.withResolvers<{ code: number | null; signal: string | null }>()
  const words: PromiseWithResolvers<unknown>[] = [
    Promise.withResolvers<unknown>(),
    Promise.withResolvers<unknown>(),
  ]
  let at = 0
  let killed = false
  const said: Successor = {
    pid: 7,
    send() {},
    next: () => words[at++]?.promise ?? Promise.resolve(undefined),
    kill() {
      killed = true
      ended.resolve({ code: null, signal: 'SIGKILL' })
    },
    ended: ended.promise,
  }
  return { said, words, wasKilled: () => killed }
}

const loaded = { say: 'loaded', build: 'b', version: '1.0.0', contract: contractNumber, home: homeFormat }
const load = (said: Successor) =>
  loadSuccessor({
    program: { node: '/node', args: [] },
    build: 'b',
    start: async () => ({ ok: true, value: said }),
    limitMs,
  })
const state = { lock: 'n', unrevealed: [], stopped: false }

describe('a clock that is set while a successor loads or takes the home', () => {
  it.each([hour, -hour])('by %i ms neither ends nor prolongs its time', async byMs => {
    const { said, words, wasKilled } = successor()
    const loading = load(said)
    vi.setSystemTime(Date.now() + byMs)
    await vi.advanceTimersByTimeAsync(limitMs - 1)
    words[0]?.resolve(loaded)
    expect(await loading).toMatchObject({ ok: true })
    const passing = passOn(said, state, limitMs)
    vi.setSystemTime(Date.now() + byMs)
    await vi.advanceTimersByTimeAsync(limitMs - 1)
    expect(wasKilled()).toBe(false)
    await vi.advanceTimersByTimeAsync(1)
    expect(await passing).toEqual({
      ok: false,
      error: { code: 'hand-over-failed', reason: 'it did not serve within 20 s' },
    })
    expect(wasKilled()).toBe(true)
  })
})
