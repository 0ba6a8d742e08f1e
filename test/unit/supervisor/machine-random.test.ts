import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createWorld } from './world.ts'

const act = fc.oneof(
  {
    weight: 2,
    arbitrary: fc.constantFrom('start', 'stop', 'restart', 'restart-now', 'cancel', 'woke', 'quit'),
  },
  { weight: 4, arbitrary: fc.constantFrom('tick', 'ready', 'obey', 'stubborn') },
  {
    weight: 2,
    arbitrary: fc.constantFrom(
      'crash',
      'exit-0',
      'hang',
      'silent',
      'answers',
      'foreign',
      'foreign-gone',
      'open',
      'chosen',
      'data-lost',
    ),
  },
  { weight: 6, arbitrary: fc.nat({ max: 3 }) },
  { weight: 1, arbitrary: fc.nat({ max: 40_000 }).map(ms => ({ ms })) },
)

describe('any order of events', () => {
  it('never runs two processes, never signals another one, and always comes to an end state', () => {
    fc.assert(
      fc.property(fc.boolean(), fc.boolean(), fc.array(act, { maxLength: 80 }), (drains, left, acts) => {
        const world = createWorld(drains, left)
        world.dispatch({ kind: 'app-started' })
        let wanted: 'serving' | 'stopped' = 'serving'
        let quit = false
        for (const one of acts) {
          if (typeof one === 'number') world.answer(one)
          else if (typeof one === 'object') world.later(one.ms)
          else
            switch (one) {
              case 'start':
                if (!quit) world.dispatch({ kind: 'start-asked' })
                wanted = quit ? wanted : 'serving'
                break
              case 'restart':
              case 'restart-now':
                if (!quit) world.dispatch({ kind: 'restart-asked', now: one === 'restart-now' })
                wanted = quit ? wanted : 'serving'
                break
              case 'stop':
              case 'quit':
                world.dispatch({ kind: 'stop-asked', goal: one === 'quit' ? 'quit' : 'stopped' })
                wanted = 'stopped'
                quit ||= one === 'quit'
                break
              case 'cancel': {
                const shown = world.shown()
                const back = shown.kind === 'draining' && shown.cancellable && !quit
                world.dispatch({ kind: 'cancel-asked' })
                if (back) wanted = 'serving'
                break
              }
              case 'woke':
                world.dispatch({ kind: 'woke' })
                break
              case 'tick':
                world.tick()
                break
              case 'ready':
                world.ready()
                break
              case 'obey':
              case 'stubborn':
                world.obey(one === 'stubborn')
                break
              case 'crash':
              case 'exit-0':
                world.crash(one === 'crash' ? 1 : 0)
                break
              case 'hang':
                world.hang()
                break
              case 'silent':
              case 'answers':
                world.silent(one === 'answers')
                break
              case 'open':
              case 'chosen':
                world.open(one === 'open')
                break
              case 'data-lost':
                world.loseData()
                break
              case 'foreign':
              case 'foreign-gone':
                world.foreign(one === 'foreign')
                break
            }
          expect(world.faults).toEqual([])
        }
        const end = world.settle()
        expect({ end, running: world.ours().length, faults: world.faults }).toEqual({
          end: wanted,
          running: wanted === 'serving' ? 1 : 0,
          faults: [],
        })
      }),
      { numRuns: 3000 },
    )
  })
})
