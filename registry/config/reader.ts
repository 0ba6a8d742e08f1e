import { nearest } from '../../lib/nearest.ts'
import type { ConfigProblem, Position, ProblemCode } from './problem.ts'
import type { Member, ValueNode } from './value-node.ts'

/** What a reader answers once it has reported a problem. */
export const invalid = Symbol('wrong')

export interface Notes {
  /**
   * Somebody else decides what is valid: only what is `needed` can be refused. Anything else that is not understood is a
   * warning, and read as if it were not there.
   */
  isLenient: boolean
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
  /** Refused also by a lenient reading. Holds for the value itself, not for what is in it. */
  isNeeded?: boolean
  /** The key stands there twice, in different case: which one zot takes is chance. */
  isAmbiguous?: boolean
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

/** Reports a problem, or a warning where a lenient reading goes on without the value, and answers `invalid`. */
export function refuse(cursor: Cursor, code: ProblemCode, message: string, allowed?: string): typeof invalid {
  const { isLenient, problems, warnings } = cursor.notes
  const to = isLenient && cursor.isNeeded !== true ? warnings : problems
  to.push(problemAt(cursor, code, message, allowed))
  return invalid
}

const kinds: Record<ValueNode['type'], string> = {
  Object: 'an object',
  Array: 'a list',
  String: 'a string',
  Number: 'a number',
  Boolean: 'true or false',
  Null: 'null',
  Date: 'a date without quotes',
}

/** Says what kind of value stands there, and never the value: it may be a secret. */
export function wrongType(cursor: Cursor, allowed: string): typeof invalid {
  const found = kinds[cursor.node?.type ?? 'Null']
  return refuse(cursor, 'wrong-type', `${found} is not allowed here`, allowed)
}

/** Absent and null are the same, as for Go. */
export const isAbsent = (node: ValueNode | undefined): node is undefined =>
  node === undefined || node.type === 'Null'

/** Zot's reader passes over what holds nothing but empty objects and nulls. */
export const isHollow = (node: ValueNode | undefined): boolean =>
  isAbsent(node) || (node.type === 'Object' && node.members.every(({ value }) => isHollow(value)))

export function optional<T>(reader: Reader<T>): Reader<T | undefined> {
  return cursor => (isHollow(cursor.node) ? undefined : reader(cursor))
}

/** As `optional`, for an object that says something also when it is empty. */
export function block<T>(reader: Reader<T>): Reader<T | undefined> {
  return cursor => (isAbsent(cursor.node) ? undefined : reader(cursor))
}

/** What lets nobody in who should not: zot passes over an empty one, and only zot may. */
export function guard<T>(reader: Reader<T>): Reader<T | undefined> {
  return cursor => (cursor.notes.isLenient ? optional(reader) : block(reader))(cursor)
}

export function withDefault<T>(reader: Reader<T>, value: T): Reader<T> {
  return cursor => (isHollow(cursor.node) ? value : reader(cursor))
}

export function required<T>(reader: Reader<T>, message = 'this key is required'): Reader<T> {
  return cursor => (isHollow(cursor.node) ? refuse(cursor, 'missing', message) : reader(cursor))
}

/** Without this value nobody knows where the registry answers or where its data lies: it is refused in every reading. */
export function needed<T>(reader: Reader<T>): Reader<T> {
  return cursor => {
    const child = { ...cursor, isNeeded: true }
    return cursor.isAmbiguous && cursor.notes.isLenient
      ? refuse(child, 'duplicate-key', 'the key is there twice, in different case, and zot takes either')
      : reader(child)
  }
}

/** Checks the whole value, across its keys: `check` answers what `refuse` answered. A lenient reading keeps the value. */
export function checked<T>(
  reader: Reader<T>,
  check: (value: T, cursor: Cursor) => typeof invalid | undefined,
): Reader<T> {
  return cursor => {
    const value = reader(cursor)
    if (value === invalid || check(value, cursor) !== invalid) return value
    return cursor.notes.isLenient ? value : invalid
  }
}

/** Changes the value. */
export function mapped<T, U>(reader: Reader<T>, change: (value: T, cursor: Cursor) => U): Reader<U> {
  return cursor => {
    const value = reader(cursor)
    return value === invalid ? invalid : change(value, cursor)
  }
}

/** The value; where a lenient reading passes over one that it could not read: as if it were not there. */
function readOrAbsent<T>(reader: Reader<T>, cursor: Cursor): T | typeof invalid {
  const { isLenient, problems } = cursor.notes
  const before = problems.length
  const value = reader(cursor)
  if (value !== invalid || !isLenient || isAbsent(cursor.node) || problems.length > before) return value
  return reader({ ...cursor, node: undefined })
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
    const { node: own } = cursor
    if (!isAbsent(own) && own.type !== 'Object') return wrongType(cursor, 'an object')
    const { members, repeated } = membersOf(cursor, own?.members ?? [])
    let failed = repeated
    for (const [lower, member] of members) {
      const name = canonical.get(lower)
      if (name !== undefined) {
        cursor.notes.positions[childPath(cursor, name)] = member.at
        continue
      }
      const near = nearest(member.written, names)
      const hint = near === undefined ? '' : `; did you mean "${near}"?`
      const child = childOf(cursor, member.written, member.node, member.at)
      refuse(child, 'unknown-key', `unknown key${hint}`, near === undefined ? names.join(', ') : undefined)
      failed ||= !cursor.notes.isLenient
    }
    const read = Object.entries(fields).map(([name, reader]): [string, unknown] => {
      const member = members.get(name.toLowerCase())
      const { node, at = cursor.at, isAmbiguous = false } = member ?? {}
      return [name, readOrAbsent(reader, { ...childOf(cursor, name, node, at), isAmbiguous })]
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
    // A list of objects is one object for zot, too.
    const objects = cursor.node.type === 'Array' ? cursor.node.elements : [cursor.node]
    if (!objects.every(isObject)) return wrongType(cursor, 'an object')
    const { members, repeated } = membersOf(
      cursor,
      objects.flatMap(object => object.members),
    )
    const entries: [string, T][] = []
    let failed = repeated
    for (const [lower, member] of members) {
      const child = childOf(cursor, member.written, member.node, member.at)
      cursor.notes.positions[child.path] = member.at
      const value = readOrAbsent(reader, child)
      if (value !== invalid) entries.push([lower, value])
      else failed ||= !cursor.notes.isLenient
    }
    return failed ? invalid : Object.fromEntries(entries)
  }
}

/** A list; one value stands for a list of it, and an empty object for an empty list. */
export function list<T>(reader: Reader<T>): Reader<T[]> {
  return cursor => {
    const { node: own } = cursor
    if (isAbsent(own) || (isObject(own) && own.members.length === 0)) return []
    if (own.type !== 'Array') {
      const only = reader({ ...cursor, isNeeded: false, isAmbiguous: false })
      return only === invalid ? invalid : [only]
    }
    const values: T[] = []
    let failed = false
    for (const [index, node] of own.elements.entries()) {
      const path = `${cursor.path}[${index}]`
      const value = reader({ ...cursor, node, path, at: node.at, isNeeded: false, isAmbiguous: false })
      if (value !== invalid) values.push(value)
      else failed ||= !cursor.notes.isLenient
    }
    return failed ? invalid : values
  }
}

const isObject = (node: ValueNode): node is Extract<ValueNode, { type: 'Object' }> => node.type === 'Object'

interface MemberAt {
  written: string
  node: ValueNode
  at: Position
  isAmbiguous?: boolean
}

/**
 * The members by lower-case key. A key that comes twice is reported; a lenient reading takes the last one of the same
 * spelling, as zot does.
 */
function membersOf(
  cursor: Cursor,
  all: readonly Member[],
): { members: Map<string, MemberAt>; repeated: boolean } {
  const members = new Map<string, MemberAt>()
  let repeated = false
  for (const { key, at, value: node } of all) {
    const lower = key.toLowerCase()
    const earlier = members.get(lower)
    if (earlier !== undefined) {
      const child = childOf(cursor, key, node, at)
      refuse(child, 'duplicate-key', `the same key as "${earlier.written}" in line ${earlier.at.line}`)
      repeated ||= !cursor.notes.isLenient
    }
    const isAmbiguous = earlier !== undefined && (earlier.isAmbiguous || earlier.written !== key)
    members.set(lower, { written: key, node, at, ...(isAmbiguous ? { isAmbiguous } : {}) })
  }
  return { members, repeated }
}

/** A key below. Only what is said to be needed is, not what is in it. */
const childOf = (cursor: Cursor, key: string, node: ValueNode | undefined, at: Position): Cursor => ({
  ...cursor,
  node,
  path: childPath(cursor, key),
  at,
  isNeeded: false,
  isAmbiguous: false,
})

const childPath = (cursor: Cursor, key: string): string => {
  if (!/^[\w-]{1,80}$/.test(key)) return `${cursor.path}[${JSON.stringify(key.slice(0, 80))}]`
  return cursor.path === '' ? key : `${cursor.path}.${key}`
}
