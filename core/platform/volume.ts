import { access, constants, readdir, readFile, stat } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import type { Failure } from '../../contract/failure.ts'
import { fail, ok, type Result } from '../../contract/result.ts'
import { errorCode, reasonOf } from '../../lib/error-code.ts'

/** What is known about mounts; read from the system unless given. */
export interface Mounts {
  /** Mount points that this computer is set up to have. */
  expected: string[]
  /** Mount points that are there now. */
  present: string[]
}

/**
 * May a registry be started on this data folder? A folder that is not there yet is fine when its parent is, because
 * the engine makes it; a volume that is not mounted is not, because the registry would come up empty.
 * Errors: data-volume-missing, data-not-a-folder, data-denied, data-unreadable, data-read-only. `present`: the folder exists.
 */
export async function checkVolume(path: string, mounts?: Mounts): Promise<Result<{ present: boolean }>> {
  const folder = resolve(path)
  const unmounted = missingMount(folder, mounts ?? (await readMounts()))
  if (unmounted !== undefined) return fail({ code: 'data-volume-missing', path, parent: unmounted })
  try {
    const found = await stat(folder)
    if (!found.isDirectory()) return fail({ code: 'data-not-a-folder', path })
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
    const found = await stat(parent)
    if (!found.isDirectory()) return fail({ code: 'data-not-a-folder', path: parent })
    await access(parent, constants.X_OK | constants.W_OK)
    return ok({ present: false })
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return fail({ code: 'data-volume-missing', path, parent })
    return fail(await failureOf(error, path, parent))
  }
}

async function failureOf(error: unknown, path: string, looked: string): Promise<Failure> {
  if (errorCode(error) === 'EROFS') return { code: 'data-read-only', path }
  if (errorCode(error) === 'ENOTDIR') return { code: 'data-not-a-folder', path }
  const readable = await access(looked, constants.R_OK | constants.X_OK).then(
    () => true,
    () => false,
  )
  // It can be read, so what failed was the question about writing.
  if (errorCode(error) === 'EACCES' && readable) return { code: 'data-read-only', path }
  return deniedOr(error, path)
}

/** A refusal has a code of its own: macOS answers EPERM where its privacy settings keep a program out of a folder. */
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

/** Folders in which a system mounts removable volumes, one name each: what is missing there is not mounted. */
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
  // Without knowing what is mounted nothing can be said to be missing.
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
