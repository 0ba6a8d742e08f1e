import { errorCode } from '../../lib/error-code.ts'
import type { Disk } from './disk.ts'
import { absentStamp } from './repository-reader.ts'
import type { Stamp, Stamps } from './stamps.ts'

export interface Changes {
  /** Folders by name below the data folder, outermost first, with their new stamps; `absentStamp` for those that do not exist. */
  folders: Map<string, Stamp>
  /** Repositories whose index or blobs changed. */
  repositories: string[]
}

/** Requests to the file system at the same time: fewer cost more processor time each, more are no faster. */
const maxConcurrent = 64

/**
 * Finds what changed below one data folder since its stamps were taken, with about 4 requests for each repository and
 * none for its blobs. `serves`: whether a repository belongs to this data folder. `stamps` stays unchanged.
 */
export async function findChanges(
  disk: Disk,
  root: string,
  stamps: Stamps,
  serves: (name: string) => boolean,
): Promise<Changes> {
  const folders: [string, Stamp][] = []
  const repositories = new Set<string>()
  const checks: { path: string; before: Stamp; changed(now: Stamp): void }[] = []
  for (const [name, before] of stamps.folders(root)) {
    const path = name === '' ? `${root}/.` : `${root}/${name}`
    checks.push({ path, before, changed: now => folders.push([name, now]) })
  }
  for (const [name, { index, blobs }] of stamps.repositories()) {
    if (!serves(name)) continue
    const changed = (): unknown => repositories.add(name)
    checks.push({ path: `${root}/${name}/index.json`, before: index, changed })
    for (const [algorithm, before] of blobs)
      checks.push({ path: `${root}/${name}/blobs/${algorithm}`, before, changed })
  }
  let next = 0
  const worker = async (): Promise<void> => {
    for (let check = checks[next++]; check; check = checks[next++]) {
      const now = await stampOf(disk, check.path)
      if (now !== check.before) check.changed(now)
    }
  }
  await Promise.all(Array.from({ length: Math.min(maxConcurrent, checks.length) }, worker))
  folders.sort(([one], [other]) => one.length - other.length)
  return { folders: new Map(folders), repositories: [...repositories] }
}

/** A path that cannot be read gets NaN, so it counts as changed and is tried again each time. */
async function stampOf(disk: Disk, path: string): Promise<Stamp> {
  try {
    return (await disk.stamp(path)) ?? absentStamp
  } catch (problem) {
    if (errorCode(problem) === undefined) throw problem
    return Number.NaN
  }
}
