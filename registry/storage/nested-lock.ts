import { readdir, realpath } from 'node:fs/promises'
import { dirname, join, sep } from 'node:path'
import { isHeld, ownerOf } from './root-lock.ts'

/** Folders that are looked into below a data folder; a start is not the time to walk through all of it. */
const maxFolders = 1000

/**
 * Who serves a folder above `root`, or one of its children and grandchildren (the first 1,000 of each level): two registries
 * on the same files do not see each other's locks, and remove what the other one keeps. Called while `root` is locked,
 * so that of two that start at once one sees the other. Answers what is wrong. Not seen: who serves deeper down, through
 * another mount of the same files, or with files that may not be read.
 */
export async function nestedRegistry(root: string): Promise<string | undefined> {
  const real = await realpath(root)
  const inUse = (folder: string): string | undefined =>
    isHeld(folder) ? `${folder}, which is in use by another zotbar-registry${ownerOf(folder)}` : undefined
  for (let above = dirname(real), last = real; above !== last; last = above, above = dirname(above)) {
    const found = inUse(above)
    if (found !== undefined) return `${root} lies within ${found}`
  }
  let level = [real]
  for (let depth = 0; depth < 2; depth++) {
    level = await foldersIn(level)
    for (const folder of level) {
      const found = inUse(folder)
      if (found !== undefined) return `within ${root} lies ${found}`
    }
  }
  return undefined
}

/**
 * The folders of one configuration that are one, or lie in each other, once links are followed: its text alone does
 * not show that. `others` by the key that names each. Answers what is wrong.
 */
export async function overlappingRoots(
  key: string,
  root: string,
  others: ReadonlyMap<string, string>,
): Promise<string | undefined> {
  const real = await realpath(root)
  for (const [otherKey, other] of others) {
    const [one, two] = [asFolder(real), asFolder(await realpath(other))]
    if (!one.startsWith(two) && !two.startsWith(one)) continue
    const how = one === two ? 'is the same folder as' : one.startsWith(two) ? 'lies within' : 'lies around'
    return `${key} ${root} ${how} ${otherKey} ${other}: give each a folder of its own, none inside another`
  }
  return undefined
}

const asFolder = (path: string): string => (path.endsWith(sep) ? path : `${path}${sep}`)

/** Links are not followed: no repository is found through them either. */
async function foldersIn(parents: readonly string[]): Promise<string[]> {
  const found: string[] = []
  for (const parent of parents) {
    const entries = await readdir(parent, { withFileTypes: true }).catch(() => [])
    for (const entry of entries) {
      if (!entry.isDirectory() || entry.name === '_zotbar') continue
      if (found.length >= maxFolders) return found
      found.push(join(parent, entry.name))
    }
  }
  return found
}
