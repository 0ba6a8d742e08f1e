import * as v from 'valibot'
import { parseJson } from '../../lib/json.ts'

/** "v2.1.15" at the start of a tag, a commit or a version as a user writes it ("2.1.15"); undefined for anything else. */
export function versionOf(text: string | undefined): string | undefined {
  const match = /^v?(\d{1,9}\.\d{1,9}\.\d{1,9})(?![\d.])/.exec(text ?? '')
  return match ? `v${match[1]}` : undefined
}

/** Of the very form of a release: "v2.1.15". */
export const isVersion = (text: string): boolean => /^v\d{1,6}\.\d{1,6}\.\d{1,6}$/.test(text)

/** Below 0 where `a` is the older one, 0 where they are the same. Both are of the form vX.Y.Z. */
export function compareVersions(a: string, b: string): number {
  const [numbers, right] = [numbersOf(a), numbersOf(b)]
  for (const [index, part] of numbers.entries()) {
    const otherPart = right[index] ?? 0
    if (part !== otherPart) return part - otherPart
  }
  return 0
}

const numbersOf = (version: string): number[] =>
  (/^v(\d{1,9})\.(\d{1,9})\.(\d{1,9})$/.exec(version) ?? []).slice(1).map(Number)

/** Whether `version` lies in [from, before); an end that is absent is open. */
export const isWithin = (version: string, from: string | undefined, before: string | undefined): boolean =>
  (from === undefined || compareVersions(version, from) >= 0) &&
  (before === undefined || compareVersions(version, before) < 0)

const tagIn = (text: string): string | undefined => /^v\d+\.\d+\.\d+/.exec(text)?.[0]

const versionLine = v.object({ message: v.literal('version'), commit: v.string() })

/** "v2.1.15" from the start of `commit` in the JSON line that `zot --version` prints. v2.1.10 prints none. */
export function versionIn(output: string): string | undefined {
  for (const line of output.split('\n')) {
    const parsed = v.safeParse(versionLine, parseJson(line))
    if (parsed.success) return tagIn(parsed.output.commit)
  }
  return undefined
}

const mgmt = v.object({ releaseTag: v.optional(v.string(), ''), commit: v.optional(v.string(), '') })

/** The running version, from the answer of /v2/_zot/ext/mgmt. */
export function runningVersionIn(body: unknown): string | undefined {
  const parsed = v.safeParse(mgmt, body)
  return parsed.success ? (tagIn(parsed.output.releaseTag) ?? tagIn(parsed.output.commit)) : undefined
}
