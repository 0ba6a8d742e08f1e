import type { StorageConfig } from '../config/storage-shape.ts'
import { compileRetention } from '../maintenance/retention-policy.ts'
import type { FindingCollector, InspectedConfig } from './finding.ts'

type Retention = StorageConfig['retention']
type Note = (keyPath: string, message: string, allowed?: string) => void

/** The retention of the data folder and of each sub path: what cannot be read, and what never counts. */
export function inspectRetention({ config }: InspectedConfig, notes: FindingCollector): void {
  const { subPaths, ...storage } = config.storage
  const folders = [
    { key: 'storage', storage },
    ...Object.entries(subPaths).map(([path, sub]) => ({ key: `storage.subPaths.${path}`, storage: sub })),
  ]
  for (const { key, storage: one } of folders) {
    const compiled = compileRetention(one)
    for (const sentence of compiled.ok ? [] : compiled.problems) {
      const colon = sentence.search(/:\s/)
      notes.problem(sentence.slice(0, colon).replace(/^storage/, key), sentence.slice(colon + 2))
    }
    adviseRetention(one.retention, `${key}.retention`, notes.warning)
  }
}

/** Of policies, and of entries of keepTags, the first that matches counts, as in zot; many believe in their union. */
function adviseRetention({ policies }: Retention, key: string, warn: Note): void {
  const globs = policies.map(({ repositories }) => repositories)
  for (const { later, first } of neverReached(globs, glob => glob === '**'))
    warn(
      `${key}.policies[${later}]`,
      `it never counts: a repository belongs to the first policy that matches it, and policies[${first}] comes before`,
    )
  for (const [at, { keepTags }] of policies.entries()) {
    const patterns = keepTags.map(entry => entry.patterns)
    for (const { later, first } of neverReached(patterns, pattern => /^\^?(\.[*+]\$?)?$/.test(pattern)))
      warn(
        `${key}.policies[${at}].keepTags[${later}]`,
        `it never counts: a tag belongs to the first entry that matches it, and keepTags[${first}] comes before`,
        'all rules in one entry: any one that holds keeps the tag',
      )
  }
}

/**
 * The entries that an earlier one keeps everything from: it matches all, or has each of their patterns.
 * An entry without patterns matches all.
 */
function neverReached(
  entries: readonly (readonly string[])[],
  matchesAll: (pattern: string) => boolean,
): { later: number; first: number }[] {
  return entries.flatMap((patterns, later) => {
    const first = entries
      .slice(0, later)
      .findIndex(
        earlier =>
          earlier.length === 0 ||
          earlier.some(matchesAll) ||
          (patterns.length > 0 && patterns.every(pattern => earlier.includes(pattern))),
      )
    return first < 0 ? [] : [{ later, first }]
  })
}
