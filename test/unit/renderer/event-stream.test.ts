import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { eventReader } from '../../../renderer/bridge/event-stream.ts'

const stream =
  ': hello\n\nevent: snapshot\ndata: {"a":1}\n\nid: 7\nevent: log\r\ndata: one\r\ndata: two\r\n\r\ndata:bare\n\n:\n\n'
const events = [
  { event: 'snapshot', data: '{"a":1}' },
  { event: 'log', data: 'one\ntwo' },
  { event: 'message', data: 'bare' },
]

describe('reading an event stream', () => {
  it('gives the same events however the text is cut', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: stream.length }), { maxLength: 12 }), cuts => {
        const read = eventReader()
        const places = [0, ...cuts.sort((a, b) => a - b), stream.length]
        const pieces = places.slice(1).map((end, index) => stream.slice(places[index], end))
        expect(pieces.flatMap(read)).toEqual(events)
      }),
    )
  })

  it('holds an event back until its empty line', () => {
    const read = eventReader()
    expect(read('event: snapshot\ndata: 1\n')).toEqual([])
    expect(read('\n')).toEqual([{ event: 'snapshot', data: '1' }])
  })
})
