import { nearest } from '../../lib/nearest.ts'
import type { ObjectNode, ValueNode } from './json-tree.ts'
import type { ConfigProblem, Position, ProblemCode } from './problem.ts'

/** What a reader answers once it has reported a problem. */
export const invalid = Symbol('wrong')

export interface Notes {
  problems: ConfigProblem[]
  warnings: ConfigProblem[]
  /** Where each known key of the file stands, by its canonical path. */
  positions: Record<string, Position>
}

/** One key of the file, present or not, and where to report about it. */
export interface Cursor {
  node: ValueNode | undefined
  path: string
  /** Of the key; of the enclosing object when the key is absent. */
  at: Position
  notes: Notes
}

export type Reader<T> = (cursor: Cursor) => T | typeof invalid
type Fields = Record<string, Reader<unknown>>
export type ReadBy<R> = R extends Reader<infer T> ? Exclude<T, typeof invalid> : never
type ObjectOf<F extends Fields> = { [K in keyof F]: ReadBy<F[K]> }

export function problemAt(
  cursor: Cursor,
  code: ProblemCode,
  message: string,
  allowed?: string,
): ConfigProblem {
  return { code, message, keyPath: cursor.path, ...cursor.at, ...(allowed === undefined ? {} : { allowed }) }
}

/** Reports a problem and answers `wrong`. */
export function refuse(cursor: Cursor, code: ProblemCode, message: string, allowed?: string): typeof invalid {
  cursor.notes.problems.push(problemAt(cursor, code, message, allowed))
  return invalid
}

const kinds = {
  Object: 'an object',
  Array: 'a list',
  String: 'a string',
  Number: 'a number',
  Boolean: 'true or false',
}

/** Says what kind of value stands there, and never the value: it may be a secret. */
export function wrongType(cursor: Cursor, allowed: string): typeof invalid {
  const type = cursor.node?.type
  const found = type !== undefined && type in kinds ? kinds[type as keyof typeof kinds] : 'null'
  return refuse(cursor, 'wrong-type', `${found} is not allowed here`, allowed)
}

/** Absent and null are the same, as for Go. */
export const isAbsent = (node: ValueNode | undefined): node is undefined =>
  node === undefined || node.type === 'Null'

export function optional<T>(reader: Reader<T>): Reader<T | undefined> {
  return cursor => (isAbsent(cursor.node) ? undefined : reader(cursor))
}

export function withDefault<T>(reader: Reader<T>, value: T): Reader<T> {
  return cursor => (isAbsent(cursor.node) ? value : reader(cursor))
}

export function required<T>(reader: Reader<T>): Reader<T> {
  return cursor =>
    isAbsent(cursor.node) ? refuse(cursor, 'missing', 'this key is required') : reader(cursor)
}

/** Reads, checked lets `adjust` check or change the whole value. */
export function checked<T, U>(
  reader: Reader<T>,
  adjust: (value: T, cursor: Cursor) => U | typeof invalid,
): Reader<U> {
  return cursor => {
    const value = reader(cursor)
    return value === invalid ? invalid : adjust(value, cursor)
  }
}

/** The cursor of a key below, for checks across keys: `below(cursor, 'path')`. */
export function below(cursor: Cursor, key: string): Cursor {
  const path = cursor.path === '' ? key : `${cursor.path}.${key}`
  return { ...cursor, path, at: cursor.notes.positions[path] ?? cursor.at }
}

/**
 * An object whose keys are all known; keys are matched without regard to case, as zot's loader does.
 * An absent object is read as an empty one, so that defaults apply: wrap it in `optional` otherwise.
 */
export function object<F extends Fields>(fields: F): Reader<ObjectOf<F>> {
  const names = Object.keys(fields)
  const canonical = new Map(names.map(name => [name.toLowerCase(), name]))
  return cursor => {
    if (!isAbsent(cursor.node) && cursor.node.type !== 'Object') return wrongType(cursor, 'an object')
    const { members, repeated } = membersOf(cursor)
    let failed = repeated
    for (const [lower, member] of members) {
      const name = canonical.get(lower)
      if (name !== undefined) {
        cursor.notes.positions[childPath(cursor, name)] = member.at
        continue
      }
      const near = nearest(member.written, names)
      const hint = near === undefined ? '' : `; did you mean "${near}"?`
      const child = { ...cursor, path: childPath(cursor, member.written), at: member.at }
      refuse(child, 'unknown-key', `unknown key${hint}`, near === undefined ? names.join(', ') : undefined)
      failed = true
    }
    const read = names.map((name): [string, unknown] => {
      const member = members.get(name.toLowerCase())
      const child = {
        ...cursor,
        node: member?.node,
        path: childPath(cursor, name),
        at: member?.at ?? cursor.at,
      }
      return [name, fields[name]?.(child)]
    })
    if (failed || read.some(([, value]) => value === invalid)) return invalid
    // Built key by key from `fields`: the type system cannot follow that, the tests do.
    return Object.fromEntries(read) as ObjectOf<F>
  }
}

/** An object with free keys. Keys come out in lower case: zot's loader does that to every map. */
export function map<T>(reader: Reader<T>): Reader<Record<string, T>> {
  return cursor => {
    if (isAbsent(cursor.node)) return {}
    if (cursor.node.type !== 'Object') return wrongType(cursor, 'an object')
    const { members, repeated } = membersOf(cursor)
    const entries: [string, T][] = []
    let failed = repeated
    for (const [lower, member] of members) {
      const path = childPath(cursor, member.written)
      cursor.notes.positions[path] = member.at
      const value = reader({ ...cursor, node: member.node, path, at: member.at })
      if (value === invalid) failed = true
      else entries.push([lower, value])
    }
    return failed ? invalid : Object.fromEntries(entries)
  }
}

export function list<T>(reader: Reader<T>): Reader<T[]> {
  return cursor => {
    if (isAbsent(cursor.node)) return []
    if (cursor.node.type !== 'Array') return wrongType(cursor, 'a list')
    const values: T[] = []
    let failed = false
    for (const [index, { value: node }] of cursor.node.elements.entries()) {
      const value = reader({ ...cursor, node, path: `${cursor.path}[${index}]`, at: startOf(node) })
      if (value === invalid) failed = true
      else values.push(value)
    }
    return failed ? invalid : values
  }
}

interface MemberAt {
  written: string
  node: ValueNode
  at: Position
}

/** The members by lower-case key; a key that comes twice is reported, and the first one kept. */
function membersOf(cursor: Cursor): { members: Map<string, MemberAt>; repeated: boolean } {
  const members = new Map<string, MemberAt>()
  let repeated = false
  const object: ObjectNode | undefined = cursor.node?.type === 'Object' ? cursor.node : undefined
  for (const { name, value } of object?.members ?? []) {
    const written = name.type === 'String' ? name.value : name.name
    const earlier = members.get(written.toLowerCase())
    const at = startOf(name)
    if (earlier === undefined) members.set(written.toLowerCase(), { written, node: value, at })
    else {
      const child = { ...cursor, path: childPath(cursor, written), at }
      refuse(child, 'duplicate-key', `the same key as "${earlier.written}" in line ${earlier.at.line}`)
      repeated = true
    }
  }
  return { members, repeated }
}

const childPath = (cursor: Cursor, key: string): string => {
  if (!/^[\w-]{1,80}$/.test(key)) return `${cursor.path}[${JSON.stringify(key.slice(0, 80))}]`
  return cursor.path === '' ? key : `${cursor.path}.${key}`
}

const startOf = (node: { loc: { start: Position } }): Position => ({
  line: node.loc.start.line,
  column: node.loc.start.column,
})
