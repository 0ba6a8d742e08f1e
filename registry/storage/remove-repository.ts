import type { Dirent } from 'node:fs'
import { readdir, rmdir, stat, unlink } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { syncFolder, trySyncFolder } from '../../lib/sync-file.ts'
import { isAlgorithmFolder, isDigest, isNameComponent } from '../oci/reference.ts'
import { isMissing } from './errno.ts'
import { layout } from './layout.ts'
import { errorText } from './root.ts'

/** `kept`: why a repository without content cannot be removed, in words. */
export type Emptiness =
  | { readonly kind: 'empty'; readonly found: FoundFolders }
  | { readonly kind: 'in-use' }
  | { readonly kind: 'kept'; readonly reason: string }

interface FoundFolders {
  /** Paths of the empty folders of the layout, the innermost first. */
  readonly folders: readonly string[]
  /** Paths of what a file manager left behind. */
  readonly litter: readonly string[]
  readonly hasIndex: boolean
  readonly hasMarker: boolean
}

/** So many names of unknown files are in one line of the log. */
const maxNamed = 3
const uploadName = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/
/** What macOS puts into folders that somebody looks at, or onto volumes that cannot hold its attributes. */
const isLitter = ({ name }: Dirent): boolean => name === '.DS_Store' || name.startsWith('._')

/**
 * Looks whether there is nothing in the folder of a repository but what belongs to an empty one, last changed before
 * `before` (ms since the epoch). Folders that may hold nested repositories do not count. Throws as the file system
 * does.
 */
export async function checkEmptiness(root: string, name: string, before: number): Promise<Emptiness> {
  const folder = layout.repository(root, name)
  const folders: string[] = []
  const litter: string[] = []
  const unknown: string[] = []
  const files = new Set<string>()
  let isUsed = false

  /** Whether nothing stays in a folder, apart from what `accepts` says is something else's. */
  const look = async (
    path: string,
    accepts: (entry: Dirent) => Promise<'ours' | 'gone' | 'unknown'>,
  ): Promise<boolean> => {
    let staysEmpty = true
    for (const entry of await list(path)) {
      if (entry.isFile() && isLitter(entry)) {
        litter.push(join(path, entry.name))
        continue
      }
      const kind = await accepts(entry)
      if (kind === 'gone') continue
      staysEmpty = false
      if (kind === 'unknown') unknown.push(join(path, entry.name).slice(folder.length + 1))
    }
    return staysEmpty
  }
  const used = async (isOurs: boolean): Promise<'ours' | 'unknown'> => {
    isUsed ||= isOurs
    return isOurs ? 'ours' : 'unknown'
  }
  const goes = (path: string): 'gone' => {
    folders.push(path)
    return 'gone'
  }

  await look(folder, async entry => {
    const path = join(folder, entry.name)
    if (entry.name === 'index.json' || entry.name === 'oci-layout') {
      files.add(entry.name)
      return entry.isFile() ? 'gone' : 'unknown'
    }
    if (!entry.isDirectory()) return 'unknown'
    if (entry.name === '.uploads')
      return (await look(path, async upload => await used(upload.isFile() && uploadName.test(upload.name))))
        ? goes(path)
        : 'ours'
    if (entry.name === '.sync') return (await look(path, async () => await used(true))) ? goes(path) : 'ours'
    if (entry.name !== 'blobs') return isNameComponent(entry.name) ? 'ours' : 'unknown'
    const isEmpty = await look(path, async algorithm => {
      if (!algorithm.isDirectory()) return 'unknown'
      // "blobs" may also be part of the name of a nested repository.
      if (!isAlgorithmFolder(algorithm.name)) return isNameComponent(algorithm.name) ? 'ours' : 'unknown'
      const blobs = join(path, algorithm.name)
      const isBlob = (blob: Dirent): boolean => blob.isFile() && isDigest(`${algorithm.name}:${blob.name}`)
      return (await look(blobs, async blob => await used(isBlob(blob)))) ? goes(blobs) : 'ours'
    })
    return isEmpty ? goes(path) : 'ours'
  })
  if (isUsed) return { kind: 'in-use' }
  // A nested repository is all that is here.
  if (files.size + folders.length === 0 && unknown.length === 0) return { kind: 'in-use' }
  const hasIndex = files.has('index.json')
  const changedAt = (await stat(hasIndex ? layout.index(root, name) : folder)).mtimeMs
  if (changedAt >= before) return { kind: 'in-use' }
  if (unknown.length > 0) {
    const more = unknown.length > maxNamed ? ` and ${unknown.length - maxNamed} more` : ''
    return {
      kind: 'kept',
      reason: `unknown files are in it: ${unknown.slice(0, maxNamed).join(', ')}${more}`,
    }
  }
  return { kind: 'empty', found: { folders, litter, hasIndex, hasMarker: files.has('oci-layout') } }
}

/**
 * Takes an empty repository off the disk. A folder goes only if it is empty at that moment, so nothing that came
 * meanwhile is lost. The blobs folder goes before the index, so that a kill leaves no layout that seems to have lost
 * its index.
 */
export async function removeEmptyRepository(
  root: string,
  name: string,
  found: FoundFolders,
): Promise<string | undefined> {
  const folder = layout.repository(root, name)
  try {
    for (const path of found.litter) await unlink(path)
    for (const path of found.folders) await rmdir(path)
    if (found.hasIndex) {
      await unlink(layout.index(root, name))
      await syncFolder(folder)
    }
    if (found.hasMarker) await unlink(layout.marker(root, name))
  } catch (error) {
    return errorText(error)
  }
  // Folders above it stay with what else is in them, and so does this one around nested repositories.
  let at = folder
  for (; at.length > root.length; at = dirname(at)) {
    const isGone = await rmdir(at).then(
      () => true,
      error => isMissing(error),
    )
    if (!isGone) break
  }
  await trySyncFolder(at)
  return undefined
}

async function list(path: string): Promise<Dirent[]> {
  try {
    return await readdir(path, { withFileTypes: true })
  } catch (error) {
    if (isMissing(error)) return []
    throw error
  }
}
