import type { Dirent } from 'node:fs'
import { lstat, opendir, readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { isAlgorithmFolder, isNameComponent } from '../oci/reference.ts'
import { isMissing } from './errno.ts'
import { layout } from './layout.ts'
import { errorText } from './root.ts'

/** A folder that changed so lately, ms, may be half written or half removed: zot writes its files one by one. */
const settlingMs = 10_000

export const indexMissing = 'index.json is missing'
export const brokenLink = 'index.json is a link that leads nowhere'

/** What stands under the name index.json: `reason` says in words why it cannot be read. */
type IndexState = { readonly kind: 'file' } | { readonly kind: 'unreadable'; readonly reason: string }

/** What `entry`, named index.json, is. A link counts as what it leads to: zot reads through it, too. */
async function checkIndex(root: string, name: string, entry: Dirent): Promise<IndexState> {
  if (entry.isFile()) return { kind: 'file' }
  if (entry.isDirectory()) return unreadable('index.json: it is a folder')
  if (!entry.isSymbolicLink()) return unreadable('index.json is no file')
  try {
    const found = await stat(layout.index(root, name))
    if (found.isFile()) return { kind: 'file' }
    return unreadable(found.isDirectory() ? 'index.json: it is a folder' : 'index.json is no file')
  } catch (error) {
    return unreadable(isMissing(error) ? brokenLink : `index.json: ${errorText(error)}`)
  }
}

/**
 * Whether a repository with oci-layout and blobs lost its index: both are written together, by a push that ends; before
 * that there are blobs alone. Where no blob is, nothing was lost. `now`: ms since the epoch.
 */
async function isIndexLost(root: string, name: string, now: number): Promise<boolean> {
  try {
    if ((await stat(layout.repository(root, name))).mtimeMs > now - settlingMs) return false
  } catch {
    return false
  }
  const there = await lstat(layout.index(root, name)).catch(error =>
    isMissing(error) ? undefined : 'unknown',
  )
  return there === undefined && (await hasBlobs(root, name))
}

async function hasBlobs(root: string, name: string): Promise<boolean> {
  for (const algorithm of ['sha256', 'sha512']) {
    try {
      for await (const entry of await opendir(join(root, name, 'blobs', algorithm)))
        if (entry.isFile()) return true
    } catch {
      // Not there, or not readable: then the walk reports it.
    }
  }
  return false
}

const unreadable = (reason: string): IndexState => ({ kind: 'unreadable', reason })

export interface FoundRepository {
  /** Repository name: the path below the root. */
  readonly name: string
  readonly hasIndex: boolean
  readonly hasUploads: boolean
  /** Where zot keeps what it fetches from another registry. */
  readonly hasSync: boolean
  readonly hasBlobs: boolean
}

/**
 * Every folder below the root that looks like a repository. Only names that may be part of a repository
 * name are entered, so other people's folders (_trivy, lost+found, .sync) stay alone, and so do links.
 * `onUnreadable` hears of folders that cannot be listed, by the repository that they belong to, and of repositories
 * whose index.json is no file or was lost. Throws when the root itself cannot be listed: nobody knows what is below it.
 * `now`: ms since the epoch.
 */
export async function* walkRepositories(
  root: string,
  onUnreadable: (name: string, reason: string, what: 'folder' | 'index') => void = () => {},
  now: () => number = Date.now,
): AsyncGenerator<FoundRepository> {
  const queue = ['']
  for (let name = queue.shift(); name !== undefined; name = queue.shift()) {
    const entries = await list(root, name, onUnreadable)
    let index: Dirent | undefined
    let hasMarker = false
    let hasUploads = false
    let hasSync = false
    let hasBlobs = false
    const inBlobs = name.endsWith('/blobs')
    for (const entry of entries) {
      if (entry.name === 'index.json') index = entry
      else if (entry.name === 'oci-layout' && !entry.isDirectory()) hasMarker = true
      else if (entry.name === '.uploads') hasUploads = entry.isDirectory()
      else if (entry.name === '.sync') hasSync = entry.isDirectory()
      else if (!entry.isDirectory() || !isNameComponent(entry.name)) continue
      // The blobs themselves: a hundred thousand files may be in there.
      else if (!(inBlobs && isAlgorithmFolder(entry.name))) {
        if (entry.name === 'blobs') hasBlobs = true
        queue.push(name === '' ? entry.name : `${name}/${entry.name}`)
      }
    }
    if (name === '') continue
    const indexState = index && (await checkIndex(root, name, index))
    const isLayout = hasMarker && hasBlobs
    // One that cannot be read stands in the catalog all the same, as in zot's.
    const hasIndex = indexState !== undefined && (indexState.kind === 'file' || isLayout)
    if (isLayout && indexState?.kind === 'unreadable') onUnreadable(name, indexState.reason, 'index')
    else if (isLayout && !indexState && (await isIndexLost(root, name, now())))
      onUnreadable(name, indexMissing, 'index')
    // With oci-layout alone: a kill came in the middle of its removal.
    if (hasIndex || hasUploads || hasSync || hasBlobs || hasMarker)
      yield { name, hasIndex, hasUploads, hasSync, hasBlobs }
  }
}

/** A folder that vanished or cannot be read has no repositories. */
async function list(
  root: string,
  name: string,
  onUnreadable: (name: string, reason: string, what: 'folder') => void,
): Promise<Dirent[]> {
  try {
    return await readdir(join(root, name), { withFileTypes: true })
  } catch (error) {
    if (name === '') throw error
    if (isMissing(error)) return []
    const owner = /^(.+)\/blobs$/.exec(name)?.[1]
    if (owner === undefined) onUnreadable(name, `its folder: ${errorText(error)}`, 'folder')
    else onUnreadable(owner, `its folder blobs: ${errorText(error)}`, 'folder')
    return []
  }
}
