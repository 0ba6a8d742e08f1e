import { isObject, parseJson } from '../../lib/json.ts'
import { refName } from '../../lib/store-names.ts'
import { type Disk, type Entry, isNotFound } from './disk.ts'
import type { FileList } from './file-list.ts'
import type { RepositoryCount } from './ledger.ts'
import type { RepositoryStamps, Stamp } from './stamps.ts'

/** A repository as it was read, with the stamps taken before it was read. */
export type RepositoryRead = RepositoryCount & { stamps: RepositoryStamps }

/** Whether a folder with these entries is a repository: an OCI image layout. */
export const isRepository = (entries: Entry[]): boolean =>
  entries.some(entry => entry.name === 'index.json' && !entry.isFolder) &&
  entries.some(entry => entry.name === 'oci-layout' && !entry.isFolder)

/** A folder that changed within this time may hold a repository half written or half removed: zot writes file by file. */
const settlingMs = 10_000

/** A repository without a readable index; `settling`: too new to decide whether its index is lost. */
export type LostIndex = { kind: 'settling' } | { kind: 'lost'; reason: string }

/**
 * Why a folder with oci-layout and blobs has no index. Both engines write the index together with oci-layout, and an
 * unfinished push leaves blobs without oci-layout, so otherwise the index was lost. `now`: ms since the epoch.
 */
export async function lostIndexIn(
  disk: Disk,
  folder: string,
  entries: Entry[],
  now: number,
): Promise<LostIndex | undefined> {
  const has = (name: string, isFolder: boolean): boolean =>
    entries.some(entry => entry.name === name && entry.isFolder === isFolder)
  if (!has('oci-layout', false) || !has('blobs', true) || isRepository(entries)) return undefined
  if (has('index.json', true)) return { kind: 'lost', reason: 'its index.json is a folder' }
  const stamp = await disk.stamp(folder)
  if (stamp === undefined) return undefined
  if (stamp > now - settlingMs) return { kind: 'settling' }
  for (const algorithm of await entriesOf(disk, `${folder}/blobs`)) {
    if (!algorithm.isFolder || !isAlgorithm(algorithm.name)) continue
    const blobs = await entriesOf(disk, `${folder}/blobs/${algorithm.name}`)
    if (blobs.some(blob => !blob.isFolder)) return { kind: 'lost', reason: 'its index.json is missing' }
  }
  return undefined
}

/**
 * Counts one repository: index.json, oci-layout and everything below blobs/, not what is being uploaded or
 * synchronised. Adds its files to `files`. Undefined when there is no repository in `folder` (any more).
 * https://github.com/opencontainers/image-spec/blob/v1.1.1/image-layout.md
 */
export async function readRepository(
  disk: Disk,
  folder: string,
  name: string,
  files: FileList,
  listed?: Entry[],
): Promise<RepositoryRead | undefined> {
  const entries = listed ?? (await entriesOf(disk, folder))
  if (!isRepository(entries)) return undefined
  const add = files.add.bind(files)
  const index = await disk.stamp(`${folder}/index.json`)
  if (index === undefined) return undefined
  await disk.stats(folder, ['index.json', 'oci-layout'], add)
  const blobs = `${folder}/blobs`
  const stamps: RepositoryStamps = { index, blobs: [] }
  for (const algorithm of await entriesOf(disk, blobs)) {
    // A folder "blobs" may also begin the name of a nested repository; only digest algorithms hold blobs.
    if (!algorithm.isFolder || !isAlgorithm(algorithm.name)) continue
    stamps.blobs.push([algorithm.name, (await disk.stamp(`${blobs}/${algorithm.name}`)) ?? absentStamp])
    const names = (await entriesOf(disk, `${blobs}/${algorithm.name}`)).map(entry => entry.name)
    await disk.stats(`${blobs}/${algorithm.name}`, names, add)
  }
  return { name, ...readIndex(await indexText(disk, folder)), stamps }
}

/** The stamp of a path that does not exist; no file has it. */
export const absentStamp: Stamp = -1

export const isAlgorithm = (name: string): boolean => /^sha\d+$/.test(name)

/** One manifest digest of a repository; undefined when it has none or cannot be read. */
export async function sampleIn(disk: Disk, folder: string): Promise<string | undefined> {
  try {
    return readIndex(await disk.text(`${folder}/index.json`)).sample
  } catch {
    return undefined
  }
}

/** Tags and one digest from the text of an index.json; `tags` is undefined when it cannot be parsed. */
function readIndex(text: string): Pick<RepositoryCount, 'tags' | 'sample'> {
  const index = parseJson(text)
  // zot writes null where there is none: after the first request of an upload, or once the last tag was deleted.
  const manifests = isObject(index) ? (index['manifests'] ?? []) : undefined
  if (!Array.isArray(manifests)) return { tags: undefined, sample: undefined }
  let tags = 0
  let taggedDigest: string | undefined
  let sample: string | undefined
  for (const descriptor of manifests as unknown[]) {
    if (!isObject(descriptor) || typeof descriptor['digest'] !== 'string') continue
    const annotations = descriptor['annotations']
    if (isObject(annotations) && typeof annotations[refName] === 'string') {
      tags += 1
      taggedDigest = descriptor['digest']
    }
    sample = descriptor['digest']
  }
  return { tags, sample: taggedDigest ?? sample }
}

async function entriesOf(disk: Disk, folder: string): Promise<Entry[]> {
  try {
    return await disk.list(folder)
  } catch (error) {
    if (isNotFound(error)) return []
    throw error
  }
}

async function indexText(disk: Disk, folder: string): Promise<string> {
  try {
    return await disk.text(`${folder}/index.json`)
  } catch (error) {
    if (isNotFound(error)) return ''
    throw error
  }
}
