import { readFile, realpath, stat } from 'node:fs/promises'
import { join } from 'node:path'
import * as v from 'valibot'
import { fail, ok, type Result } from '../../contract/result.ts'
import type { FolderDifference } from '../../contract/undecided.ts'
import { parseJson } from '../../lib/json.ts'
import { zotDatabases } from '../../lib/store-names.ts'
import { deniedOr } from '../platform/volume.ts'

/** What tells one data folder from another, as it was recorded. */
export interface FolderIdentity {
  /** As config.json named it, absolute. */
  folder: string
  /** Absent while the folder did not exist yet. The device is not recorded, because a remount changes it. */
  inode?: number
  /** The id in `_zotbar/store.json`, which zotbar-registry writes. */
  marker?: string
  /** Inodes of zot's databases, by name. */
  databases: Record<string, number>
  /** Up to 20 repositories that it held. */
  sample: string[]
}

/** The same folder, or another one of its name, as it is now. */
export interface FolderState {
  folder: string
  inode?: number
  marker?: string
  databases: Record<string, number>
  /** Those of the sample that are in it. */
  present: string[]
  /** When the folder itself was last changed, ms since the epoch. */
  modifiedAt?: number
}

const marker = v.object({ id: v.pipe(v.string(), v.regex(/^[0-9a-f]{8,64}$/)) })

/** Takes a few stats of a folder, no walk. Errors: data-denied, data-unreadable. */
export async function inspectFolder(folder: string, sample: readonly string[]): Promise<Result<FolderState>> {
  try {
    const root = await ifPresent(stat(folder))
    if (root === undefined) return ok({ folder, databases: {}, present: [] })
    const databases: Record<string, number> = {}
    for (const name of zotDatabases) {
      const stats = await ifPresent(stat(join(folder, name)))
      if (stats?.isFile()) databases[name] = stats.ino
    }
    const present: string[] = []
    for (const name of sample)
      if ((await ifPresent(stat(join(folder, name, 'index.json')))) !== undefined) present.push(name)
    const id = await readMarker(folder)
    return ok({
      folder,
      inode: root.ino,
      ...(id === undefined ? {} : { marker: id }),
      databases,
      present,
      modifiedAt: Math.round(root.mtimeMs),
    })
  } catch (error) {
    return fail(deniedOr(error, folder))
  }
}

/** Undefined also where it is not JSON: the engine then creates a new one. */
async function readMarker(folder: string): Promise<string | undefined> {
  const text = await ifPresent(readFile(join(folder, '_zotbar', 'store.json'), 'utf8'))
  if (text === undefined) return undefined
  const parsed = v.safeParse(marker, parseJson(text))
  return parsed.success ? parsed.output.id : undefined
}

async function ifPresent<T>(result: Promise<T>): Promise<T | undefined> {
  try {
    return await result
  } catch (error) {
    if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR'))
      return undefined
    throw error
  }
}

/** The folder behind links, or the path as it is where nothing is there. */
export const realFolder = (folder: string): Promise<string> => realpath(folder).catch(() => folder)

/** The identity to record of a folder as it is now. */
export const identityOf = (
  { folder, inode, marker, databases }: FolderState,
  sample: string[],
): FolderIdentity => ({
  folder,
  databases,
  sample,
  ...(inode === undefined ? {} : { inode }),
  ...(marker === undefined ? {} : { marker }),
})

/** Whether a folder is the recorded one. `restored`: the same contents under another inode or path. */
type FolderComparison = { same: true; restored: boolean } | { same: false; difference: FolderDifference }

/**
 * Compares a folder with its recorded identity. Pure. The marker decides; without one, for zot, the inodes of the root
 * and of a database, or half of the recorded repositories. Another path needs more, because a copy made long ago has the
 * same marker: all of the sample must be in it too. `isOtherPath`: the two paths lead to different folders.
 */
export function compareFolder(
  recorded: FolderIdentity,
  state: FolderState,
  isOtherPath: boolean,
): FolderComparison {
  const isIdentifiable = recorded.marker !== undefined || recorded.sample.length > 0
  if (state.inode === undefined) {
    if (!isIdentifiable) return { same: true, restored: false }
    return { same: false, difference: isOtherPath ? 'path' : 'missing' }
  }
  const isSameRoot = state.inode === recorded.inode
  const isSameMarker = recorded.marker !== undefined && recorded.marker === state.marker
  const hasHalfOfSample = recorded.sample.length > 0 && state.present.length * 2 >= recorded.sample.length
  const hasSameDatabase =
    recorded.marker === undefined &&
    isSameRoot &&
    Object.entries(recorded.databases).some(([name, inode]) => state.databases[name] === inode)
  // A zot without images is recognized by its databases alone: others, in another folder, are another store.
  const isOtherZot =
    !isSameRoot && Object.keys(recorded.databases).length > 0 && Object.keys(state.databases).length > 0
  if (!isIdentifiable && !isOtherPath)
    return isOtherZot ? { same: false, difference: 'contents' } : { same: true, restored: false }
  if (isOtherPath) {
    const hasWholeSample = state.present.length === recorded.sample.length
    if (hasWholeSample && (isSameMarker || (isSameRoot && recorded.sample.length > 0)))
      return { same: true, restored: true }
    return isIdentifiable || Object.keys(recorded.databases).length > 0
      ? { same: false, difference: 'path' }
      : { same: true, restored: false }
  }
  if (isSameMarker || hasHalfOfSample || hasSameDatabase) return { same: true, restored: !isSameRoot }
  const hasNoStore = state.marker === undefined && Object.keys(state.databases).length === 0
  return { same: false, difference: hasNoStore && state.present.length === 0 ? 'empty' : 'contents' }
}

/** How many repositories of each folder are recorded. */
const sampleSize = 20

/**
 * Up to 20 of the repositories in one folder: those of `before` that are still there, then others evenly from all names.
 * `key`: the folder of storage.subPaths, by the first of several name parts; undefined for the root.
 */
export function sampleOf(
  names: readonly string[],
  key: string | undefined,
  subs: Readonly<Record<string, string>>,
  before: readonly string[],
): string[] {
  const inFolder = names.filter(name => folderKey(name, subs) === key).sort()
  const present = new Set(inFolder)
  const chosen = new Set(before.filter(name => present.has(name)).slice(0, sampleSize))
  const stride = Math.max(1, inFolder.length / sampleSize)
  for (let at = 0; at < inFolder.length && chosen.size < sampleSize; at += stride)
    chosen.add(inFolder[Math.floor(at)] ?? '')
  for (const name of inFolder) {
    if (chosen.size >= sampleSize) break
    chosen.add(name)
  }
  return [...chosen].sort()
}

function folderKey(name: string, subs: Readonly<Record<string, string>>): string | undefined {
  const slash = name.indexOf('/')
  const first = name.slice(0, Math.max(0, slash))
  return slash > 0 && Object.hasOwn(subs, first) ? first : undefined
}
