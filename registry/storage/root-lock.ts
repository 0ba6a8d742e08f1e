import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { foreignLock } from './foreign-lock.ts'
import { fileMode, folderMode, layout } from './layout.ts'
import { errorText } from './root.ts'

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
  let database: DatabaseSync | undefined
  try {
    if (!existsSync(folder)) mkdirSync(folder, { mode: folderMode })
    const file = lockFile(root)
    database = new DatabaseSync(file, { timeout: 0 })
    // Nothing is ever written to it.
    database.exec(
      'PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = MEMORY; PRAGMA synchronous = OFF; BEGIN EXCLUSIVE',
    )
    chmodSync(file, fileMode)
    writeFileSync(pidFile(root), `${process.pid}\n`, { mode: fileMode })
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
    if (isBusy(error)) {
      return { ok: false, message: `${root} is in use by another zotbar-registry${ownerOf(root)}` }
    }
    return { ok: false, message: `${root} cannot be locked: ${errorText(error)}` }
  }
}

/** Whether the lock of a data folder is taken, by this process too. Leaves no trace; what cannot be read is not held. */
export function isHeld(root: string): boolean {
  const file = lockFile(root)
  if (!existsSync(file)) return false
  let database: DatabaseSync | undefined
  try {
    database = new DatabaseSync(file, { readOnly: true, timeout: 0 })
    database.prepare('SELECT 1 FROM sqlite_schema').get()
    return false
  } catch (error) {
    return isBusy(error)
  } finally {
    database?.close()
  }
}

/** " (pid 7)"; nothing where that is not known. */
export function ownerOf(root: string): string {
  try {
    return ` (pid ${readFileSync(pidFile(root), 'utf8').trim()})`
  } catch {
    return ''
  }
}

const isBusy = (error: unknown): boolean =>
  error instanceof Error && 'errcode' in error && error.errcode === busy

const lockFile = (root: string): string => join(layout.own(root), 'lock.db')
const pidFile = (root: string): string => join(layout.own(root), 'pid')
