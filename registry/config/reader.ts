import { nearest } from '../../lib/nearest.ts'
import type { ObjectNode, ValueNode } from './json-tree.ts'
import type { ConfigProblem, Position, ProblemCode } from './problem.ts'

/** What a reader answers once it has reported a problem. */
export const wrong = Symbol('wrong')

export interface Notes {
  problems: ConfigProblem[]
  warnings: ConfigProblem[]
  /** Where each known key of the file stands, by its canonical path. */
  positions: Record<string, Position>
}

/** One key of the file, present or not, and where to report about it. */
export interface Place {
  node: ValueNode | undefined
  path: string
  /** Of the key; of the enclosing object when the key is absent. */
  at: Position
  notes: Notes
}

export type Reader<T> = (place: Place) => T | typeof wrong
type Fields = Record<string, Reader<unknown>>
export type ReadBy<R> = R extends Reader<infer T> ? Exclude<T, typeof wrong> : never
type ObjectOf<F extends Fields> = { [K in keyof F]: ReadBy<F[K]> }

export function problemAt(place: Place, code: ProblemCode, message: string, allowed?: string): ConfigProblem {
  return { code, message, keyPath: place.path, ...place.at, ...(allowed === undefined ? {} : { allowed }) }
}

/** Reports a problem and answers `wrong`. */
export function refuse(place: Place, code: ProblemCode, message: string, allowed?: string): typeof wrong {
  place.notes.problems.push(problemAt(place, code, message, allowed))
  return wrong
}

const kinds = {
  Object: 'an object',
  Array: 'a list',
  String: 'a string',
  Number: 'a number',
  Boolean: 'true or false',
}

/** Says what kind of value stands there, and never the value: it may be a secret. */
export function wrongType(place: Place, allowed: string): typeof wrong {
  const type = place.node?.type
  const found = type !== undefined && type in kinds ? kinds[type as keyof typeof kinds] : 'null'
  return refuse(place, 'wrong-type', `${found} is not allowed here`, allowed)
}

/** Absent and null are the same, as for Go. */
export const isAbsent = (node: ValueNode | undefined): node is undefined =>
  node === undefined || node.type === 'Null'

export function optional<T>(reader: Reader<T>): Reader<T | undefined> {
  return place => (isAbsent(place.node) ? undefined : reader(place))
}

export function withDefault<T>(reader: Reader<T>, value: T): Reader<T> {
  return place => (isAbsent(place.node) ? value : reader(place))
}

export function required<T>(reader: Reader<T>): Reader<T> {
  return place => (isAbsent(place.node) ? refuse(place, 'missing', 'this key is required') : reader(place))
}

/** Reads, checked lets `adjust` check or change the whole value. */
export function checked<T, U>(
  reader: Reader<T>,
  adjust: (value: T, place: Place) => U | typeof wrong,
): Reader<U> {
  return place => {
    const value = reader(place)
    return value === wrong ? wrong : adjust(value, place)
  }
}

/** The place of a key below, for checks across keys: `below(place, 'path')`. */
export function below(place: Place, key: string): Place {
  const path = place.path === '' ? key : `${place.path}.${key}`
  return { ...place, path, at: place.notes.positions[path] ?? place.at }
}

/**
 * An object whose keys are all known; keys are matched without regard to case, as zot's loader does.
 * An absent object is read as an empty one, so that defaults apply: wrap it in `optional` otherwise.
 */
export function object<F extends Fields>(fields: F): Reader<ObjectOf<F>> {
  const names = Object.keys(fields)
  const canonical = new Map(names.map(name => [name.toLowerCase(), name]))
  return place => {
    if (!isAbsent(place.node) && place.node.type !== 'Object') return wrongType(place, 'an object')
    const { members, repeated } = membersOf(place)
    let failed = repeated
    for (const [lower, member] of members) {
      const name = canonical.get(lower)
      if (name !== undefined) {
        place.notes.positions[childPath(place, name)] = member.at
        continue
      }
      const near = nearest(member.written, names)
      const hint = near === undefined ? '' : `; did you mean "${near}"?`
      const child = { ...place, path: childPath(place, member.written), at: member.at }
      refuse(child, 'unknown-key', `unknown key${hint}`, near === undefined ? names.join(', ') : undefined)
      failed = true
    }
    const read = names.map((name): [string, unknown] => {
      const member = members.get(name.toLowerCase())
      const child = { ...place, node: member?.node, path: childPath(place, name), at: member?.at ?? place.at }
      return [name, fields[name]?.(child)]
    })
    if (failed || read.some(([, value]) => value === wrong)) return wrong
    // Built key by key from `fields`: the type system cannot follow that, the tests do.
    return Object.fromEntries(read) as ObjectOf<F>
  }
}

/** An object with free keys. Keys come out in lower case: zot's loader does that to every map. */
export function map<T>(reader: Reader<T>): Reader<Record<string, T>> {
  return place => {
    if (isAbsent(place.node)) return {}
    if (place.node.type !== 'Object') return wrongType(place, 'an object')
    const { members, repeated } = membersOf(place)
    const entries: [string, T][] = []
    let failed = repeated
    for (const [lower, member] of members) {
      const path = childPath(place, member.written)
      place.notes.positions[path] = member.at
      const value = reader({ ...place, node: member.node, path, at: member.at })
      if (value === wrong) failed = true
      else entries.push([lower, value])
    }
    return failed ? wrong : Object.fromEntries(entries)
  }
}

export function list<T>(reader: Reader<T>): Reader<T[]> {
  return place => {
    if (isAbsent(place.node)) return []
    if (place.node.type !== 'Array') return wrongType(place, 'a list')
    const values: T[] = []
    let failed = false
    for (const [index, { value: node }] of place.node.elements.entries()) {
      const value = reader({ ...place, node, path: `${place.path}[${index}]`, at: startOf(node) })
      if (value === wrong) failed = true
      else values.push(value)
    }
    return failed ? wrong : values
  }
}

interface MemberAt {
  written: string
  node: ValueNode
  at: Position
}

/** The members by lower-case key; a key that comes twice is reported, and the first one kept. */
function membersOf(place: Place): { members: Map<string, MemberAt>; repeated: boolean } {
  const members = new Map<string, MemberAt>()
  let repeated = false
  const object: ObjectNode | undefined = place.node?.type === 'Object' ? place.node : undefined
  for (const { name, value } of object?.members ?? []) {
    const written = name.type === 'String' ? name.value : name.name
    const earlier = members.get(written.toLowerCase())
    const at = startOf(name)
    if (earlier === undefined) members.set(written.toLowerCase(), { written, node: value, at })
    else {
      const child = { ...place, path: childPath(place, written), at }
      refuse(child, 'duplicate-key', `the same key as "${earlier.written}" in line ${earlier.at.line}`)
      repeated = true
    }
  }
  return { members, repeated }
}

const childPath = (place: Place, key: string): string => {
  if (!/^[\w-]{1,80}$/.test(key)) return `${place.path}[${JSON.stringify(key.slice(0, 80))}]`
  return place.path === '' ? key : `${place.path}.${key}`
}

const startOf = (node: { loc: { start: Position } }): Position => ({
  line: node.loc.start.line,
  column: node.loc.start.column,
})
