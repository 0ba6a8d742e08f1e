import { RE2JS } from 're2js'

/** Answers whether a tag matches any of the patterns. */
export type TagPatterns = (tag: string) => boolean

export type CompiledPatterns =
  | { readonly ok: true; readonly matches: TagPatterns }
  | { readonly ok: false; readonly pattern: string; readonly reason: string }

/**
 * Patterns as Go reads them, found anywhere in the tag; none at all match everything, as in zot. RE2 takes
 * time proportional to the length of the tag, whatever the pattern. https://github.com/google/re2/wiki/Syntax
 */
export function compilePatterns(patterns: readonly string[]): CompiledPatterns {
  const compiled: RE2JS[] = []
  for (const pattern of patterns) {
    try {
      compiled.push(RE2JS.compile(pattern))
    } catch (error) {
      return { ok: false, pattern, reason: error instanceof Error ? error.message : String(error) }
    }
  }
  return { ok: true, matches: tag => compiled.length === 0 || compiled.some(it => it.matcher(tag).find()) }
}
