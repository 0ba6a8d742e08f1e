import { type BigIntStats, lstat, lstatSync, readdirSync, readFileSync, type Stats, statSync } from 'node:fs'
import { readdir, readFile, stat } from 'node:fs/promises'
import { errorCode } from '../../lib/error-code.ts'
import type { FileStat } from './file-list.ts'
import type { Stamp } from './stamps.ts'

/** A name in a folder. A symbolic link is not a folder here, so the walk cannot run in circles. */
export interface Entry {
  name: string
  isFolder: boolean
}

/** What counting needs of a file system, blocking or not; the same readers use both implementations. */
export interface Disk {
  /** Throws with `code` when the folder cannot be read. */
  list(folder: string): Entry[] | Promise<Entry[]>
  text(file: string): string | Promise<string>
  /** When a file or folder last changed, see stamps.ts; undefined when it does not exist. Throws with `code`. */
  stamp(path: string): Stamp | undefined | Promise<Stamp | undefined>
  /** Device and inode of a folder, or of the one that a link leads to; undefined when it does not exist. */
  identity(folder: string): string | undefined | Promise<string | undefined>
  /** Calls `visit` for each regular file; files that vanished meanwhile are left out. */
  stats(folder: string, names: string[], visit: (stat: FileStat) => void): undefined | Promise<undefined>
}

const fileTypeMask = 0o170000
const regularFile = 0o100000

/** For a worker thread: several times less work for each file, and the thread pool stays free. */
export const syncDisk: Disk = {
  list: folder => readdirSync(folder, { withFileTypes: true }).map(entryOf),
  text: file => readFileSync(file, 'utf8'),
  identity: folder => {
    const stat = statSync(folder, { throwIfNoEntry: false, bigint: true })
    return stat && `${stat.dev}:${stat.ino}`
  },
  stamp: path => lstatSync(path, { throwIfNoEntry: false })?.ctimeMs,
  stats: (folder, names, visit) => {
    for (const name of names) {
      const path = `${folder}/${name}`
      let stat: Stats | BigIntStats | undefined = lstatSync(path, { throwIfNoEntry: false })
      if (stat && !Number.isSafeInteger(stat.ino))
        stat = lstatSync(path, { throwIfNoEntry: false, bigint: true })
      visitFile(stat, visit)
    }
    return undefined
  },
}

/** For the main thread: never blocks it, at most eight requests at once. */
export const asyncDisk: Disk = {
  list: async folder => (await readdir(folder, { withFileTypes: true })).map(entryOf),
  text: file => readFile(file, 'utf8'),
  identity: async folder => {
    try {
      const { dev, ino } = await stat(folder, { bigint: true })
      return `${dev}:${ino}`
    } catch (error) {
      if (isNotFound(error)) return undefined
      throw error
    }
  },
  stamp: path =>
    new Promise((resolve, reject) => {
      lstat(path, (error, stat) => {
        if (!error) return resolve(stat.ctimeMs)
        return isNotFound(error) ? resolve(undefined) : reject(error)
      })
    }),
  stats: async (folder, names, visit) => {
    let next = 0
    const worker = async () => {
      for (let name = names[next++]; name !== undefined; name = names[next++])
        visitFile(await lstatOrNothing(`${folder}/${name}`), visit)
    }
    await Promise.all(Array.from({ length: Math.min(8, names.length) }, worker))
    return undefined
  },
}

const entryOf = (entry: { name: string; isDirectory(): boolean }): Entry => ({
  name: entry.name,
  isFolder: entry.isDirectory(),
})

function visitFile(stat: Stats | BigIntStats | undefined, visit: (stat: FileStat) => void): void {
  if (!stat || (Number(stat.mode) & fileTypeMask) !== regularFile) return
  visit({ dev: Number(stat.dev), ino: stat.ino, size: Number(stat.size) })
}

const lstatOrNothing = (path: string): Promise<Stats | BigIntStats | undefined> =>
  new Promise((resolve, reject) => {
    lstat(path, (error, stat) => {
      if (error) return isNotFound(error) ? resolve(undefined) : reject(error)
      if (Number.isSafeInteger(stat.ino)) return resolve(stat)
      lstat(path, { bigint: true }, (again, exact) => resolve(again ? undefined : exact))
    })
  })

/** Whether a file or folder does not exist, which is no error while a registry writes. */
export function isNotFound(error: unknown): boolean {
  const code = errorCode(error)
  return code === 'ENOENT' || code === 'ENOTDIR'
}
