import { constants, copyFile, mkdir, readdir, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { syncFolder } from '../platform/atomic-file.ts'
import { isFile, sha256Of, syncFile } from './library.ts'

/** The files of a data folder that a snapshot holds. */
const names = ['meta.db', 'cache.db']

/** How many bytes a snapshot of these folders takes at most. */
export async function databaseBytes(roots: readonly string[]): Promise<number> {
  const sizes = roots.flatMap(root =>
    names.map(name =>
      stat(join(root, name)).then(
        ({ size }) => size,
        () => 0,
      ),
    ),
  )
  return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0)
}

const folderOf = (snapshot: string, at: number): string => join(snapshot, `root-${at}`)

/**
 * Copies config.json and the databases of every data folder, with nobody writing: copy on write where the file system
 * can, synced. A snapshot that was begun is begun again.
 */
export async function takeSnapshot(
  snapshot: string,
  configFile: string,
  roots: readonly string[],
): Promise<void> {
  await rm(snapshot, { recursive: true, force: true })
  await mkdir(snapshot, { recursive: true, mode: 0o700 })
  await copy(configFile, join(snapshot, 'config.json'))
  for (const [at, root] of roots.entries()) {
    const folder = folderOf(snapshot, at)
    await mkdir(folder, { mode: 0o700 })
    for (const name of names)
      if (await isFile(join(root, name))) await copy(join(root, name), join(folder, name))
    await syncFolder(folder)
  }
  await syncFolder(snapshot)
}

async function copy(from: string, to: string): Promise<void> {
  await copyFile(from, to, constants.COPYFILE_FICLONE)
  await syncFile(to)
}

/** Puts the databases back, with nobody writing. Each is staged beside, synced and renamed. */
export async function restoreDatabases(snapshot: string, roots: readonly string[]): Promise<void> {
  for (const [at, root] of roots.entries()) {
    for (const name of names) {
      const [kept, here] = [join(folderOf(snapshot, at), name), join(root, name)]
      if (await sameBytes(kept, here)) continue
      if (!(await isFile(kept))) {
        await rm(here, { force: true })
        continue
      }
      const staged = `${here}.zotbar`
      await copy(kept, staged)
      await rename(staged, here)
    }
    await syncFolder(root)
  }
}

async function sameBytes(a: string, b: string): Promise<boolean> {
  const [there, here] = await Promise.all([isFile(a), isFile(b)])
  if (!there || !here) return there === here
  if ((await stat(a)).size !== (await stat(b)).size) return false
  return (await sha256Of(a)) === (await sha256Of(b))
}

/** Only the newest are kept: their names begin with the time. */
export async function pruneSnapshots(folder: string, keep: number): Promise<void> {
  const all = (await readdir(folder).catch(() => [])).sort()
  for (const name of all.slice(0, Math.max(0, all.length - keep)))
    await rm(join(folder, name), { recursive: true, force: true })
}
