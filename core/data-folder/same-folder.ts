import type { FolderDifference } from '../../contract/undecided.ts'
import type { FolderIdentity, FolderState } from './folder-identity.ts'

/** Whether a folder is the one that was written down. `restored`: the same contents under another inode or path. */
export type FolderComparison =
  | { same: true; restored: boolean }
  | { same: false; difference: FolderDifference }

/**
 * Compares a folder with what was written down of it. Pure. The marker decides; without one, for zot, the inodes of the
 * root and of a database, or half of the repositories that it held. Another path needs more: a copy made long ago has
 * the same marker, so everything of the sample must be there too. `isOtherPath`: both paths lead to different folders.
 */
export function compareFolder(was: FolderIdentity, now: FolderState, isOtherPath: boolean): FolderComparison {
  const knew = was.marker !== undefined || was.sample.length > 0
  if (now.inode === undefined) {
    if (!knew) return { same: true, restored: false }
    return { same: false, difference: isOtherPath ? 'path' : 'missing' }
  }
  const isSameRoot = now.inode === was.inode
  const byMarker = was.marker !== undefined && was.marker === now.marker
  const bySample = was.sample.length > 0 && now.present.length * 2 >= was.sample.length
  const byDatabase =
    was.marker === undefined &&
    isSameRoot &&
    Object.entries(was.databases).some(([name, inode]) => now.databases[name] === inode)
  // A zot that has no images yet is known by its databases alone: others, in another folder, are another store.
  const isOtherZot =
    !isSameRoot && Object.keys(was.databases).length > 0 && Object.keys(now.databases).length > 0
  if (!knew && !isOtherPath)
    return isOtherZot ? { same: false, difference: 'contents' } : { same: true, restored: false }
  if (isOtherPath) {
    const whole = now.present.length === was.sample.length
    if (whole && (byMarker || (isSameRoot && was.sample.length > 0))) return { same: true, restored: true }
    return knew || Object.keys(was.databases).length > 0
      ? { same: false, difference: 'path' }
      : { same: true, restored: false }
  }
  if (byMarker || bySample || byDatabase) return { same: true, restored: !isSameRoot }
  const isEmpty = now.marker === undefined && Object.keys(now.databases).length === 0
  return { same: false, difference: isEmpty && now.present.length === 0 ? 'empty' : 'contents' }
}
