import type { Dirent } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { isAlgorithmFolder, isNameComponent } from '../oci/name.ts'

export interface Found {
  /** Repository name: the path below the root. */
  readonly name: string
  readonly hasIndex: boolean
  readonly hasUploads: boolean
  /** Where zot keeps what it fetches from another registry. */
  readonly hasSync: boolean
  readonly hasBlobs: boolean
}

/**
 * Every folder below the root that looks like a repository. Only names that may be part of a repository
 * name are entered, so other people's folders (_trivy, _sessions, .sync) stay alone, and so do links.
 */
export async function* walkRepositories(root: string): AsyncGenerator<Found> {
  const queue = ['']
  for (let name = queue.shift(); name !== undefined; name = queue.shift()) {
    const entries = await list(join(root, name))
    let hasIndex = false
    let hasUploads = false
    let hasSync = false
    let hasBlobs = false
    const inBlobs = name.endsWith('/blobs')
    for (const entry of entries) {
      if (entry.name === 'index.json') hasIndex = entry.isFile()
      else if (entry.name === '.uploads') hasUploads = entry.isDirectory()
      else if (entry.name === '.sync') hasSync = entry.isDirectory()
      else if (!entry.isDirectory() || !isNameComponent(entry.name)) continue
      // The blobs themselves: a hundred thousand files may be in there.
      else if (!(inBlobs && isAlgorithmFolder(entry.name))) {
        if (entry.name === 'blobs') hasBlobs = true
        queue.push(name === '' ? entry.name : `${name}/${entry.name}`)
      }
    }
    if (name !== '' && (hasIndex || hasUploads || hasSync || hasBlobs))
      yield { name, hasIndex, hasUploads, hasSync, hasBlobs }
  }
}

/** A folder that vanished or cannot be read has no repositories. */
async function list(folder: string): Promise<Dirent[]> {
  try {
    return await readdir(folder, { withFileTypes: true })
  } catch {
    return []
  }
}
