import { lstat, readdir } from 'node:fs/promises'
import type { PushInProgress } from '../../contract/registry-state.ts'
import { type Disk, isGone } from './disk.ts'
import { findChanges } from './find-changes.ts'
import { gone } from './repository-reader.ts'
import type { Stamps } from './stamps.ts'
import { childrenOf } from './walk.ts'

/** An upload that has not grown for so long is not waited for. */
const moving = 5_000
/** A folder of uploads in which nothing began or ended for so long holds none that is under way. */
const began = 60 * 60_000
/** Many, because most ask for the time of a folder and nothing else. */
const atOnce = 64
/** Deeper than any repository name of 255 characters. */
const deepest = 128

/**
 * What is being uploaded right now: the files in `<repository>/.uploads` and below `.sync` that grew within
 * the last 5 s, summed for each repository. `now` in ms since the epoch.
 */
export async function uploadsIn(
  folderOf: (repository: string) => string,
  repositories: Iterable<string>,
  now: number,
): Promise<PushInProgress[]> {
  const found: PushInProgress[] = []
  const names = repositories[Symbol.iterator]()
  const worker = async () => {
    for (let next = names.next(); !next.done; next = names.next()) {
      const repository = next.value
      const moved = [
        ...(await movingFiles(`${folderOf(repository)}/${repository}/.uploads`, now, 0)),
        ...(await movingFiles(`${folderOf(repository)}/${repository}/.sync`, now, 8)),
      ]
      if (moved.length > 0) found.push({ repository, bytes: moved.reduce((sum, bytes) => sum + bytes, 0) })
    }
  }
  await Promise.all(Array.from({ length: atOnce }, worker))
  return found.sort((a, b) => (a.repository < b.repository ? -1 : 1))
}

/** Sizes of the files that were written to lately, `deeper` levels down. What vanishes meanwhile is left out. */
async function movingFiles(folder: string, now: number, deeper: number): Promise<number[]> {
  const sizes: number[] = []
  try {
    // Each upload is a file of its own, and each copy from upstream a folder: both move this time when they begin.
    if (now - (await lstat(folder)).ctimeMs > began) return []
    for (const entry of await readdir(folder, { withFileTypes: true })) {
      const path = `${folder}/${entry.name}`
      if (entry.isDirectory() && deeper > 0) sizes.push(...(await movingFiles(path, now, deeper - 1)))
      if (!entry.isFile()) continue
      const stat = await lstat(path)
      if (now - stat.mtimeMs < moving) sizes.push(stat.size)
    }
  } catch (error) {
    if (!isGone(error)) throw error
  }
  return sizes
}

/**
 * Folders that were not there when the stamps were taken and have uploads in them: a push into a new repository, whose
 * index does not exist before its first manifest. Looks at the times of the folders that are known, and lists what changed.
 */
export async function newUploadPlaces(disk: Disk, root: string, stamps: Stamps): Promise<string[]> {
  const { folders } = await findChanges(disk, root, stamps, () => false)
  const pending: { name: string; depth: number }[] = []
  for (const [name, stamp] of folders) if (stamp !== gone) pending.push({ name, depth: 0 })
  const places: string[] = []
  for (let next = pending.pop(); next; next = pending.pop()) {
    const { name, depth } = next
    const entries = await listed(disk, name === '' ? root : `${root}/${name}`)
    if (name !== '' && entries.some(entry => entry.folder && /^\.(uploads|sync)$/.test(entry.name)))
      places.push(name)
    for (const child of childrenOf(entries, name).folders)
      if (depth < deepest && !stamps.hasFolder(root, child)) pending.push({ name: child, depth: depth + 1 })
  }
  return places
}

async function listed(disk: Disk, folder: string) {
  try {
    return await disk.list(folder)
  } catch {
    // One folder that cannot be read does not hide what is under way in the others.
    return []
  }
}
