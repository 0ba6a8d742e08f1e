import { constants } from 'node:fs'
import { access, mkdir, stat } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { errnoOf } from './errno.ts'
import { folderMode } from './layout.ts'

export type RootResult = { ok: true; root: string } | { ok: false; message: string }

/** Below these, volumes are mounted: a missing folder there means that its volume is not there. */
const mountParents = [/^\/Volumes$/, /^\/mnt$/, /^\/media(\/[^/]+)?$/, /^\/run\/media\/[^/]+$/]

/**
 * Makes sure that the data folder is one to serve from. It is created only where its parent exists and is
 * not a place for volumes: an unmounted volume must never be mistaken for an empty registry.
 */
export async function checkRoot(configured: string): Promise<RootResult> {
  const root = resolve(configured)
  try {
    const found = await stat(root)
    if (!found.isDirectory()) return no(`storage.rootDirectory ${root} is not a folder`)
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') return no(`storage.rootDirectory ${root}: ${errorText(error)}`)
    const created = await create(root)
    if (!created.ok) return created
  }
  try {
    await access(root, constants.R_OK | constants.W_OK | constants.X_OK)
    return { ok: true, root }
  } catch (error) {
    return no(`storage.rootDirectory ${root}: ${errorText(error)}`)
  }
}

/** The same question without creating anything. Answers what is wrong. */
export async function inspectRoot(configured: string): Promise<string | undefined> {
  const root = resolve(configured)
  const found = await stat(root).catch(() => undefined)
  if (found) {
    const checked = await checkRoot(root)
    return checked.ok ? undefined : checked.message
  }
  return await whyNotToCreate(root)
}

async function create(root: string): Promise<RootResult> {
  const why = await whyNotToCreate(root)
  if (why !== undefined) return no(why)
  try {
    await mkdir(root, { mode: folderMode })
    return { ok: true, root }
  } catch (error) {
    return no(`storage.rootDirectory ${root} cannot be created: ${errorText(error)}`)
  }
}

async function whyNotToCreate(root: string): Promise<string | undefined> {
  const parent = dirname(root)
  const prefix = `storage.rootDirectory ${root} does not exist`
  if (mountParents.some(pattern => pattern.test(parent))) return `${prefix}: is its volume mounted?`
  try {
    return (await stat(parent)).isDirectory() ? undefined : `${prefix}, and ${parent} is not a folder`
  } catch (error) {
    return errnoOf(error) === 'ENOENT'
      ? `${prefix}, and neither does ${parent}: is its volume mounted?`
      : `${prefix}, and ${parent}: ${errorText(error)}`
  }
}

const errorTexts: Record<string, string> = {
  EACCES: 'access is denied',
  EPERM: 'access is denied',
  EROFS: 'the volume is read-only',
  ENOSPC: 'the disk is full',
  EIO: 'the disk reports an error',
  EISDIR: 'it is a folder',
  ENOTDIR: 'a file stands where a folder should be',
  ENOENT: 'it does not exist',
}

/** The reason of a file system error in words. */
export function errorText(error: unknown): string {
  const errno = errnoOf(error)
  return errorTexts[errno ?? ''] ?? (error instanceof Error ? error.message : String(error))
}

const no = (message: string): { ok: false; message: string } => ({ ok: false, message })
