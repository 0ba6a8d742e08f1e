import { readdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { layout } from './layout.ts'

/** Removes what zot left of fetching in a repository, untouched since `before` (ms since the epoch); answers how many. */
export async function removeSyncLeftovers(root: string, name: string, before: number): Promise<number> {
  const sync = join(layout.repository(root, name), '.sync')
  let removed = 0
  for (const id of await readdir(sync).catch(() => [])) {
    if (await isTouchedSince(join(sync, id), before)) continue
    await rm(join(sync, id), { recursive: true, force: true }).catch(() => {})
    removed++
  }
  return removed
}

/** Whether anything below was written since. A folder that cannot be read counts as touched. */
async function isTouchedSince(path: string, before: number): Promise<boolean> {
  try {
    const found = await stat(path)
    if (found.mtimeMs >= before) return true
    if (!found.isDirectory()) return false
    for (const name of await readdir(path)) if (await isTouchedSince(join(path, name), before)) return true
    return false
  } catch {
    return true
  }
}
