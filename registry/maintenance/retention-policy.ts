import { RE2JS } from 're2js'
import { compileGlobs, isGlob } from '../auth/glob.ts'
import type { StorageConfig } from '../config/storage-shape.ts'

/** Answers whether a tag matches any of the patterns. */
type TagPatterns = (tag: string) => boolean

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
  return {
    ok: true,
    matches: tag => compiled.length === 0 || compiled.some(pattern => pattern.matcher(tag).find()),
  }
}

/** Any one that holds keeps a manifest; without any, all are kept. Durations in ms; a count of 0 is no rule. */
export interface KeepRules {
  readonly pulledWithin: number | undefined
  readonly pushedWithin: number | undefined
  readonly mostRecentlyPushedCount: number
  readonly mostRecentlyPulledCount: number
}

export interface KeepTags extends KeepRules {
  readonly matches: TagPatterns
}

/** What holds for one repository. */
export interface Policy {
  readonly deleteReferrers: boolean
  readonly deleteUntagged: boolean
  /** None: every tag stays. A tag belongs to the first that it matches, and goes when it matches none. */
  readonly keepTags: readonly KeepTags[]
  readonly keepUntagged: KeepRules | undefined
}

export interface Retention {
  readonly dryRun: boolean
  /** Untagged manifests and orphaned referrers younger than this stay, ms. */
  readonly delay: number
  policyFor(repository: string): Policy
}

export type CompiledRetention =
  | { readonly ok: true; readonly retention: Retention }
  | { readonly ok: false; readonly problems: readonly string[] }

/** Where no policy speaks of a repository. */
const byDefault: Policy = {
  deleteReferrers: false,
  deleteUntagged: true,
  keepTags: [],
  keepUntagged: undefined,
}

/** Compiles `storage.retention`; problems name the key. The first policy with a matching glob counts. */
export function compileRetention({ retention }: Pick<StorageConfig, 'retention'>): CompiledRetention {
  const problems: string[] = []
  const compiled = retention.policies.map((policy, at) => {
    const key = `storage.retention.policies[${at}]`
    for (const glob of policy.repositories) {
      if (!isGlob(glob)) problems.push(`${key}.repositories: ${JSON.stringify(glob)} is not a pattern`)
    }
    const keepTags: KeepTags[] = []
    for (const [index, { patterns, ...rules }] of policy.keepTags.entries()) {
      const result = compilePatterns(patterns)
      if (result.ok) keepTags.push({ ...rules, matches: result.matches })
      else
        problems.push(
          `${key}.keepTags[${index}].patterns: ${JSON.stringify(result.pattern)} is no regular expression: ${result.reason}`,
        )
    }
    const { deleteReferrers, deleteUntagged, keepUntagged } = policy
    return { deleteReferrers, deleteUntagged, keepTags, keepUntagged }
  })
  if (problems.length > 0) return { ok: false, problems }
  const patterns = retention.policies.flatMap(({ repositories }, policy) =>
    repositories.map(pattern => ({ pattern, policy })),
  )
  const globs = compileGlobs(patterns.map(({ pattern }) => pattern))
  const policyFor = (repository: string): Policy => {
    const [first] = globs?.matching(repository) ?? []
    const policy = first === undefined ? undefined : patterns[first]?.policy
    return (policy === undefined ? undefined : compiled[policy]) ?? byDefault
  }
  const { dryRun, delay } = retention
  return { ok: true, retention: { dryRun, delay, policyFor } }
}
