import { errorCode, reasonOf } from '../../lib/error-code.ts'
import { rootOf, type SubFolders } from '../../lib/sub-folders.ts'
import { isNameComponent } from '../platform/repository-name.ts'
import { type Disk, type Entry, isGone } from './disk.ts'
import { FileList, type Files } from './file-list.ts'
import {
  gone,
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
  /** Every folder that was listed, by name below the data folder `root`, with its stamp from before. */
  folders: { root: string; name: string; stamp: Stamp }[]
}

/** A folder, or the index in it, that could not be read, and why, in words. */
export interface Unreadable {
  path: string
  /** Below the data folder; "" for a data folder as a whole. */
  name: string
  reason: string
}

/** Deeper than any repository name of 255 characters. */
const deepest = 128

/**
 * Finds and counts every repository below `root` in zot's layout: a repository is a folder with index.json
 * and oci-layout at any depth, folders that no repository name can contain (`_trivy`, `.sync`) are skipped.
 * Ends early when `out` returns false. `from`: only what lies in that folder below `root`.
 * Repositories that are not `wanted` are passed over. `root` itself being unreadable throws; any other folder is reported and left out.
 */
export async function walk(
  disk: Disk,
  root: string,
  out: (batch: Batch) => boolean,
  batchFiles = 4096,
  wanted: (repository: string) => boolean = () => true,
  from = '',
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
    return out(batch)
  }
  const guarded = async <T>(name: string, read: () => T | Promise<T>): Promise<T | undefined> => {
    try {
      return await read()
    } catch (error) {
      if (errorCode(error) === undefined) throw error
      if (!isGone(error)) unreadable.push({ path: `${root}/${name}`, name, reason: reasonOf(error) })
      return undefined
    }
  }
  // A stack, not recursion: the walk holds no more than the folders still to be seen.
  const pending: { name: string; depth: number }[] = [{ name: from, depth: 0 }]
  for (let next = pending.pop(); next; next = pending.pop()) {
    const { name, depth } = next
    const folder = name === '' ? root : `${root}/${name}`
    // The data folder may be a link to where it really lies.
    const stamp = await guarded(name, () => disk.stamp(name === '' ? `${root}/.` : folder))
    // A data folder that cannot be read is no matter of a part of it.
    const entries: Entry[] | undefined =
      name === '' ? await disk.list(root) : await guarded(name, () => disk.list(folder))
    const lost =
      name !== '' && entries && wanted(name)
        ? await guarded(name, () => lostIndexIn(disk, folder, entries, Date.now()))
        : undefined
    if (lost?.kind === 'lost') unreadable.push({ path: folder, name, reason: lost.reason })
    folders.push({ root, name, stamp: lost?.kind === 'settling' ? Number.NaN : (stamp ?? gone) })
    if (!entries) continue
    const children = childrenOf(entries, name)
    if (children.isRepository && wanted(name)) {
      const before = files.length
      const count = await guarded(name, () => readRepository(disk, folder, name, files, entries))
      if (count) repositories.push({ ...count, files: files.length - before })
      else files.cut(before)
    }
    if (files.length >= batchFiles || repositories.length >= 256 || folders.length >= 1024)
      if (!flush()) return unreadable
    if (depth >= deepest) continue
    for (const child of children.folders) pending.push({ name: child, depth: depth + 1 })
  }
  flush()
  return unreadable
}

/** What a folder with these entries is (`isLayout`: a repository, but for its index), and the names of the folders in it that may be, or hold, repositories. */
export function childrenOf(
  entries: Entry[],
  name: string,
): { isRepository: boolean; isLayout: boolean; folders: string[] } {
  const folders = entries.filter(
    entry =>
      entry.folder && isNameComponent(entry.name) && !(isAlgorithm(entry.name) && name.endsWith('/blobs')),
  )
  const isWhole = name !== '' && isRepository(entries)
  return {
    isRepository: isWhole,
    isLayout: name !== '' && !isWhole && entries.some(entry => entry.name === 'oci-layout' && !entry.folder),
    folders: folders.map(entry => (name === '' ? entry.name : `${name}/${entry.name}`)),
  }
}

/**
 * The same over all data folders: what lies in a folder that does not serve it is left out. A sub folder that is not
 * there yet holds nothing; one that cannot be read is reported.
 */
export async function walkAll(
  disk: Disk,
  folder: string,
  subs: SubFolders,
  out: (batch: Batch) => boolean,
  batchFiles?: number,
): Promise<Unreadable[]> {
  let goesOn = true
  const one = (root: string): Promise<Unreadable[]> =>
    walk(
      disk,
      root,
      batch => {
        goesOn = out(batch)
        return goesOn
      },
      batchFiles,
      name => rootOf(folder, subs, name) === root,
    )
  const unreadable = await one(folder)
  for (const root of new Set(Object.values(subs))) {
    if (!goesOn) break
    try {
      unreadable.push(...(await one(root)))
    } catch (error) {
      if (errorCode(error) === undefined) throw error
      if (errorCode(error) !== 'ENOENT') unreadable.push({ path: root, name: '', reason: reasonOf(error) })
    }
  }
  return unreadable
}
