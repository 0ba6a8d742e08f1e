import { isObject } from '../../lib/json.ts'

/** A JSON object whose fields are not yet known. */
export type JsonObject = { readonly [key: string]: unknown }

export function stringIn(object: JsonObject, key: string): string | undefined {
  const value = object[key]
  return typeof value === 'string' ? value : undefined
}

/** The string values of an object-valued field; anything else in it is left out. */
export function stringsIn(object: JsonObject, key: string): Record<string, string> | undefined {
  const value = object[key]
  if (!isObject(value)) return undefined
  return Object.fromEntries(
    Object.entries(value).filter((pair): pair is [string, string] => typeof pair[1] === 'string'),
  )
}

/**
 * Whether brackets and braces in JSON text nest deeper than `limit`. Asked before parsing: deep nesting costs
 * the parser a hundred times what the same number of flat bytes does.
 */
export function nestsDeeper(bytes: Uint8Array, limit: number): boolean {
  // Too short for it.
  if (bytes.length <= limit) return false
  let depth = 0
  let quoted = false
  for (let at = 0; at < bytes.length; at++) {
    switch (bytes[at]) {
      case 0x22: // "
        quoted = !quoted
        break
      case 0x5c: // a backslash: what follows ends no string
        if (quoted) at++
        break
      case 0x5b:
      case 0x7b:
        if (!quoted && ++depth > limit) return true
        break
      case 0x5d:
      case 0x7d:
        if (!quoted) depth--
    }
  }
  return false
}
