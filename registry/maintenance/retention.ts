import type { Removal } from '../oci/layout-index.ts'
import type { SurveyedManifest } from '../storage/maintenance.ts'
import type { KeepRules, Policy } from './retention-policy.ts'

/** Times in ms since the epoch. */
export interface Usage {
  readonly pushedAt?: number
  readonly lastPulled?: number
}

export interface PlanInput {
  readonly manifests: readonly SurveyedManifest[]
  /** What is known of a tag or digest. */
  readonly usage: (reference: string) => Usage | undefined
  readonly policy: Policy
  /** ms. */
  readonly delay: number
  readonly now: number
  /** Nobody counted pulls before this: what is older may have been pulled until then. */
  readonly countedSince: number
}

/** Why a manifest stays or goes, in zot's words. */
export interface Decision {
  readonly decision: 'keep' | 'delete'
  readonly reason: string
  readonly digest: string
  readonly mediaType: string
  readonly tag: string | undefined
  readonly pushedAt: number | undefined
  readonly pulledAt: number | undefined
}

export interface Plan {
  readonly removals: readonly Removal[]
  readonly decisions: readonly Decision[]
}

interface Candidate {
  readonly manifest: SurveyedManifest
  readonly tag: string | undefined
  readonly pushedAt: number | undefined
  readonly pulledAt: number | undefined
}

const retained = 'retained by patterns policy'
const noStatistics = 'tag statistics not found'
const failedRules = "didn't meet any tag retention rule"
const failedPatterns = "didn't meet any tag 'patterns' rules"
const untagged = 'deleteUntagged'
const orphaned = 'deleteReferrers'

/** Signatures and the like under the tags that clients without the referrers API give them. */
const referrerTag = /^(sha256-[a-f0-9]{64}|sha512-[a-f0-9]{128})(\.[A-Za-z0-9_]+)?$/

/**
 * Decides what of a repository goes. Pure. Whatever a kept index lists and whatever refers to a kept
 * manifest stays with it.
 */
export function planRetention(input: PlanInput): Plan {
  const tags = decideTags(input)
  const goingTags = new Set(tags.filter(({ decision }) => decision === 'delete').map(({ tag }) => tag))
  const kept = retainedDigests(input, goingTags)
  const removals: Removal[] = []
  const decisions = [...tags]
  for (const manifest of input.manifests) {
    const { digest, mediaType } = manifest
    const staysByDigest = kept.has(digest)
    for (const tag of manifest.tags)
      if (!staysByDigest || goingTags.has(tag)) removals.push({ digest, tag, staysByDigest })
    if (staysByDigest) continue
    if (manifest.hasUntagged) removals.push({ digest, tag: undefined, staysByDigest })
    const { pushedAt, pulledAt } = candidateOf(input, manifest, undefined)
    const reason = subjectOf(manifest) === undefined ? untagged : orphaned
    for (const tag of manifest.tags.filter(tag => !goingTags.has(tag)))
      decisions.push({ decision: 'delete', reason, digest, mediaType, tag, pushedAt, pulledAt })
    if (manifest.hasUntagged)
      decisions.push({ decision: 'delete', reason, digest, mediaType, tag: undefined, pushedAt, pulledAt })
  }
  return { removals, decisions }
}

/** Each ordinary tag on its own; none where the policy says nothing about tags. */
function decideTags(input: PlanInput): Decision[] {
  const { keepTags } = input.policy
  if (keepTags.length === 0) return []
  const decisions: Decision[] = []
  const groups = keepTags.map((): Candidate[] => [])
  for (const manifest of input.manifests) {
    for (const tag of manifest.tags) {
      if (referrerTag.test(tag)) continue
      const candidate = candidateOf(input, manifest, tag)
      const group = groups[keepTags.findIndex(({ matches }) => matches(tag))]
      if (candidate.pushedAt === undefined) decisions.push(decide(candidate, 'keep', noStatistics))
      else if (!group) decisions.push(decide(candidate, 'delete', failedPatterns))
      else group.push(candidate)
    }
  }
  for (const [at, rules] of keepTags.entries()) {
    const group = groups[at] ?? []
    const good = meeting(group, rules, input.now)
    for (const candidate of group)
      decisions.push(
        good.has(candidate) ? decide(candidate, 'keep', retained) : decide(candidate, 'delete', failedRules),
      )
  }
  return decisions
}

const decide = (candidate: Candidate, decision: 'keep' | 'delete', reason: string): Decision => {
  const { manifest, tag, pushedAt, pulledAt } = candidate
  return {
    decision,
    reason,
    digest: manifest.digest,
    mediaType: manifest.mediaType,
    tag,
    pushedAt,
    pulledAt,
  }
}

function candidateOf(input: PlanInput, manifest: SurveyedManifest, tag: string | undefined): Candidate {
  const ofTag = tag === undefined ? undefined : input.usage(tag)
  const ofDigest = input.usage(manifest.digest)
  const pushedAt = ofTag?.pushedAt ?? ofDigest?.pushedAt ?? manifest.writtenAt
  const pulls = [ofTag?.lastPulled, ofDigest?.lastPulled].filter(at => at !== undefined)
  if (pushedAt !== undefined && pushedAt < input.countedSince) pulls.push(input.countedSince)
  return { manifest, tag, pushedAt, pulledAt: pulls.length > 0 ? Math.max(...pulls) : undefined }
}

/** Those that meet one rule or another. */
function meeting(candidates: readonly Candidate[], rules: KeepRules, now: number): Set<Candidate> {
  const { pulledWithin, pushedWithin, mostRecentlyPulledCount, mostRecentlyPushedCount } = rules
  const good = new Set<Candidate>()
  let asked = false
  const within = (limit: number | undefined, timeOf: (candidate: Candidate) => number | undefined): void => {
    if (limit === undefined) return
    asked = true
    for (const candidate of candidates)
      if ((timeOf(candidate) ?? Number.NEGATIVE_INFINITY) > now - limit) good.add(candidate)
  }
  const latest = (count: number, order: (a: Candidate, b: Candidate) => number): void => {
    if (count <= 0) return
    asked = true
    for (const candidate of [...candidates].sort(order).slice(0, count)) good.add(candidate)
  }
  within(pulledWithin, ({ pulledAt }) => pulledAt)
  within(pushedWithin, ({ pushedAt }) => pushedAt)
  latest(mostRecentlyPushedCount, newestPush)
  latest(mostRecentlyPulledCount, (a, b) => (b.pulledAt ?? 0) - (a.pulledAt ?? 0) || newestPush(a, b))
  return asked ? good : new Set(candidates)
}

/** Of two pushed at the same time the later name counts as newer, so that every run decides alike. */
function newestPush(a: Candidate, b: Candidate): number {
  const byTime = (b.pushedAt ?? 0) - (a.pushedAt ?? 0)
  if (byTime !== 0) return byTime
  const [nameA, nameB] = [a.tag ?? a.manifest.digest, b.tag ?? b.manifest.digest]
  return nameA < nameB ? 1 : nameA > nameB ? -1 : 0
}

/** What a manifest refers to, when that is all it is there for. */
function subjectOf(manifest: SurveyedManifest): string | undefined {
  if (manifest.subject !== undefined) return manifest.subject
  const [tag] = manifest.tags
  if (tag === undefined || !manifest.tags.every(tag => referrerTag.test(tag))) return undefined
  const [algorithm = '', hex = ''] = tag.replace(/\..*/, '').split('-')
  return `${algorithm}:${hex}`
}

/** Digests that stay. */
function retainedDigests(input: PlanInput, goingTags: ReadonlySet<string | undefined>): Set<string> {
  const { manifests, policy, delay, now } = input
  const byDigest = new Map(manifests.map(manifest => [manifest.digest, manifest]))
  const kept = new Set<string>()
  const add = (root: SurveyedManifest): void => {
    const queue = [root]
    for (let at = queue.pop(); at !== undefined; at = queue.pop()) {
      if (kept.has(at.digest)) continue
      kept.add(at.digest)
      for (const link of at.links) {
        const child = byDigest.get(link)
        if (child) queue.push(child)
      }
    }
  }
  const youngest = (manifest: SurveyedManifest): number =>
    Math.max(manifest.writtenAt ?? 0, input.usage(manifest.digest)?.pushedAt ?? 0)
  const isOld = (manifest: SurveyedManifest): boolean => youngest(manifest) <= now - delay

  const loose: SurveyedManifest[] = []
  const referrers: SurveyedManifest[] = []
  for (const manifest of manifests) {
    if (manifest.tags.some(tag => !goingTags.has(tag) && !referrerTag.test(tag))) add(manifest)
    else if (subjectOf(manifest) !== undefined) referrers.push(manifest)
    else if (manifest.hasUntagged) loose.push(manifest)
  }
  // Images count, not the platforms that an index lists.
  const listed = new Set(manifests.flatMap(manifest => (manifest.kind === 'index' ? manifest.links : [])))
  const images = loose.filter(manifest => !listed.has(manifest.digest))
  for (const manifest of loose) if (!policy.deleteUntagged || !isOld(manifest)) add(manifest)
  if (policy.keepUntagged) {
    const candidates = images.map(manifest => candidateOf(input, manifest, undefined))
    for (const { manifest } of meeting(candidates, policy.keepUntagged, now)) add(manifest)
  }
  // A referrer may have referrers: until nothing is added any more.
  for (let before = -1; before !== kept.size; ) {
    before = kept.size
    for (const referrer of referrers)
      if (kept.has(subjectOf(referrer) ?? '') || !policy.deleteReferrers || !isOld(referrer)) add(referrer)
  }
  return kept
}
