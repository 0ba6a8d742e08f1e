import { entryOf, type LayoutIndex } from './layout-index.ts'

/** An entry of index.json that is to go: a manifest under one of its tags, or its entry without a tag. */
export interface Removal {
  readonly digest: string
  readonly tag: string | undefined
  /** The manifest stays reachable by digest. */
  readonly staysByDigest: boolean
}

const keyOf = (digest: string, tag: string | undefined): string => `${digest} ${tag ?? ''}`

/** The index without these entries, as far as they are still there. Same object: none of them is. */
export function withoutEntries(index: LayoutIndex, removals: readonly Removal[]): LayoutIndex {
  const going = new Map(removals.map(removal => [keyOf(removal.digest, removal.tag), removal]))
  const gone = index.entries.filter(entry => going.has(keyOf(entry.digest, entry.tag)))
  if (gone.length === 0) return index
  const entries = index.entries.filter(entry => !going.has(keyOf(entry.digest, entry.tag)))
  const there = new Set(entries.map(entry => entry.digest))
  for (const entry of gone) {
    if (there.has(entry.digest) || !going.get(keyOf(entry.digest, entry.tag))?.staysByDigest) continue
    there.add(entry.digest)
    entries.push(entryOf(entry, undefined))
  }
  return { ...index, entries }
}
