import { describe, expect, it } from 'vitest'
import { isObject, parseJson } from '../../../lib/json.ts'

describe('JSON of unknown shape', () => {
  it('parses text and bytes, and answers undefined for what is not JSON', () => {
    expect(parseJson('{"a":[1,null]}')).toEqual({ a: [1, null] })
    expect(parseJson(Buffer.from('"ü"'))).toBe('ü')
    expect(parseJson('null')).toBeNull()
    for (const text of ['', '{', 'undefined', '{"a":1}}']) expect(parseJson(text)).toBeUndefined()
  })

  it.each([
    [{}, true],
    [{ a: 1 }, true],
    [[], false],
    [null, false],
    ['{}', false],
    [undefined, false],
  ])('tells whether %j is an object', (value, expected) => {
    expect(isObject(value)).toBe(expected)
  })
})
