import { access, constants, readdir, readFile, stat, statfs } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import type { Failure } from '../../contract/failure.ts'
import { fail, ok, type Result } from '../../contract/result.ts'
import { errorCode, reasonOf } from '../../lib/error-code.ts'

/** Mount points, read from the system unless given. */
export interface Mounts {
  /** Those that this computer is configured to have. */
  expected: string[]
  /** Those that are mounted now. */
  present: string[]
}

/**
 * Whether a registry may be started on this data folder. A missing folder is fine when its parent exists, because the
 * engine creates it; an unmounted volume is not, because the registry would come up empty.
 * Errors: data-volume-missing, data-not-a-folder, data-denied, data-unreadable, data-read-only. `present`: the folder
 * exists.
 */
export async function checkVolume(path: string, mounts?: Mounts): Promise<Result<{ present: boolean }>> {
  const folder = resolve(path)
  const unmounted = missingMount(folder, mounts ?? (await readMounts()))
  if (unmounted !== undefined) return fail({ code: 'data-volume-missing', path, parent: unmounted })
  try {
    const stats = await stat(folder)
    if (!stats.isDirectory()) return fail({ code: 'data-not-a-folder', path })
    await readdir(folder)
    await access(folder, constants.R_OK | constants.X_OK)
    await access(folder, constants.W_OK)
    return ok({ present: true })
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return checkParent(path, folder)
    return fail(await failureOf(error, path, folder))
  }
}

async function checkParent(path: string, folder: string): Promise<Result<{ present: boolean }>> {
  const parent = dirname(folder)
  if (isMountArea(parent)) return fail({ code: 'data-volume-missing', path, parent: folder })
  try {
    const stats = await stat(parent)
    if (!stats.isDirectory()) return fail({ code: 'data-not-a-folder', path: parent })
    await access(parent, constants.X_OK | constants.W_OK)
    return ok({ present: false })
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return fail({ code: 'data-volume-missing', path, parent })
    return fail(await failureOf(error, path, parent))
  }
}

async function failureOf(error: unknown, path: string, checked: string): Promise<Failure> {
  if (errorCode(error) === 'EROFS') return { code: 'data-read-only', path }
  if (errorCode(error) === 'ENOTDIR') return { code: 'data-not-a-folder', path }
  const readable = await access(checked, constants.R_OK | constants.X_OK).then(
    () => true,
    () => false,
  )
  // It is readable, so the check for writing failed.
  if (errorCode(error) === 'EACCES' && readable) return { code: 'data-read-only', path }
  return deniedOr(error, path)
}

/** macOS answers EPERM, and not EACCES, where its privacy settings keep a program out of a folder. */
export function deniedOr(
  error: unknown,
  path: string,
  platform: NodeJS.Platform = process.platform,
): Extract<Failure, { code: 'data-denied' | 'data-unreadable' }> {
  const code = errorCode(error)
  if (code === 'EPERM' || code === 'EACCES')
    return {
      code: 'data-denied',
      path,
      by: code === 'EPERM' && platform === 'darwin' ? 'macos' : 'permissions',
    }
  return { code: 'data-unreadable', path, reason: reasonOf(error) }
}

/** Folders that hold only mount points of removable volumes: what is missing in them is not mounted. */
const isMountArea = (folder: string): boolean =>
  /^(\/Volumes|\/mnt|\/media|\/media\/[^/]+|\/run\/media\/[^/]+)$/.test(folder)

/** A mount point at or above `folder` that should be mounted and is not. */
function missingMount(folder: string, { expected, present }: Mounts): string | undefined {
  const above = (point: string) => folder === point || folder.startsWith(`${point.replace(/\/$/, '')}/`)
  return expected.find(point => above(point) && !present.includes(point))
}

async function readMounts(): Promise<Mounts> {
  if (process.platform !== 'linux') return { expected: [], present: [] }
  const [fstab, mountinfo] = await Promise.all(
    ['/etc/fstab', '/proc/self/mountinfo'].map(file => readFile(file, 'utf8').catch(() => undefined)),
  )
  // Without the list of mounts nothing counts as missing.
  if (fstab === undefined || mountinfo === undefined) return { expected: [], present: [] }
  return { expected: parseFstab(fstab), present: parseMountinfo(mountinfo) }
}

/** Mount points of fstab(5), without those that are mounted only on demand. */
export function parseFstab(text: string): string[] {
  return text
    .split('\n')
    .map(line => line.trim().split(/\s+/))
    .filter(([device = '#']) => device !== '' && !device.startsWith('#'))
    .filter(
      ([, point = '', , options = '']) =>
        point.startsWith('/') && !/\b(noauto|x-systemd\.automount)\b/.test(options),
    )
    .map(([, point = '']) => unescapeMount(point))
}

/** Mount points of /proc/self/mountinfo: the fifth field, proc(5). */
export function parseMountinfo(text: string): string[] {
  return text
    .split('\n')
    .map(line => line.split(' ')[4] ?? '')
    .filter(point => point !== '')
    .map(unescapeMount)
}

/** Spaces and the like are written in octal. */
const unescapeMount = (text: string): string =>
  text.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)))

export interface FreeSpace {
  /** Bytes that this user may still write: without what the system reserves for root. */
  freeBytes: number
  volumeBytes: number
}

/**
 * Space on the volume of `path` or, while that does not exist, of its nearest existing parent.
 * Undefined when the volume reports none. Throws what statfs throws, other than ENOENT.
 */
export async function freeSpace(path: string): Promise<FreeSpace | undefined> {
  try {
    const { bavail, blocks, bsize } = await statfs(path)
    return blocks === 0 ? undefined : { freeBytes: bavail * bsize, volumeBytes: blocks * bsize }
  } catch (error) {
    if (errorCode(error) !== 'ENOENT' || dirname(path) === path) throw error
    return freeSpace(dirname(path))
  }
}
