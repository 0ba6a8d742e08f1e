import * as v from 'valibot'
import { asList, type ConfigView, quote } from './config-view.ts'

/** When an advisory concerns a configuration, as data. Paths as in `ConfigView.find`. */
export type Matcher =
  | { always: true }
  /** The key is there, and neither null nor an empty text, list or block. */
  | { set: string }
  /** The key is absent; quoted as "PATH is not set". */
  | { unset: string }
  | { path: string; equals: string | number | boolean }
  /** A list of texts that has all of `has` and none of `lacks`. */
  | { list: string; has: string[]; lacks?: string[] }
  | { all: Matcher[] }
  | { any: Matcher[] }
  | { not: Matcher }

const path = v.pipe(v.string(), v.minLength(1), v.maxLength(200))
const words = v.pipe(v.array(v.pipe(v.string(), v.maxLength(200))), v.maxLength(20))

/** A matcher as advisories state it; at most six levels of all, any and not. */
export const matcherSchema: v.GenericSchema<unknown, Matcher> = matcherOfDepth(6)

/** Nested no deeper than a person writes it: what comes from a URL must not exhaust the stack. */
function matcherOfDepth(depth: number): v.GenericSchema<unknown, Matcher> {
  const flat = [
    v.strictObject({ always: v.literal(true) }),
    v.strictObject({ set: path }),
    v.strictObject({ unset: path }),
    v.strictObject({ path, equals: v.union([v.string(), v.number(), v.boolean()]) }),
    v.strictObject({ list: path, has: words, lacks: v.exactOptional(words) }),
  ]
  if (depth === 0) return v.union(flat)
  const inner = matcherOfDepth(depth - 1)
  const several = v.pipe(v.array(inner), v.minLength(1), v.maxLength(20))
  return v.union([
    ...flat,
    v.strictObject({ all: several }),
    v.strictObject({ any: several }),
    v.strictObject({ not: inner }),
  ])
}

/** What in the file makes it match, quoted; undefined where it does not. `always` and `not` quote nothing. */
export function matchIn(view: ConfigView, matcher: Matcher): string[] | undefined {
  if ('always' in matcher) return []
  if ('set' in matcher)
    return noneAsUndefined(
      view
        .find(matcher.set)
        .filter(hit => isSet(hit.value))
        .map(quote),
    )
  if ('unset' in matcher)
    return view.find(matcher.unset).some(({ value }) => value !== null)
      ? undefined
      : [`${matcher.unset} is not set`]
  if ('equals' in matcher)
    return noneAsUndefined(
      view
        .find(matcher.path)
        .filter(({ value }) => isSame(value, matcher.equals))
        .map(quote),
    )
  if ('list' in matcher)
    return noneAsUndefined(
      view
        .find(matcher.list)
        .filter(({ value }) => isList(value) && fits(asList(value), matcher.has, matcher.lacks ?? []))
        .map(quote),
    )
  if ('not' in matcher) return matchIn(view, matcher.not) === undefined ? [] : undefined
  if ('all' in matcher) {
    const results = matcher.all.map(inner => matchIn(view, inner))
    return results.every(evidence => evidence !== undefined) ? results.flat() : undefined
  }
  const results = matcher.any.map(inner => matchIn(view, inner)).filter(evidence => evidence !== undefined)
  return results.length > 0 ? results.flat() : undefined
}

const noneAsUndefined = (evidence: string[]): string[] | undefined =>
  evidence.length > 0 ? evidence : undefined

/** As zot reads them: "true" is true, and "5" is 5. */
function isSame(value: unknown, expected: string | number | boolean): boolean {
  if (value === expected) return true
  if (value === null || typeof value === 'object') return false
  const text = String(value)
  return typeof expected === 'boolean'
    ? (expected ? ['1', 't', 'true'] : ['', '0', 'f', 'false']).includes(text.toLowerCase())
    : text === String(expected)
}

const isList = (value: unknown): boolean => Array.isArray(value) || asList(value).length > 0

const fits = (list: unknown[], has: string[], lacks: string[]): boolean =>
  has.every(word => list.includes(word)) && !lacks.some(word => list.includes(word))

function isSet(value: unknown): boolean {
  if (value === null || value === undefined || value === '') return false
  return typeof value !== 'object' || Object.keys(value).length > 0
}
