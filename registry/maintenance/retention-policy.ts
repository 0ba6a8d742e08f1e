import { compileGlobs, isGlob } from '../auth/glob.ts'
import type { StorageConfig } from '../config/storage-shape.ts'
import { compilePatterns, type TagPatterns } from './tag-pattern.ts'

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
