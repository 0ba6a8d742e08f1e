import { readdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { layout } from './layout.ts'
import { walkRepositories } from './walk.ts'

/** An upload that nobody has touched for this long is given up, ms. */
const staleAfter = 24 * 60 * 60 * 1000

/**
 * Removes what broken pushes left in .uploads, one file after the other; answers how many.
 * `isInUse` guards those that a request is at.
 */
export async function collectStaleUploads(
  root: string,
  now: number,
  isInUse: (id: string) => boolean,
  signal: AbortSignal,
): Promise<number> {
  let removed = 0
  for await (const { name, hasUploads } of walkRepositories(root)) {
    if (signal.aborted) break
    if (!hasUploads) continue
    const folder = layout.uploads(root, name)
    for (const id of await readdir(folder).catch(() => [])) {
      if (signal.aborted) break
      if (!isInUse(id) && (await removeIfStale(join(folder, id), now))) removed++
    }
  }
  return removed
}

async function removeIfStale(path: string, now: number): Promise<boolean> {
  try {
    const found = await stat(path)
    if (!found.isFile() || now - found.mtimeMs < staleAfter) return false
    await rm(path)
    return true
  } catch {
    return false
  }
}
