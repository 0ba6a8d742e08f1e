import { chmod, lstat, mkdir, readdir, readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fail, ok, type Result } from '../../contract/result.ts'
import { writeAtomic } from '../../lib/atomic-file.ts'
import { errorCode, reasonOf } from '../../lib/error-code.ts'
import {
  adminSocketPath,
  type ControlSocket,
  controlSocketPath,
  foreignIn,
  isHome,
  isSocketOfHome,
  ownFiles,
  ownFolders,
  pointer,
} from '../../lib/home.ts'

/**
 * Makes the home if it is not there, and closes it to everybody else: folders 0700, files 0600, programs 0700. A folder
 * that holds other things and nothing of Zotbar is refused and left as it is: a wrong ZOTBAR_HOME must not lock anybody
 * out of it. Error: home-unusable, with the reason.
 */
export async function prepareHome(home: string, uid = process.getuid?.()): Promise<Result<null>> {
  const unusable = (reason: string) => fail({ code: 'home-unusable', path: home, reason } as const)
  try {
    await mkdir(home, { recursive: true, mode: 0o700 })
    const stats = await lstat(join(home, '.'))
    if (uid !== undefined && stats.uid !== uid) return unusable('it belongs to another user')
    const foreign = isHome(home) ? [] : foreignIn(home)
    if (foreign.length > 0)
      return unusable(
        `it holds other things (${listed(foreign)}) and nothing of Zotbar, so it was left as it is; ` +
          'Zotbar needs an empty folder, or one that is not there yet',
      )
    await chmod(home, 0o700)
    for (const name of ownFiles) await tightenFile(join(home, name))
    for (const name of ownFolders) await tightenFolder(join(home, name))
    return ok(null)
  } catch (error) {
    return unusable(reasonOf(error))
  }
}

const listed = (names: readonly string[]): string =>
  [...names.slice(0, 3), ...(names.length > 3 ? ['…'] : [])].join(', ')

async function tightenFolder(folder: string): Promise<void> {
  const stats = await lstatIfThere(folder)
  if (!stats?.isDirectory()) return
  await chmod(folder, 0o700)
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) await chmod(path, 0o700)
    else if (entry.isFile()) await tightenFile(path)
  }
}

async function tightenFile(path: string): Promise<void> {
  const stats = await lstatIfThere(path)
  if (!stats?.isFile()) return
  const wanted = stats.mode & 0o100 ? 0o700 : 0o600
  if ((stats.mode & 0o777) === wanted) return
  await chmod(path, wanted).catch(error => {
    // Another start may tidy its own files at the same moment.
    if (errorCode(error) !== 'ENOENT') throw error
  })
}

async function lstatIfThere(path: string) {
  try {
    return await lstat(path)
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined
    throw error
  }
}

/**
 * The app's side: the path to listen at, its folder made and checked to be ours alone.
 * Error: home-unusable, when the folder under the temporary folder is not ours, or the home cannot say where it is.
 */
export async function prepareControlSocket(
  home: string,
  socket: ControlSocket = controlSocketPath(home),
  uid = process.getuid?.(),
): Promise<Result<ControlSocket>> {
  if (!socket.elsewhere) return ok(socket)
  const created = await makeSocketFolder(socket, uid)
  if (!created.ok) return created
  const file = join(home, pointer)
  try {
    // A start need not write what the one before said, as the volume may be full now.
    if ((await readFile(file, 'utf8').catch(() => '')).trim() !== socket.path)
      await writeAtomic(file, `${socket.path}\n`)
    return ok(socket)
  } catch (error) {
    return fail({ code: 'home-unusable', path: file, reason: reasonOf(error) })
  }
}

/**
 * The registry's administration socket: its folder made and checked. The one that was said before is kept while its
 * folder is there, because a registry that is adopted listens where an earlier start of the app configured it to.
 */
export async function prepareAdminSocket(
  home: string,
  socket: ControlSocket = adminSocketPath(home),
  uid = process.getuid?.(),
): Promise<Result<ControlSocket>> {
  const saidIn = join(home, 'run', 'admin.path')
  try {
    await mkdir(join(home, 'run'), { recursive: true, mode: 0o700 })
    if (!socket.elsewhere) return ok(socket)
    const pointedTo = (await readFile(saidIn, 'utf8').catch(() => '')).trim()
    const earlier = isSocketOfHome(pointedTo, home) ? { path: pointedTo, elsewhere: true } : undefined
    if (earlier && (await makeSocketFolder(earlier, uid)).ok) return ok(earlier)
    const created = await makeSocketFolder(socket, uid)
    if (!created.ok) return created
    await writeAtomic(saidIn, `${socket.path}\n`)
    return ok(socket)
  } catch (error) {
    return fail({ code: 'home-unusable', path: home, reason: reasonOf(error) })
  }
}

async function makeSocketFolder(
  socket: ControlSocket,
  uid: number | undefined,
): Promise<Result<ControlSocket>> {
  const folder = dirname(socket.path)
  try {
    await mkdir(folder, { mode: 0o700 }).catch(error => {
      if (errorCode(error) !== 'EEXIST') throw error
    })
    // Anybody may write to the temporary folder: what is there could be a trap.
    const stats = await lstat(folder)
    if (!stats.isDirectory() || (uid !== undefined && stats.uid !== uid)) {
      return fail({ code: 'home-unusable', path: folder, reason: 'it belongs to another user' })
    }
    await chmod(folder, 0o700)
    return ok(socket)
  } catch (error) {
    return fail({ code: 'home-unusable', path: folder, reason: reasonOf(error) })
  }
}
