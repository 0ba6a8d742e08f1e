import { readFile, realpath, stat } from 'node:fs/promises'
import { join } from 'node:path'
import * as v from 'valibot'
import { fail, ok, type Result } from '../../contract/result.ts'
import { zotDatabases } from '../../lib/store-names.ts'
import { deniedOr } from '../platform/volume.ts'

/** What tells one data folder from another, as it was written down. */
export interface FolderIdentity {
  /** As config.json named it, absolute. */
  folder: string
  /** Absent while it was not there yet. The device is not kept: a remount changes it. */
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
  /** Those of the sample that are there. */
  present: string[]
  /** When the folder itself was last changed, ms since the epoch. */
  modifiedAt?: number
}

const marker = v.object({ id: v.pipe(v.string(), v.regex(/^[0-9a-f]{8,64}$/)) })

/** Looks at a folder: a few stats, no walk. Errors: data-denied, data-unreadable. */
export async function inspectFolder(folder: string, sample: readonly string[]): Promise<Result<FolderState>> {
  try {
    const root = await ifPresent(stat(folder))
    if (root === undefined) return ok({ folder, databases: {}, present: [] })
    const databases: Record<string, number> = {}
    for (const name of zotDatabases) {
      const found = await ifPresent(stat(join(folder, name)))
      if (found?.isFile()) databases[name] = found.ino
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

async function readMarker(folder: string): Promise<string | undefined> {
  const text = await ifPresent(readFile(join(folder, '_zotbar', 'store.json'), 'utf8'))
  if (text === undefined) return undefined
  try {
    const read = v.safeParse(marker, JSON.parse(text))
    return read.success ? read.output.id : undefined
  } catch {
    // Not JSON: the engine draws a new one.
    return undefined
  }
}

async function ifPresent<T>(asked: Promise<T>): Promise<T | undefined> {
  try {
    return await asked
  } catch (error) {
    if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR'))
      return undefined
    throw error
  }
}

/** The folder behind links, or the path as it is where nothing is there. */
export const realFolder = (folder: string): Promise<string> => realpath(folder).catch(() => folder)
