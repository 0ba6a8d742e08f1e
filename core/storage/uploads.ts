import { lstat, readdir } from 'node:fs/promises'
import type { PushInProgress } from '../../contract/registry-state.ts'
import { type Disk, isNotFound } from './disk.ts'
import { findChanges } from './find-changes.ts'
import { absentStamp } from './repository-reader.ts'
import type { Stamps } from './stamps.ts'
import { childrenOf } from './walk.ts'

/** An upload that has not grown within this time is not under way. */
const growingWithinMs = 5_000
/** A folder of uploads without an entry added or removed within this time holds no upload under way. */
const activeWithinMs = 60 * 60_000
/** Many at the same time, because most only read the time of a folder. */
const maxConcurrent = 64
/** Deeper than any repository name of 255 characters. */
const maxDepth = 128

/**
 * What is being uploaded right now: the files in `<repository>/.uploads` and below `.sync` that grew within
 * the last 5 s, summed for each repository. `now` in ms since the epoch.
 */
export async function uploadsIn(
  folderOf: (repository: string) => string,
  repositories: Iterable<string>,
  now: number,
): Promise<PushInProgress[]> {
  const uploads: PushInProgress[] = []
  const names = repositories[Symbol.iterator]()
  const worker = async () => {
    for (let next = names.next(); !next.done; next = names.next()) {
      const repository = next.value
      const sizes = [
        ...(await growingFileSizes(`${folderOf(repository)}/${repository}/.uploads`, now, 0)),
        ...(await growingFileSizes(`${folderOf(repository)}/${repository}/.sync`, now, 8)),
      ]
      if (sizes.length > 0) uploads.push({ repository, bytes: sizes.reduce((sum, bytes) => sum + bytes, 0) })
    }
  }
  await Promise.all(Array.from({ length: maxConcurrent }, worker))
  return uploads.sort((a, b) => (a.repository < b.repository ? -1 : 1))
}

/** Sizes of the files written to lately, `depth` levels down. Files removed meanwhile are left out. */
async function growingFileSizes(folder: string, now: number, depth: number): Promise<number[]> {
  const sizes: number[] = []
  try {
    // Each upload adds a file, and each copy from upstream a folder: both change the time of this folder.
    if (now - (await lstat(folder)).ctimeMs > activeWithinMs) return []
    for (const entry of await readdir(folder, { withFileTypes: true })) {
      const path = `${folder}/${entry.name}`
      if (entry.isDirectory() && depth > 0) sizes.push(...(await growingFileSizes(path, now, depth - 1)))
      if (!entry.isFile()) continue
      const stat = await lstat(path)
      if (now - stat.mtimeMs < growingWithinMs) sizes.push(stat.size)
    }
  } catch (error) {
    if (!isNotFound(error)) throw error
  }
  return sizes
}

/**
 * Folders with uploads that are newer than the stamps: a push into a new repository writes no index before its first
 * manifest. Reads the times of the known folders, and lists only those that changed.
 */
export async function newUploadFolders(disk: Disk, root: string, stamps: Stamps): Promise<string[]> {
  const { folders } = await findChanges(disk, root, stamps, () => false)
  const pending: { name: string; depth: number }[] = []
  for (const [name, stamp] of folders) if (stamp !== absentStamp) pending.push({ name, depth: 0 })
  const uploadFolders: string[] = []
  for (let next = pending.pop(); next; next = pending.pop()) {
    const { name, depth } = next
    const entries = await listOrNothing(disk, name === '' ? root : `${root}/${name}`)
    if (name !== '' && entries.some(entry => entry.isFolder && /^\.(uploads|sync)$/.test(entry.name)))
      uploadFolders.push(name)
    for (const child of childrenOf(entries, name).folders)
      if (depth < maxDepth && !stamps.hasFolder(root, child)) pending.push({ name: child, depth: depth + 1 })
  }
  return uploadFolders
}

async function listOrNothing(disk: Disk, folder: string) {
  try {
    return await disk.list(folder)
  } catch {
    // One folder that cannot be read must not hide the uploads in the others.
    return []
  }
}
