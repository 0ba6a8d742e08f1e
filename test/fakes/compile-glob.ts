import { compileGlobs } from '../../registry/auth/glob.ts'

/** One pattern alone: whether a name matches it. Undefined: not a pattern. */
export function compileGlob(pattern: string): ((name: string) => boolean) | undefined {
  const set = compileGlobs([pattern])
  return set && (name => set.matching(name).length > 0)
}
