import { errorCode, reasonOf } from '../platform/error-code.ts'
import { type Disk, type Entry, isGone } from './disk.ts'
import { FileList, type Files } from './file-list.ts'
import type { RepositoryCount } from './ledger.ts'
import { isNameComponent } from './repository-name.ts'
import { isAlgorithm, isRepository, readRepository } from './repository-reader.ts'
import { rootOf, type SubFolders } from './roots.ts'

/** Some repositories; their files follow each other in `files`. */
export interface Batch {
  repositories: (RepositoryCount & { files: number })[]
  files: Files
}

/** A folder that could not be read, and why, in words. */
export interface Unreadable {
  path: string
  reason: string
}

/** Deeper than any repository name of 255 characters. */
const deepest = 128

/**
 * Finds and counts every repository below `root` in zot's layout: a repository is a folder with index.json
 * and oci-layout at any depth, folders that no repository name can contain (`_trivy`, `.sync`) are skipped.
 * Ends early when `out` returns false.
 * Repositories that are not `wanted` are passed over. `root` itself being unreadable throws; any other folder is reported and left out.
 */
export async function walk(
  disk: Disk,
  root: string,
  out: (batch: Batch) => boolean,
  batchFiles = 4096,
  wanted: (repository: string) => boolean = () => true,
): Promise<Unreadable[]> {
  const files = new FileList()
  const unreadable: Unreadable[] = []
  let repositories: Batch['repositories'] = []
  const flush = (): boolean => {
    if (repositories.length === 0) return true
    const batch = { repositories, files: files.take() }
    repositories = []
    return out(batch)
  }
  const guarded = async <T>(path: string, read: () => T | Promise<T>): Promise<T | undefined> => {
    try {
      return await read()
    } catch (error) {
      if (errorCode(error) === undefined) throw error
      if (!isGone(error)) unreadable.push({ path, reason: reasonOf(error) })
      return undefined
    }
  }
  // A stack, not recursion: the walk holds no more than the folders still to be seen.
  const pending: { name: string; depth: number; entries?: Entry[] }[] = [
    { name: '', depth: 0, entries: await disk.list(root) },
  ]
  for (let next = pending.pop(); next; next = pending.pop()) {
    const { name, depth } = next
    const folder = name === '' ? root : `${root}/${name}`
    const entries = next.entries ?? (await guarded(folder, () => disk.list(folder)))
    if (!entries) continue
    const repository = name !== '' && isRepository(entries) && wanted(name)
    if (repository) {
      const before = files.length
      const count = await guarded(folder, () => readRepository(disk, folder, name, files, entries))
      if (count) repositories.push({ ...count, files: files.length - before })
      else files.cut(before)
      if (files.length >= batchFiles || repositories.length >= 256) if (!flush()) return unreadable
    }
    if (depth >= deepest) continue
    for (const entry of entries) {
      if (!entry.folder || !isNameComponent(entry.name)) continue
      if (isAlgorithm(entry.name) && name.endsWith('/blobs')) continue
      pending.push({ name: name === '' ? entry.name : `${name}/${entry.name}`, depth: depth + 1 })
    }
  }
  flush()
  return unreadable
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
      if (errorCode(error) !== 'ENOENT') unreadable.push({ path: root, reason: reasonOf(error) })
    }
  }
  return unreadable
}
