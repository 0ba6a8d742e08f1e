/**
 * Where two configurations differ: dotted key paths, the deepest ones that still name the difference. Lists
 * are compared as a whole. Pure.
 */
export function changedKeys(before: unknown, after: unknown, path = ''): string[] {
  // An absent block is like an empty one, so that the keys within are what is named.
  if (isMap(before ?? {}) && isMap(after ?? {}) && (isMap(before) || isMap(after))) {
    return changedWithin(isMap(before) ? before : {}, isMap(after) ? after : {}, path)
  }
  return JSON.stringify(before) === JSON.stringify(after) ? [] : [path]
}

function changedWithin(
  before: Record<string, unknown>,
  after: Record<string, unknown>,
  path: string,
): string[] {
  const keys = new Set([...Object.keys(before), ...Object.keys(after)])
  return [...keys].flatMap(key => changedKeys(before[key], after[key], path === '' ? key : `${path}.${key}`))
}

/** Whether a key path is one of these, or below one of them. */
export const isWithin = (path: string, keys: readonly string[]): boolean =>
  keys.some(key => path === key || path.startsWith(`${key}.`))

const isMap = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
