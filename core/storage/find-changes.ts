import { errorCode } from '../../lib/error-code.ts'
import type { Disk } from './disk.ts'
import { gone } from './repository-reader.ts'
import type { Stamp, Stamps } from './stamps.ts'

export interface Changes {
  /** Folders by name below the data folder, outermost first, with their new stamps; `gone` for what is not there. */
  folders: Map<string, Stamp>
  /** Repositories whose index or blobs changed. */
  repositories: string[]
}

/** So many questions to the file system at once: fewer cost more processor time each, more gain nothing. */
const atOnce = 64

/**
 * What changed below one data folder since its stamps were taken. About 4 questions a repository and none for its
 * blobs. `serves`: whether a repository lies in this data folder. Nothing is changed in `stamps`.
 */
export async function findChanges(
  disk: Disk,
  root: string,
  stamps: Stamps,
  serves: (name: string) => boolean,
): Promise<Changes> {
  const folders: [string, Stamp][] = []
  const repositories = new Set<string>()
  const looks: { path: string; before: Stamp; changed(now: Stamp): void }[] = []
  for (const [name, before] of stamps.folders(root)) {
    const path = name === '' ? `${root}/.` : `${root}/${name}`
    looks.push({ path, before, changed: now => folders.push([name, now]) })
  }
  for (const [name, { index, blobs }] of stamps.repositories()) {
    if (!serves(name)) continue
    const changed = (): unknown => repositories.add(name)
    looks.push({ path: `${root}/${name}/index.json`, before: index, changed })
    for (const [algorithm, before] of blobs)
      looks.push({ path: `${root}/${name}/blobs/${algorithm}`, before, changed })
  }
  let next = 0
  const worker = async (): Promise<void> => {
    for (let look = looks[next++]; look; look = looks[next++]) {
      const now = await stampOf(disk, look.path)
      if (now !== look.before) look.changed(now)
    }
  }
  await Promise.all(Array.from({ length: Math.min(atOnce, looks.length) }, worker))
  folders.sort(([one], [other]) => one.length - other.length)
  return { folders: new Map(folders), repositories: [...repositories] }
}

/** What may not be looked at has no stamp: it is tried again each time. */
async function stampOf(disk: Disk, path: string): Promise<Stamp> {
  try {
    return (await disk.stamp(path)) ?? gone
  } catch (problem) {
    if (errorCode(problem) === undefined) throw problem
    return Number.NaN
  }
}
