import { open } from 'node:fs/promises'

/**
 * Makes the content of a file survive a power cut, whoever wrote it. `dataOnly` leaves out what reading does not need,
 * its mode and times.
 */
export async function syncFile(file: string, { dataOnly = false } = {}): Promise<void> {
  const handle = await open(file, 'r')
  try {
    await (dataOnly ? handle.datasync() : handle.sync())
  } finally {
    await handle.close()
  }
}

/** Makes the names in a folder survive a power cut. Throws as the file system does. */
export const syncFolder = (folder: string): Promise<void> => syncFile(folder)

/** The same where the volume can: some network volumes refuse to, and then there is nothing else to do. */
export async function trySyncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r').catch(() => undefined)
  await handle?.sync().catch(() => {})
  await handle?.close()
}

/** Writes a text (flag `w`) or appends it (`a`), for this user alone; it survives a power cut once this returns. */
export async function writeSynced(file: string, text: string, flag: 'a' | 'w'): Promise<void> {
  const handle = await open(file, flag, 0o600)
  try {
    await handle.writeFile(text)
    await handle.sync()
  } finally {
    await handle.close()
  }
}
