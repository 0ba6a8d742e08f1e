import { expect, it } from 'vitest'
import { createEmitter } from '../../../lib/emitter.ts'

interface Events {
  changed: undefined
  line: string
}

it('calls the listeners of one event in the order of subscription', () => {
  const events = createEmitter<Events>()
  const heard: string[] = []
  events.on('line', line => heard.push(`first ${line}`))
  events.on('line', line => heard.push(`second ${line}`))
  events.on('changed', () => heard.push('changed'))
  events.emit('line', 'a')
  events.emit('changed')
  expect(heard).toEqual(['first a', 'second a', 'changed'])
})

it('calls nobody after the end of a subscription, and knows whether anybody listens', () => {
  const events = createEmitter<Events>()
  let calls = 0
  const listener = () => calls++
  expect(events.has('changed')).toBe(false)
  const ends = [events.on('changed', listener), events.on('changed', listener)]
  events.emit('changed')
  expect(calls).toBe(2)
  ends[0]?.()
  ends[0]?.()
  events.emit('changed')
  expect(calls).toBe(3)
  expect(events.has('changed')).toBe(true)
  ends[1]?.()
  events.emit('changed')
  expect(calls).toBe(3)
  expect(events.has('changed')).toBe(false)
})

it('lets a listener subscribe and end subscriptions while an event is handled', () => {
  const events = createEmitter<Events>()
  const heard: string[] = []
  events.on('line', () => {
    events.on('line', line => heard.push(`new ${line}`))
    end()
  })
  const end = events.on('line', line => heard.push(`gone ${line}`))
  events.emit('line', 'a')
  expect(heard).toEqual([])
  events.emit('line', 'b')
  expect(heard).toEqual(['new b'])
})

it('hands what a listener throws to the one who emits', () => {
  const events = createEmitter<Events>()
  events.on('changed', () => {
    throw new Error('a bug')
  })
  expect(() => events.emit('changed')).toThrow('a bug')
})
