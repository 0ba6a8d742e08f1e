import * as v from 'valibot'
import { isVersion } from '../platform/zot-version.ts'
import { matcherSchema } from './matcher.ts'

const version = v.pipe(v.string(), v.maxLength(40), v.check(isVersion, 'must be a version such as "v2.1.15"'))
const id = v.pipe(v.string(), v.regex(/^[A-Za-z0-9][\w.-]{1,80}$/))
const words = v.pipe(v.string(), v.minLength(1), v.maxLength(2000))
const severity = v.picklist(['info', 'warning', 'error'])

/** A release. `go`: the version of Go in its go.mod, which a build from source needs. `date`: of its commit. */
const release = v.object({
  version,
  date: v.pipe(v.string(), v.isoDate()),
  go: v.pipe(v.string(), v.maxLength(20)),
})

/** A weakness of the versions in [introducedIn, fixedIn). */
const advisory = v.object({
  /** The CVE number where there is one. */
  id,
  title: words,
  severity,
  introducedIn: v.exactOptional(version),
  /** Absent while no release mends it. */
  fixedIn: v.exactOptional(version),
  appliesWhen: matcherSchema,
  words,
  advice: words,
  /** Why it cannot be reached where it does not apply. */
  otherwise: v.exactOptional(words),
})

/** A behaviour of the versions in [since, until) that other versions do not have. */
const change = v.object({
  id,
  title: words,
  severity,
  since: version,
  until: v.exactOptional(version),
  appliesWhen: matcherSchema,
  words,
  advice: words,
  /** What comes back with a version from before it; absent: nothing to say. */
  back: v.exactOptional(words),
})

/** A key of config.json that only versions from `since` on know. Earlier ones do not start with it. */
const key = v.object({
  path: v.pipe(v.string(), v.minLength(1), v.maxLength(200)),
  since: version,
  /** What it means to go without it. */
  without: words,
})

const maxEntries = 500
const listOf = <S extends v.GenericSchema>(schema: S) =>
  v.optional(v.pipe(v.array(schema), v.maxLength(maxEntries)), [])

/** Advisories as a file or a URL holds them. `asOf`: the day they were written down. */
export const advisorySetSchema = v.object({
  asOf: v.pipe(v.string(), v.isoDate()),
  releases: listOf(release),
  advisories: listOf(advisory),
  changes: listOf(change),
  keys: listOf(key),
})
export type AdvisorySet = v.InferOutput<typeof advisorySetSchema>
export type Advisory = AdvisorySet['advisories'][number]
export type Change = AdvisorySet['changes'][number]
export type ConfigKey = AdvisorySet['keys'][number]

/** `fetched` adds to `shipped`, and goes before it where both have the same id, version or path. Removes nothing. */
export function withFetched(shipped: AdvisorySet, fetched: AdvisorySet | undefined): AdvisorySet {
  if (fetched === undefined) return shipped
  return {
    asOf: fetched.asOf > shipped.asOf ? fetched.asOf : shipped.asOf,
    releases: merged(shipped.releases, fetched.releases, entry => entry.version),
    advisories: merged(shipped.advisories, fetched.advisories, entry => entry.id),
    changes: merged(shipped.changes, fetched.changes, entry => entry.id),
    keys: merged(shipped.keys, fetched.keys, entry => entry.path),
  }
}

function merged<T>(first: T[], second: T[], nameOf: (entry: T) => string): T[] {
  const all = new Map(first.map(entry => [nameOf(entry), entry]))
  for (const entry of second) all.set(nameOf(entry), entry)
  return [...all.values()]
}
