import type { Dirent } from 'node:fs'
import { lstat, opendir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { isMissing } from './errno.ts'
import { layout } from './layout.ts'
import { errorText } from './root.ts'

/** In a folder that changed so lately, ms, a repository may be on its way in or out: zot writes its files one by one. */
const settling = 10_000

export const indexMissing = 'index.json is missing'
export const leadsNowhere = 'index.json is a link that leads nowhere'

/** What stands under the name index.json: `reason` says in words why it cannot be read. */
export type IndexLook = { readonly kind: 'file' } | { readonly kind: 'unreadable'; readonly reason: string }

/** What `entry`, named index.json, is. A link counts as what it leads to: zot reads through it, too. */
export async function lookAtIndex(root: string, name: string, entry: Dirent): Promise<IndexLook> {
  if (entry.isFile()) return { kind: 'file' }
  if (entry.isDirectory()) return unreadable('index.json: it is a folder')
  if (!entry.isSymbolicLink()) return unreadable('index.json is no file')
  try {
    const found = await stat(layout.index(root, name))
    if (found.isFile()) return { kind: 'file' }
    return unreadable(found.isDirectory() ? 'index.json: it is a folder' : 'index.json is no file')
  } catch (error) {
    return unreadable(isMissing(error) ? leadsNowhere : `index.json: ${errorText(error)}`)
  }
}

/**
 * Whether a repository with oci-layout and blobs lost its index: both are written together, by a push that ends; before
 * that there are blobs alone. Where no blob is, nothing was lost. `now`: ms since the epoch.
 */
export async function isIndexLost(root: string, name: string, now: number): Promise<boolean> {
  try {
    if ((await stat(layout.repository(root, name))).mtimeMs > now - settling) return false
  } catch {
    return false
  }
  const there = await lstat(layout.index(root, name)).catch(error =>
    isMissing(error) ? undefined : 'unknown',
  )
  return there === undefined && (await hasBlobs(root, name))
}

async function hasBlobs(root: string, name: string): Promise<boolean> {
  for (const algorithm of ['sha256', 'sha512']) {
    try {
      for await (const entry of await opendir(join(root, name, 'blobs', algorithm)))
        if (entry.isFile()) return true
    } catch {
      // Not there, or not readable, of which the walk tells by itself.
    }
  }
  return false
}

const unreadable = (reason: string): IndexLook => ({ kind: 'unreadable', reason })
