import { expect, it } from 'vitest'
import { MemoryReleaser } from '../../../registry/memory.ts'

const megabyte = 1024 * 1024

/** A process of 80 MB that does nothing; each look is 5 s after the one before. */
function setUp() {
  const state = { resident: 80 * megabyte, busy: 0, now: 0, inUse: 80 * megabyte, collected: 0 }
  const giveBack = new MemoryReleaser({
    resident: () => state.resident,
    busy: () => state.busy,
    now: () => state.now,
    collect: () => {
      state.collected++
      state.resident = state.inUse
    },
  })
  const look = (resident: number, busy = 0): number => {
    state.resident = resident * megabyte
    state.now += 5000
    state.busy += busy
    giveBack.look()
    return state.collected
  }
  look(80)
  return { state, look }
}

it('hands back what a rush left', () => {
  const { state, look } = setUp()
  expect(look(103)).toBe(0)
  expect(look(213)).toBe(1)
  expect(state.resident).toBe(80 * megabyte)
  expect(look(80)).toBe(1)
  expect(look(213)).toBe(2)
})

it('waits until the rush is over', () => {
  const { look } = setUp()
  expect(look(213, 1300)).toBe(0)
  expect(look(213, 1200)).toBe(1)
})

it('does not look again and again for what is in use', () => {
  const { state, look } = setUp()
  state.inUse = 200 * megabyte
  expect(look(213)).toBe(1)
  expect(look(213)).toBe(1)
  expect(look(223)).toBe(1)
  expect(look(224)).toBe(2)
})

it('measures from the least that it was', () => {
  const { state, look } = setUp()
  state.inUse = 200 * megabyte
  expect(look(213)).toBe(1)
  expect(look(90)).toBe(1)
  expect(look(113)).toBe(1)
  expect(look(114)).toBe(2)
})
