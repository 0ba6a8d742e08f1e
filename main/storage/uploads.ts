import { lstat, readdir } from 'node:fs/promises'
import type { PushInProgress } from '../../preload/contract/registry-state.ts'
import { isGone } from './disk.ts'

/** An upload that has not grown for so long is not waited for. */
const moving = 5_000
const atOnce = 16

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
