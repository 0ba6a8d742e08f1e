import { isObject, parseJson } from '../../lib/json.ts'
import { refName } from '../../lib/store-names.ts'
import { type JsonObject, stringIn } from './json.ts'

/** One descriptor of a repository's index.json. Without a tag: reachable by digest only. */
export interface Entry {
  readonly digest: string
  readonly mediaType: string
  readonly size: number
  readonly tag: string | undefined
  /** The descriptor as JSON text, every field it came with kept. */
  readonly json: string
}

/** index.json: its descriptors and whatever else stands at its top level. */
export interface LayoutIndex {
  readonly rest: JsonObject
  readonly entries: readonly Entry[]
}

export const emptyIndex: LayoutIndex = { rest: { schemaVersion: 2 }, entries: [] }

/**
 * Reads index.json of an image layout, or undefined when it is not one. What stands in its list and is
 * not understood is kept as it is: rewriting the file without it would lose data.
 * https://github.com/opencontainers/image-spec/blob/v1.1.1/image-layout.md#indexjson-file
 */
export function parseIndex(text: string): LayoutIndex | undefined {
  const json = parseJson(text)
  if (!isObject(json)) return undefined
  const { manifests, ...rest } = json
  const list = manifests ?? []
  if (!Array.isArray(list)) return undefined
  return { rest, entries: list.map(parseEntry) }
}

function parseEntry(value: unknown): Entry {
  const json = JSON.stringify(value)
  if (!isObject(value)) return { digest: '', mediaType: '', size: 0, tag: undefined, json }
  const annotations = value['annotations']
  return {
    digest: stringIn(value, 'digest') ?? '',
    mediaType: stringIn(value, 'mediaType') ?? '',
    size: typeof value['size'] === 'number' ? value['size'] : 0,
    tag: isObject(annotations) ? stringIn(annotations, refName) : undefined,
    json,
  }
}

export function printIndex(index: LayoutIndex): string {
  const head = JSON.stringify(index.rest).slice(0, -1)
  return `${head}${head === '{' ? '' : ','}"manifests":[${index.entries.map(entry => entry.json).join(',')}]}`
}

export interface Described {
  readonly digest: string
  readonly mediaType: string
  readonly size: number
}

export function entryOf(described: Described, tag: string | undefined): Entry {
  const { digest, mediaType, size } = described
  const annotations = tag === undefined ? {} : { annotations: { [refName]: tag } }
  return { digest, mediaType, size, tag, json: JSON.stringify({ mediaType, digest, size, ...annotations }) }
}

/**
 * The index with a manifest added, or the same object when nothing changes.
 * The manifest a tag pointed to before stays reachable by digest, so that a client which has just
 * resolved the tag can still pull what it resolved.
 */
export function withManifest(index: LayoutIndex, described: Described, tag: string | undefined): LayoutIndex {
  const { entries } = index
  if (tag === undefined) {
    if (entries.some(entry => entry.digest === described.digest)) return index
    return { ...index, entries: [...entries, entryOf(described, undefined)] }
  }
  const old = entries.find(entry => entry.tag === tag)
  if (old?.digest === described.digest && old.mediaType === described.mediaType) return index
  const kept = entries.filter(
    entry => entry.tag !== tag && !(entry.tag === undefined && entry.digest === described.digest),
  )
  if (old && old.digest !== described.digest && !kept.some(entry => entry.digest === old.digest))
    kept.push(untagged(old))
  return { ...index, entries: [...kept, entryOf(described, tag)] }
}

/** The index without a tag; its manifest stays reachable by digest, as in zot. Same object: no such tag. */
export function withoutTag(index: LayoutIndex, tag: string): LayoutIndex {
  const old = index.entries.find(entry => entry.tag === tag)
  if (!old) return index
  const kept = index.entries.filter(entry => entry.tag !== tag)
  if (!kept.some(entry => entry.digest === old.digest)) kept.push(untagged(old))
  return { ...index, entries: kept }
}

/** The index without a manifest and all its tags. Same object: no such manifest. */
export function withoutDigest(index: LayoutIndex, digest: string): LayoutIndex {
  const kept = index.entries.filter(entry => entry.digest !== digest)
  return kept.length === index.entries.length ? index : { ...index, entries: kept }
}

/** Drops the tag and keeps every other field and annotation. */
function untagged(entry: Entry): Entry {
  const json = parseJson(entry.json)
  if (!isObject(json)) return entryOf(entry, undefined)
  const { annotations, ...rest } = json
  const { [refName]: _, ...others } = isObject(annotations) ? annotations : {}
  const kept = Object.keys(others).length === 0 ? rest : { ...rest, annotations: others }
  return { ...entry, tag: undefined, json: JSON.stringify(kept) }
}

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

/** index.json as it is durably on disk, ready to be asked. Never changes; a write makes a new one. */
export interface Snapshot {
  readonly index: LayoutIndex
  readonly tags: ReadonlyMap<string, Entry>
  readonly digests: ReadonlyMap<string, Entry>
  /** Sorted by code unit. */
  readonly tagNames: readonly string[]
}
