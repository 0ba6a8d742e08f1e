import { invalid, isAbsent, list, map, type Reader, refuse, wrongType } from './reader.ts'
import type { ValueNode } from './value-node.ts'
import { parseGoInteger } from './yaml-scalar.ts'

// Numbers, texts and truth values are read in place of each other, as zot's reader does it:
// https://pkg.go.dev/github.com/go-viper/mapstructure/v2#DecoderConfig, WeaklyTypedInput

const unitsInMs: Record<string, number> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  μs: 1e-3,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
}
/** Go keeps durations in a signed 64-bit count of nanoseconds. */
const limitMs = 2 ** 63 / 1e6

/**
 * A Go duration ("24h", "1h30m", "-1.5s", "0") in ms, or undefined when Go would refuse it.
 * https://pkg.go.dev/time#ParseDuration
 */
export function parseDuration(text: string): number | undefined {
  const signed = /^([+-]?)(.*)$/s.exec(text)
  const body = signed?.[2] ?? ''
  if (body === '0') return 0
  if (!/^((\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h))+$/.test(body)) return undefined
  let total = 0
  for (const part of body.matchAll(/(\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h)/g)) {
    total += Number(part[1]) * (unitsInMs[part[2] ?? ''] ?? Number.NaN)
  }
  if (!(total < limitMs)) return undefined
  return signed?.[1] === '-' && total !== 0 ? -total : total
}

/** A bare number in config.json is nanoseconds. */
const nanosecondsToMs = (ns: number): number => ns / 1e6

export type Json = string | number | boolean | null | Json[] | { [key: string]: Json }

export const text: Reader<string> = cursor => {
  const { node } = cursor
  switch (node?.type) {
    case 'String':
      return node.value
    case 'Number':
      return node.text
    case 'Boolean':
      return node.value ? '1' : '0'
    default:
      return wrongType(cursor, 'a string')
  }
}

export const nonEmptyText: Reader<string> = cursor => {
  const value = text(cursor)
  return value === '' ? refuse(cursor, 'missing', 'an empty string is not allowed here') : value
}

/** Text that may stand in a header of an answer: one line. */
export const headerText: Reader<string> = cursor => {
  const value = text(cursor)
  return typeof value === 'string' && /[^\t\x20-\x7e\x80-\xff]/.test(value)
    ? refuse(cursor, 'not-allowed', 'this cannot stand in a header', 'one line of Latin letters and signs')
    : value
}

const trueWords = ['1', 't', 'T', 'true', 'TRUE', 'True']
const falseWords = ['0', 'f', 'F', 'false', 'FALSE', 'False', '']

export const flag: Reader<boolean> = cursor => {
  const { node } = cursor
  switch (node?.type) {
    case 'Boolean':
      return node.value
    case 'Number':
      return node.value !== 0
    case 'String':
      if (trueWords.includes(node.value)) return true
      if (falseWords.includes(node.value)) return false
      return refuse(cursor, 'not-allowed', 'this text is neither true nor false', 'true or false')
    default:
      return wrongType(cursor, 'true or false')
  }
}

/** A fraction is cut off, and an empty text is 0. */
export function integer(min: number, max = Number.MAX_SAFE_INTEGER): Reader<number> {
  const allowed =
    max === Number.MAX_SAFE_INTEGER ? `a whole number from ${min}` : `a whole number, ${min} to ${max}`
  return cursor => {
    const value = wholeOf(cursor.node)
    if (value === undefined) return wrongType(cursor, allowed)
    if (Number.isInteger(value) && value >= min && value <= max) return value
    return refuse(cursor, 'out-of-range', `${value} is out of range`, allowed)
  }
}

function wholeOf(node: ValueNode | undefined): number | undefined {
  switch (node?.type) {
    case 'Number':
      return Math.trunc(node.value)
    case 'Boolean':
      return Number(node.value)
    case 'String': {
      const whole = parseGoInteger(node.value.replaceAll(/(?<=[\da-f])_(?=[\da-f])/gi, ''))
      return node.value === '' ? 0 : whole === undefined ? undefined : Number(whole)
    }
    default:
      return undefined
  }
}

/** A number; an empty text is 0. */
export const number: Reader<number> = cursor => {
  const { node } = cursor
  const value =
    node?.type === 'String' ? Number(node.value) : node?.type === 'Number' ? node.value : Number.NaN
  return Number.isFinite(value) ? value : wrongType(cursor, 'a number')
}

export const texts = list(text)

/** Go duration or nanoseconds, read as ms. `min` in ms. */
export function duration(min = Number.NEGATIVE_INFINITY): Reader<number> {
  const allowed = 'a duration such as "30s", "24h" or "1h30m", or a number of nanoseconds'
  return cursor => {
    const { node } = cursor
    if (node?.type !== 'String' && node?.type !== 'Number' && node?.type !== 'Boolean')
      return wrongType(cursor, allowed)
    const ms =
      node.type === 'String' ? parseDuration(node.value) : nanosecondsToMs(Math.trunc(Number(node.value)))
    if (ms === undefined || !Number.isFinite(ms)) {
      return refuse(cursor, 'not-allowed', `${JSON.stringify(node.value)} is not a duration`, allowed)
    }
    if (ms < min) return refuse(cursor, 'out-of-range', 'the duration is too short', `at least ${min} ms`)
    return ms
  }
}

/** A port as string or number; empty and 0 let the kernel choose. */
export const port: Reader<number> = cursor => {
  const allowed = '0 to 65535, as a string or a number; 0 lets the system choose'
  const written = text(cursor)
  if (written === invalid) return invalid
  const value = /^-?\d*$/.test(written) ? Number(written) : Number.NaN
  if (value >= 0 && value <= 65535) return value
  const code = Number.isFinite(value) ? 'out-of-range' : 'not-allowed'
  return refuse(cursor, code, `${JSON.stringify(written)} is not a port`, allowed)
}

/** One of a few words, whatever its case; comes out as written in `words`. */
export function oneOf<const W extends readonly string[]>(words: W): Reader<W[number]> {
  return cursor => {
    const value = text(cursor)
    if (value === invalid) return invalid
    const found = words.find(word => word === value.toLowerCase())
    return found ?? refuse(cursor, 'not-allowed', `${JSON.stringify(value)} is not known`, words.join(', '))
  }
}

export function matching(pattern: RegExp, allowed: string): Reader<string> {
  return cursor => {
    const value = text(cursor)
    if (value === invalid || pattern.test(value)) return value
    return refuse(cursor, 'not-allowed', `${JSON.stringify(value)} has the wrong form`, allowed)
  }
}

/** Any JSON value; keys of objects in lower case. For drivers, whose options zot passes on unread. */
export const anything: Reader<Json> = cursor => {
  const { node } = cursor
  if (isAbsent(node)) return null
  switch (node.type) {
    case 'Object':
      return map(anything)(cursor)
    case 'Array':
      return list(anything)(cursor)
    case 'String':
    case 'Number':
    case 'Boolean':
      return node.value
    default:
      return wrongType(cursor, 'a JSON value')
  }
}

export const driver = map(anything)
