import { expect, it } from 'vitest'
import { Pushes } from '../../../registry/http/pushes.ts'

function setUp() {
  const clock = { now: 1000 }
  return { clock, pushes: new Pushes(() => clock.now) }
}

it('is quiet at first', () => {
  expect(setUp().pushes.quietIn()).toBe(0)
})

it('lasts as long as a request runs, and two seconds after it', () => {
  const { clock, pushes } = setUp()
  const done = pushes.begin('a')
  clock.now += 60_000
  expect(pushes.quietIn()).toBeGreaterThan(0)
  done()
  expect(pushes.quietIn()).toBe(2000)
  clock.now += 1999
  expect(pushes.quietIn()).toBe(1)
  clock.now += 1
  expect(pushes.quietIn()).toBeLessThanOrEqual(0)
})

it('is over with the manifest', () => {
  const { pushes } = setUp()
  pushes.begin('a')()
  const done = pushes.begin('a')
  pushes.complete('a')
  done()
  expect(pushes.quietIn()).toBe(0)
})

it('is not over with the manifest while another upload runs there', () => {
  const { pushes } = setUp()
  pushes.begin('a')
  const done = pushes.begin('a')
  pushes.complete('a')
  done()
  expect(pushes.quietIn()).toBeGreaterThan(0)
})

it('goes on where a blob was just finished or asked for, and nowhere else', () => {
  const { clock, pushes } = setUp()
  pushes.begin('a')
  expect(pushes.continues('a')).toBe(false)
  pushes.between('a')
  pushes.between('b')
  expect(pushes.continues('a')).toBe(true)
  expect(pushes.continues('b')).toBe(false)
  clock.now += 2000
  expect(pushes.continues('a')).toBe(false)
})
