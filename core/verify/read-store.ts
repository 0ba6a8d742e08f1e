import { lstat, readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import * as v from 'valibot'
import { isDigest } from '../../contract/messages/format.ts'
import { errorCode, reasonOf } from '../../lib/error-code.ts'
import { refName } from '../../lib/store-names.ts'
import { isNameComponent } from '../platform/repository-name.ts'
import { inParallel } from '../platform/tasks.ts'

/** A repository, or a folder where one may lie. `reason` is half a sentence. */
export interface Unreadable {
  kind: 'unreadable'
  root: string
  name: string
  reason: string
}

/** A manifest of a repository, and what it keeps in use. */
interface ManifestEntry {
  /** What an index consists of, as far as it is in the store. */
  children: string[]
  /** What it refers to: as long as that is kept, it is kept too. */
  subject?: string
}

/** What one repository holds. */
export interface ReadRepository {
  kind: 'read'
  /** The data folder that it lies in; absent where an older Zotbar did not write it down. */
  root?: string
  name: string
  tags: Map<string, string>
  manifests: Map<string, ManifestEntry>
}
export type RepositoryInventory = ReadRepository | Unreadable

/**
 * The repositories below a data folder, by the names of their folders, a level after the other and each in order. Only
 * folders whose names may be part of a repository's are entered: `_trivy`, `.uploads`, lost+found are somebody else's.
 * https://github.com/opencontainers/image-spec/blob/v1.1.1/image-layout.md
 * `links`: links to folders that may hold repositories. They are not entered, as they may lead in a circle.
 */
export async function walkStore(
  root: string,
): Promise<{ names: string[]; unreadable: Unreadable[]; links: string[] }> {
  const names: string[] = []
  const unreadable: Unreadable[] = []
  const links: string[] = []
  for (let level = ['']; level.length > 0; ) {
    const contents = await inParallel(level, name => readFolder(root, name))
    const below: string[] = []
    for (const [at, name] of level.entries()) {
      const content = contents[at]
      if (content?.isRepository) names.push(name)
      if (content?.reason !== undefined)
        unreadable.push({ kind: 'unreadable', root, name, reason: content.reason })
      below.push(...(content?.below ?? []))
      // In a repository a link leads to its blobs, and not to a repository.
      if (!content?.isRepository) links.push(...(content?.links ?? []))
    }
    level = below
  }
  return { names, unreadable, links: await folders(root, links) }
}

interface FolderContent {
  isRepository: boolean
  /** Names of the folders in it that may hold repositories. */
  below: string[]
  /** Names of the links in it, whatever they lead to. */
  links?: string[]
  reason?: string
}

async function folders(root: string, links: readonly string[]): Promise<string[]> {
  const isFolder = (name: string) =>
    stat(join(root, name)).then(
      found => found.isDirectory(),
      () => false,
    )
  const found = await inParallel([...links], isFolder)
  return links.filter((_, at) => found[at])
}

async function readFolder(root: string, name: string): Promise<FolderContent> {
  try {
    const entries = await readdir(join(root, name), { withFileTypes: true })
    const inBlobs = name.endsWith('/blobs')
    const named = entries
      .filter(entry => isNameComponent(entry.name))
      // The blobs themselves; `a/blobs` may be a repository beside `a` all the same.
      .filter(entry => !(inBlobs && /^sha\d+$/.test(entry.name)))
      .sort((a, b) => (a.name < b.name ? -1 : 1))
    const pathOf = (entry: { name: string }): string => (name === '' ? entry.name : `${name}/${entry.name}`)
    const below = named.filter(entry => entry.isDirectory()).map(pathOf)
    const links = named.filter(entry => entry.isSymbolicLink()).map(pathOf)
    const has = (file: string): boolean => entries.some(entry => entry.name === file)
    if (name === '') return { isRepository: false, below, links }
    if (!has('index.json')) {
      const isLost = has('oci-layout') && has('blobs') && (await isIndexLost(join(root, name)))
      return { isRepository: false, below, links, ...(isLost ? { reason: 'its index.json is missing' } : {}) }
    }
    return has('oci-layout')
      ? { isRepository: true, below }
      : { isRepository: false, below, reason: 'its oci-layout is missing' }
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return { isRepository: false, below: [] }
    if (name === '') throw error
    if (error instanceof Damaged) return { isRepository: false, below: [], reason: error.message }
    return { isRepository: false, below: [], reason: `its folder: ${reasonOf(error)}` }
  }
}

/** In a folder that changed so lately, ms, a repository may be on its way in or out: zot writes its files one by one. */
const settlingMs = 10_000

/**
 * Whether a folder with oci-layout and blobs lost its index: both engines write it together with oci-layout, and a push
 * that has not ended leaves blobs alone. Where no blob is, nothing was lost.
 */
async function isIndexLost(folder: string): Promise<boolean> {
  if ((await lstat(folder)).mtimeMs > Date.now() - settlingMs) return false
  for (const algorithm of ['sha256', 'sha512'])
    if ((await readdir(join(folder, 'blobs', algorithm)).catch(emptyIfAbsent)).length > 0) return true
  return false
}

const descriptor = v.object({
  digest: v.pipe(v.string(), v.regex(/^sha\d+:[0-9a-f]+$/)),
  mediaType: v.optional(v.nullable(v.string())),
  annotations: v.optional(v.nullable(v.record(v.string(), v.unknown()))),
})
const index = v.object({ manifests: v.optional(v.nullable(v.array(descriptor)), []) })
const manifest = v.object({
  manifests: v.optional(
    v.nullable(v.array(v.object({ digest: v.string(), mediaType: v.optional(v.string()) }))),
  ),
  subject: v.optional(v.nullable(v.object({ digest: v.string() }))),
})

/** An engine that does not write index.json in one step may be in the middle of it. */
const [tries, waitMs] = [5, 50]

/** What a repository holds. A name of any tag is as good as any other, `constructor` and `__proto__` included. */
export async function readRepository(
  { root, name, known }: { root: string; name: string; known: KnownManifests },
  live: boolean,
): Promise<RepositoryInventory> {
  for (let triesLeft = live ? tries : 1; ; triesLeft -= 1) {
    try {
      return await readOnce(root, name, known)
    } catch (error) {
      if (triesLeft > 1) {
        await pause(waitMs)
        continue
      }
      const isAbsent = errorCode(error) === 'ENOENT'
      const reason =
        error instanceof Damaged
          ? error.message
          : isAbsent && (await isLink(join(root, name, 'index.json')))
            ? 'its index.json is a link that leads nowhere'
            : `its index.json: ${reasonOf(error)}`
      return { kind: 'unreadable', root, name, reason }
    }
  }
}

const isLink = async (path: string): Promise<boolean> =>
  (await lstat(path).catch(() => undefined))?.isSymbolicLink() ?? false

class Damaged extends Error {}

async function readOnce(root: string, name: string, known: KnownManifests): Promise<RepositoryInventory> {
  const text = await readFile(join(root, name, 'index.json'), 'utf8')
  const read = v.safeParse(v.pipe(v.string(), v.parseJson(), index), text)
  if (!read.success) throw new Damaged('its index.json is damaged')
  const tags = new Map<string, string>()
  const listed = new Map<string, string | undefined>()
  for (const { digest, mediaType, annotations } of read.output.manifests ?? []) {
    const tag = annotations?.[refName]
    // One that is a digest is no tag to anybody who asks.
    if (typeof tag === 'string' && !isDigest(tag)) tags.set(tag, digest)
    listed.set(digest, mediaType ?? undefined)
  }
  const blobs = await blobsOf(root, name)
  const store: RepositoryBlobs = { root, name, known, has: digest => blobs.has(digest) }
  const manifests = await indexesIn(listed, store)
  const children = new Set([...manifests.values()].flatMap(manifest => manifest.children))
  const tagged = new Set(tags.values())
  await inParallel([...listed.keys()], async digest => {
    if (manifests.has(digest) || !store.has(digest)) return
    // What a tag or an index keeps is kept, whatever it refers to: it need not be read.
    const isReachable = tagged.has(digest) || children.has(digest)
    const subject = isReachable ? undefined : (await readManifest(store, digest))?.subject
    manifests.set(digest, subject === undefined ? { children: [] } : { children: [], subject })
  })
  for (const digest of children)
    if (!manifests.has(digest) && store.has(digest)) manifests.set(digest, { children: [] })
  return { kind: 'read', root, name, tags, manifests: sorted(manifests) }
}

/**
 * What manifests say, by digest: a manifest never changes, so what was read while the registry still served need not be
 * read again while it is away. At most `maxKnownManifests` are retained.
 */
export type KnownManifests = Map<string, ReadManifest>
const maxKnownManifests = 50_000

interface RepositoryBlobs {
  known: KnownManifests
  root: string
  name: string
  has(digest: string): boolean
}

/** The digests of what lies in the store: a folder is read once, where asking for each file would take far longer. */
async function blobsOf(root: string, name: string): Promise<Set<string>> {
  const blobs = join(root, name, 'blobs')
  const digests = new Set<string>()
  for (const algorithm of ['sha256', 'sha512'])
    for (const hex of await readdir(join(blobs, algorithm)).catch(emptyIfAbsent))
      digests.add(`${algorithm}:${hex}`)
  return digests
}

function emptyIfAbsent(error: unknown): string[] {
  if (errorCode(error) === 'ENOENT') return []
  throw new Damaged(`its blobs: ${reasonOf(error)}`)
}

const isIndex = (mediaType: string): boolean =>
  mediaType === 'application/vnd.oci.image.index.v1+json' ||
  mediaType === 'application/vnd.docker.distribution.manifest.list.v2+json'

/** The indexes of a repository, those in indexes and not listed included; what has no media type may be one. */
async function indexesIn(
  listed: ReadonlyMap<string, string | undefined>,
  store: RepositoryBlobs,
): Promise<Map<string, ManifestEntry>> {
  const entries = new Map<string, ManifestEntry>()
  const mayBe = ([digest, mediaType]: readonly [string, string | undefined]): boolean =>
    !entries.has(digest) && store.has(digest) && (mediaType === undefined || isIndex(mediaType))
  let level = [...listed].filter(mayBe)
  while (level.length > 0) {
    const read = await inParallel(level, ([digest]) => readManifest(store, digest))
    const below: [string, string | undefined][] = []
    for (const [at, [digest]] of level.entries()) {
      const entry = read[at]
      if (!entry) continue
      entries.set(digest, {
        children: entry.children,
        ...(entry.subject === undefined ? {} : { subject: entry.subject }),
      })
      below.push(...entry.types)
    }
    level = [...new Map(below)].filter(mayBe)
  }
  return entries
}

const maxManifestBytes = 16 * 1024 * 1024

interface ReadManifest extends ManifestEntry {
  /** Of its children. */
  types: [string, string | undefined][]
}

/** Undefined where it cannot be read. */
async function readManifest(
  { root, name, known }: RepositoryBlobs,
  digest: string,
): Promise<ReadManifest | undefined> {
  const before = known.get(digest)
  if (before) return before
  const read = await parseManifest(blobFile(root, name, digest))
  if (read && known.size < maxKnownManifests) known.set(digest, read)
  return read
}

async function parseManifest(file: string): Promise<ReadManifest | undefined> {
  try {
    if ((await lstat(file)).size > maxManifestBytes) return { children: [], types: [] }
    const read = v.safeParse(v.pipe(v.string(), v.parseJson(), manifest), await readFile(file, 'utf8'))
    if (!read.success) return { children: [], types: [] }
    const { manifests, subject } = read.output
    const all = (manifests ?? []).filter(child => /^sha\d+:[0-9a-f]+$/.test(child.digest))
    return {
      children: all.map(child => child.digest),
      types: all.map(child => [child.digest, child.mediaType]),
      ...(subject ? { subject: subject.digest } : {}),
    }
  } catch {
    return undefined
  }
}

export const blobFile = (root: string, name: string, digest: string): string =>
  join(root, name, 'blobs', ...digest.split(':'))

const sorted = <T>(map: ReadonlyMap<string, T>): Map<string, T> =>
  new Map([...map].sort(([a], [b]) => (a < b ? -1 : 1)))
