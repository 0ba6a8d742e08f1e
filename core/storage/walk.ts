import { errorCode, reasonOf } from '../../lib/error-code.ts'
import { rootOf, type SubFolders } from '../../lib/sub-folders.ts'
import { isNameComponent } from '../platform/repository-name.ts'
import { type Disk, type Entry, isNotFound } from './disk.ts'
import { FileList, type Files } from './file-list.ts'
import {
  absentStamp,
  isAlgorithm,
  isRepository,
  lostIndexIn,
  type RepositoryRead,
  readRepository,
} from './repository-reader.ts'
import type { Stamp } from './stamps.ts'

/** Some repositories; their files follow each other in `files`. */
export interface Batch {
  repositories: (RepositoryRead & { files: number })[]
  files: Files
  /** Every folder that was listed, by name below the data folder `root`, with its stamp from before the listing. */
  folders: { root: string; name: string; stamp: Stamp }[]
}

/** A folder, or the index in it, that could not be read; `reason` is text for people. */
export interface Unreadable {
  path: string
  /** Below the data folder; "" for a data folder as a whole. */
  name: string
  reason: string
}

/** Deeper than any repository name of 255 characters. */
const maxDepth = 128

/**
 * Finds and counts every repository below `root` in zot's layout: a repository is a folder with index.json
 * and oci-layout at any depth, folders that no repository name can contain (`_trivy`, `.sync`) are skipped.
 * Ends early when `onBatch` returns false. `start`: walks only this folder below `root`. `isIncluded`: whether a
 * repository is counted. Throws when `root` itself cannot be read; any other such folder is reported and left out.
 */
export async function walk(
  disk: Disk,
  root: string,
  onBatch: (batch: Batch) => boolean,
  batchFiles = 4096,
  isIncluded: (repository: string) => boolean = () => true,
  start = '',
): Promise<Unreadable[]> {
  const files = new FileList()
  const unreadable: Unreadable[] = []
  let repositories: Batch['repositories'] = []
  let folders: Batch['folders'] = []
  const flush = (): boolean => {
    if (repositories.length + folders.length === 0) return true
    const batch = { repositories, folders, files: files.take() }
    repositories = []
    folders = []
    return onBatch(batch)
  }
  const readOrReport = async <T>(name: string, read: () => T | Promise<T>): Promise<T | undefined> => {
    try {
      return await read()
    } catch (error) {
      if (errorCode(error) === undefined) throw error
      if (!isNotFound(error)) unreadable.push({ path: `${root}/${name}`, name, reason: reasonOf(error) })
      return undefined
    }
  }
  // A stack instead of recursion: the walk holds only the folders that are still to be listed.
  const pending: { name: string; depth: number }[] = [{ name: start, depth: 0 }]
  for (let next = pending.pop(); next; next = pending.pop()) {
    const { name, depth } = next
    const folder = name === '' ? root : `${root}/${name}`
    // The data folder may be a link, and the stamp must be that of its target.
    const stamp = await readOrReport(name, () => disk.stamp(name === '' ? `${root}/.` : folder))
    // A data folder that cannot be read is the failure of the whole walk.
    const entries: Entry[] | undefined =
      name === '' ? await disk.list(root) : await readOrReport(name, () => disk.list(folder))
    const lost =
      name !== '' && entries && isIncluded(name)
        ? await readOrReport(name, () => lostIndexIn(disk, folder, entries, Date.now()))
        : undefined
    if (lost?.kind === 'lost') unreadable.push({ path: folder, name, reason: lost.reason })
    folders.push({ root, name, stamp: lost?.kind === 'settling' ? Number.NaN : (stamp ?? absentStamp) })
    if (!entries) continue
    const children = childrenOf(entries, name)
    if (children.isRepository && isIncluded(name)) {
      const before = files.length
      const count = await readOrReport(name, () => readRepository(disk, folder, name, files, entries))
      if (count) repositories.push({ ...count, files: files.length - before })
      else files.truncate(before)
    }
    if (files.length >= batchFiles || repositories.length >= 256 || folders.length >= 1024)
      if (!flush()) return unreadable
    if (depth >= maxDepth) continue
    for (const child of children.folders) pending.push({ name: child, depth: depth + 1 })
  }
  flush()
  return unreadable
}

/**
 * What a folder with these entries is (`isLayout`: a repository without its index), and the names of the folders in it
 * that may be or hold repositories.
 */
export function childrenOf(
  entries: Entry[],
  name: string,
): { isRepository: boolean; isLayout: boolean; folders: string[] } {
  const folders = entries.filter(
    entry =>
      entry.isFolder && isNameComponent(entry.name) && !(isAlgorithm(entry.name) && name.endsWith('/blobs')),
  )
  const isWhole = name !== '' && isRepository(entries)
  return {
    isRepository: isWhole,
    isLayout:
      name !== '' && !isWhole && entries.some(entry => entry.name === 'oci-layout' && !entry.isFolder),
    folders: folders.map(entry => (name === '' ? entry.name : `${name}/${entry.name}`)),
  }
}

/**
 * Walks all data folders, and leaves out repositories in a data folder that does not serve them. A sub folder that does
 * not exist yet is empty; one that cannot be read is reported.
 */
export async function walkAll(
  disk: Disk,
  folder: string,
  subFolders: SubFolders,
  onBatch: (batch: Batch) => boolean,
  batchFiles?: number,
): Promise<Unreadable[]> {
  let isContinuing = true
  const walkRoot = (root: string): Promise<Unreadable[]> =>
    walk(
      disk,
      root,
      batch => {
        isContinuing = onBatch(batch)
        return isContinuing
      },
      batchFiles,
      name => rootOf(folder, subFolders, name) === root,
    )
  const unreadable = await walkRoot(folder)
  for (const root of new Set(Object.values(subFolders))) {
    if (!isContinuing) break
    try {
      unreadable.push(...(await walkRoot(root)))
    } catch (error) {
      if (errorCode(error) === undefined) throw error
      if (errorCode(error) !== 'ENOENT') unreadable.push({ path: root, name: '', reason: reasonOf(error) })
    }
  }
  return unreadable
}
