import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { foreignLock } from './foreign-lock.ts'
import { fileMode, folderMode, layout } from './layout.ts'
import { wordsOf } from './root.ts'

export type LockResult = { ok: true; release: () => void } | { ok: false; message: string }

/** SQLITE_BUSY, https://www.sqlite.org/rescode.html#busy */
const busy = 5

/**
 * Takes the data folder for this process alone. The lock is SQLite's on a file of its own, so the system
 * frees it however the process ends; the pid beside it is only for the message to the second one. zot would not see
 * it, so nobody gets the folder while zot's own files are locked.
 */
export function lockRoot(root: string): LockResult {
  const folder = layout.own(root)
  const pidFile = join(folder, 'pid')
  let database: DatabaseSync | undefined
  try {
    if (!existsSync(folder)) mkdirSync(folder, { mode: folderMode })
    const file = join(folder, 'lock.db')
    database = new DatabaseSync(file, { timeout: 0 })
    database.exec('PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE')
    chmodSync(file, fileMode)
    writeFileSync(pidFile, `${process.pid}\n`, { mode: fileMode })
    const foreign = foreignLock(root)
    if (foreign) {
      database.close()
      const who = foreign.pid === undefined ? '' : ` (pid ${foreign.pid})`
      return {
        ok: false,
        message: `${root} is in use by another program${who}, which has ${foreign.file} locked`,
      }
    }
    const held = database
    return { ok: true, release: () => held.close() }
  } catch (error) {
    database?.close()
    if (error instanceof Error && 'errcode' in error && error.errcode === busy) {
      return { ok: false, message: `${root} is in use by another zotbar-registry${ownerOf(pidFile)}` }
    }
    return { ok: false, message: `${root} cannot be locked: ${wordsOf(error)}` }
  }
}

function ownerOf(pidFile: string): string {
  try {
    return ` (pid ${readFileSync(pidFile, 'utf8').trim()})`
  } catch {
    return ''
  }
}
