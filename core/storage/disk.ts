import { type BigIntStats, lstat, lstatSync, readdirSync, readFileSync, type Stats, statSync } from 'node:fs'
import { readdir, readFile, stat } from 'node:fs/promises'
import { errorCode } from '../../lib/error-code.ts'
import type { FileStat } from './file-list.ts'
import type { Stamp } from './stamps.ts'

/** A name in a folder. Symbolic links are neither: the walk follows none, so it cannot run in circles. */
export interface Entry {
  name: string
  folder: boolean
}

/** What counting needs of a file system; the same reader runs over both implementations. */
export interface Disk {
  /** Throws with `code` when the folder cannot be read. */
  list(folder: string): Entry[] | Promise<Entry[]>
  text(file: string): string | Promise<string>
  /** When a file or folder last changed, see stamps.ts; undefined when it is not there. Throws with `code`. */
  stamp(path: string): Stamp | undefined | Promise<Stamp | undefined>
  /** Which folder this is, device and inode, followed where it is a link; undefined when it is not there. */
  identity(folder: string): string | undefined | Promise<string | undefined>
  /** Calls `visit` for each regular file; files that vanished meanwhile are left out. */
  stats(folder: string, names: string[], visit: (stat: FileStat) => void): undefined | Promise<undefined>
}

const kind = 0o170000
const regular = 0o100000

/** For a thread of its own: several times less work a file, and it leaves the thread pool to the others. */
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
      if (isGone(error)) return undefined
      throw error
    }
  },
  stamp: path =>
    new Promise((resolve, reject) => {
      lstat(path, (error, stat) => {
        if (!error) return resolve(stat.ctimeMs)
        return isGone(error) ? resolve(undefined) : reject(error)
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
  folder: entry.isDirectory(),
})

function visitFile(stat: Stats | BigIntStats | undefined, visit: (stat: FileStat) => void): void {
  if (!stat || (Number(stat.mode) & kind) !== regular) return
  visit({ dev: Number(stat.dev), ino: stat.ino, size: Number(stat.size) })
}

const lstatOrNothing = (path: string): Promise<Stats | BigIntStats | undefined> =>
  new Promise((resolve, reject) => {
    lstat(path, (error, stat) => {
      if (error) return isGone(error) ? resolve(undefined) : reject(error)
      if (Number.isSafeInteger(stat.ino)) return resolve(stat)
      lstat(path, { bigint: true }, (again, exact) => resolve(again ? undefined : exact))
    })
  })

/** Whether the file or folder went away, which is no error while a registry works on it. */
export function isGone(error: unknown): boolean {
  const code = errorCode(error)
  return code === 'ENOENT' || code === 'ENOTDIR'
}
