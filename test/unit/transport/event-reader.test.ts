import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { eventReader } from '../../../client/control-events.ts'

function readAll(pieces: string[]): [string, string][] {
  const events: [string, string][] = []
  const read = eventReader((event, data) => events.push([event, data]))
  for (const piece of pieces) read(piece)
  return events
}

describe('the event reader', () => {
  const text = ':\n\nevent: snapshot\ndata: {"a":1}\n\n: hello\n\ndata: x\r\ndata:y\r\n\r\nevent: log\n\n'
  const whole: [string, string][] = [
    ['snapshot', '{"a":1}'],
    ['message', 'x\ny'],
  ]

  it('reads events, skips comments and events without data', () => {
    expect(readAll([text])).toEqual(whole)
  })

  it('reads the same whatever the pieces', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(text.length)), cuts => {
        const at = [0, ...cuts.sort((a, b) => a - b), text.length]
        const pieces = at.slice(1).map((end, i) => text.slice(at[i], end))
        expect(readAll(pieces)).toEqual(whole)
      }),
    )
  })
})
