import * as v from 'valibot'
import { parseJson } from '../../lib/json.ts'

/**
 * What `git describe` makes of a commit, as zot's build writes it down: "v2.1.15-0-g1a2b3c4" of a release,
 * "v2.1.20-25-g6d19b445" of a commit after one. What else stands behind it, such as "-dirty", is passed over.
 */
const described = /^v?(\d{1,9}\.\d{1,9}\.\d{1,9}(?![\d.])(?:-rc[\d.]{1,9})?)(?:-(\d{1,6})-(g[0-9a-f]{4,40}))?/
const builtVersion = /^v(\d{1,9})\.(\d{1,9})\.(\d{1,9})(?:-rc([\d.]{1,9}))?(?:-(\d{1,6})-g[0-9a-f]{4,40})?$/

/**
 * The version in a tag, a commit or as a user writes it ("2.1.15"): "v2.1.15" of a release, "v2.1.20-25-g6d19b445" of a
 * build between two; undefined for anything else.
 */
export function versionOf(text: string | undefined): string | undefined {
  const [, tag, commits = '0', hash] = described.exec(text ?? '') ?? []
  if (tag === undefined) return undefined
  return commits === '0' ? `v${tag}` : `v${tag}-${commits}-${hash}`
}

/** Of the very form of a release: "v2.1.15". */
export const isVersion = (text: string): boolean => /^v\d{1,6}\.\d{1,6}\.\d{1,6}$/.test(text)

/** Of a form that can be compared: a release, a candidate for one, or a build between two. */
export const isComparable = (text: string): boolean => builtVersion.test(text)

/**
 * Below 0 where `a` is the older one, 0 where they are the same. A build between two releases comes after the earlier
 * one and before the later one. Both are comparable.
 */
export function compareVersions(a: string, b: string): number {
  const [numbers, right] = [numbersOf(a), numbersOf(b)]
  for (const [index, part] of numbers.entries()) {
    const otherPart = right[index] ?? 0
    if (part !== otherPart) return part - otherPart
  }
  return 0
}

/** Of a release, candidate or build: three numbers, the candidate's (none: the last one), the commits since. */
function numbersOf(version: string): number[] {
  const match = builtVersion.exec(version)
  if (match === null) return []
  const [, major, minor, patch, candidate = 'Infinity', commits = '0'] = match
  return [major, minor, patch, candidate, commits].map(Number)
}

/** Whether `version` lies in [from, before); an end that is absent is open. */
export const isWithin = (version: string, from: string | undefined, before: string | undefined): boolean =>
  (from === undefined || compareVersions(version, from) >= 0) &&
  (before === undefined || compareVersions(version, before) < 0)

/** What every zot prints for `--version`: a line of its log. The commit is empty in v2.1.10. */
const versionLine = v.object({
  message: v.literal('version'),
  commit: v.string(),
  'go version': v.string(),
  'binary-type': v.optional(v.string()),
})

/** What a program reported with `--version`, which is zot's own form. */
export interface VersionLine {
  /** Absent where its build wrote none down, as in v2.1.10. */
  version?: string
  /** What was built into it ("sync", "search", "ui"); absent where its build wrote nothing down. */
  features?: string[]
}

/** Undefined: another program printed this. */
export function versionLineIn(output: string): VersionLine | undefined {
  for (const line of output.split('\n')) {
    const parsed = v.safeParse(versionLine, parseJson(line))
    if (!parsed.success) continue
    const { commit, 'binary-type': type } = parsed.output
    const version = versionOf(commit)
    const features = featuresOf(type)
    return {
      ...(version === undefined ? {} : { version }),
      ...(features === undefined ? {} : { features }),
    }
  }
  return undefined
}

/** A build lists what is in it, "-lint-metrics-mgmt-scrub-search-sync-ui", or is "minimal": then none of it is. */
function featuresOf(binaryType: string | undefined): string[] | undefined {
  if (binaryType === 'minimal') return []
  return binaryType?.startsWith('-') ? binaryType.slice(1).split('-') : undefined
}

const mgmt = v.object({ releaseTag: v.optional(v.string(), ''), commit: v.optional(v.string(), '') })

/** The running version, from the answer of /v2/_zot/ext/mgmt. The commit says more than the tag before it. */
export function runningVersionIn(body: unknown): string | undefined {
  const parsed = v.safeParse(mgmt, body)
  return parsed.success ? (versionOf(parsed.output.commit) ?? versionOf(parsed.output.releaseTag)) : undefined
}
