import { createHash } from 'node:crypto'
import { existsSync, lstatSync, readdirSync, readFileSync } from 'node:fs'
import { chmod, lstat, mkdir, readdir, readFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { basename, dirname, isAbsolute, join, resolve } from 'node:path'
import { fail, ok, type Result } from '../../contract/result.ts'
import { writeAtomic } from '../../lib/atomic-file.ts'
import { errorCode, reasonOf } from '../../lib/error-code.ts'

type Environment = Readonly<Record<string, string | undefined>>

interface Surroundings {
  env?: Environment
  platform?: NodeJS.Platform
  homeOfUser?: string
}

/** The folder with all of the app's own state: ZOTBAR_HOME, or the platform's place for such data. Absolute. */
export function resolveHome({
  env = process.env,
  platform = process.platform,
  homeOfUser = homedir(),
}: Surroundings = {}): string {
  const named = env['ZOTBAR_HOME']
  if (named) return resolve(named)
  if (platform === 'darwin') return join(homeOfUser, 'Library', 'Application Support', 'Zotbar')
  const data = env['XDG_DATA_HOME']
  // The XDG specification tells programs to ignore a relative path.
  return data && isAbsolute(data) ? join(data, 'zotbar') : join(homeOfUser, '.local', 'share', 'zotbar')
}

/** What only a home has: one that was ever used has at least one of them. */
const marks = ['app.lock', 'home.json', 'settings.json', 'journal.jsonl', join('logs', 'app.log')]

/** What the app makes in its home, by name. Nothing else is given another mode. */
const ownFiles = [
  'admin.json',
  'app.lock',
  'control.path',
  'engines.json',
  'folder.json',
  'home.json',
  'journal.jsonl',
  'keys.json',
  'known_hosts',
  'manifests.json',
  'notices.json',
  'open.html',
  'outbox.json',
  'samples.json',
  'schedule.json',
  'settings.json',
]
const ownFolders = [
  'backup',
  'cache',
  'electron',
  'engines',
  'logs',
  'run',
  'runbooks',
  'secrets',
  'snapshots',
  'upgrades',
]

/** Whether a folder carries a mark of a home. */
export const isHome = (folder: string): boolean => marks.some(name => existsSync(join(folder, name)))

/**
 * Makes the home if it is not there, and closes it to everybody else: folders 0700, files 0600, programs 0700. A folder
 * that holds other things and nothing of Zotbar is refused and left as it is: a wrong ZOTBAR_HOME must not lock anybody
 * out of it. Error: home-unusable, with the reason.
 */
export async function prepareHome(home: string, uid = process.getuid?.()): Promise<Result<null>> {
  const unusable = (reason: string) => fail({ code: 'home-unusable', path: home, reason } as const)
  try {
    await mkdir(home, { recursive: true, mode: 0o700 })
    const found = await lstat(join(home, '.'))
    if (uid !== undefined && found.uid !== uid) return unusable('it belongs to another user')
    const others = isHome(home) ? [] : foreignIn(home)
    if (others.length > 0)
      return unusable(
        `it holds other things (${listed(others)}) and nothing of Zotbar, so it was left as it is; ` +
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

/**
 * What keeps a folder without a mark from being a new home, sorted. A first start that broke off leaves names of ours,
 * and what we make is closed to others from its beginning; only a zot may have been laid there by hand before. Throws as
 * the file system does.
 */
export function foreignIn(folder: string): string[] {
  const others: string[] = []
  for (const name of contentOf(folder)) {
    const path = join(folder, name)
    const isClosed = (lstatSync(path).mode & 0o077) === 0
    const isOwn = isClosed && (ownFiles.includes(name) || ownFolders.includes(name))
    if (!isOwn && !(name === 'engines' && holdsOnlyZot(path))) others.push(name)
  }
  return others
}

/** Whether a folder holds nothing but the folder `zot`: docs/runbooks.md has people lay `engines/zot/VERSION/zot` there. */
function holdsOnlyZot(folder: string): boolean {
  const isFolder = (path: string): boolean => lstatSync(path).isDirectory()
  return isFolder(folder) && contentOf(folder).join() === 'zot' && isFolder(join(folder, 'zot'))
}

/** Sorted, without what a system puts into an empty folder by itself. */
const contentOf = (folder: string): string[] =>
  readdirSync(folder)
    .filter(name => name !== '.DS_Store' && name !== 'lost+found')
    .sort()

const listed = (names: readonly string[]): string =>
  [...names.slice(0, 3), ...(names.length > 3 ? ['…'] : [])].join(', ')

async function tightenFolder(folder: string): Promise<void> {
  const found = await lstatIfThere(folder)
  if (!found?.isDirectory()) return
  await chmod(folder, 0o700)
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) await chmod(path, 0o700)
    else if (entry.isFile()) await tightenFile(path)
  }
}

async function tightenFile(path: string): Promise<void> {
  const found = await lstatIfThere(path)
  if (!found?.isFile()) return
  const wanted = found.mode & 0o100 ? 0o700 : 0o600
  if ((found.mode & 0o777) === wanted) return
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

export interface ControlSocket {
  path: string
  /** The home's own path is too long for a socket; it lies in a 0700 folder under the temporary folder. */
  elsewhere: boolean
}

/** sockaddr_un has room for 104 bytes on macOS and 108 on Linux, the closing zero included. */
const longestSocketPath = 100

/** Where the control socket of a home belongs: a pure function of its arguments. */
export function controlSocketPath(
  home: string,
  env: Environment = process.env,
  uid = process.getuid?.() ?? 0,
): ControlSocket {
  return socketPath(home, join(home, 'control.sock'), env, uid)
}

/** Where the registry's administration socket belongs. In `run`, so that nothing else lies in its folder. */
export function adminSocketPath(
  home: string,
  env: Environment = process.env,
  uid = process.getuid?.() ?? 0,
): ControlSocket {
  return socketPath(home, join(home, 'run', 'admin.sock'), env, uid)
}

function socketPath(home: string, path: string, env: Environment, uid: number): ControlSocket {
  if (Buffer.byteLength(path) <= longestSocketPath) return { path, elsewhere: false }
  const name = createHash('sha256').update(home).digest('hex').slice(0, 16)
  const folder = join(env['TMPDIR'] || '/tmp', `zotbar-${uid}-${name}`)
  return { path: join(folder, basename(path)), elsewhere: true }
}

/** Says in the home where its socket is, for a command line that runs with another temporary folder. */
const pointer = 'control.path'

/**
 * The app's side: the path to listen at, its folder made and checked to be ours alone.
 * Error: home-unusable, when the folder under the temporary folder is not ours.
 */
export async function prepareControlSocket(
  home: string,
  socket: ControlSocket = controlSocketPath(home),
  uid = process.getuid?.(),
): Promise<Result<ControlSocket>> {
  if (!socket.elsewhere) return ok(socket)
  const made = await makeSocketFolder(socket, uid)
  if (!made.ok) return made
  await writeAtomic(join(home, pointer), `${socket.path}\n`)
  return ok(socket)
}

/**
 * The registry's administration socket: its folder made and checked. The one that was said before is kept while its
 * folder is there, because a registry that is adopted listens where an earlier life of the app told it to.
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
    const said = (await readFile(saidIn, 'utf8').catch(() => '')).trim()
    const earlier = said === '' ? undefined : { path: said, elsewhere: true }
    if (earlier && (await makeSocketFolder(earlier, uid)).ok) return ok(earlier)
    const made = await makeSocketFolder(socket, uid)
    if (!made.ok) return made
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
    const found = await lstat(folder)
    if (!found.isDirectory() || (uid !== undefined && found.uid !== uid)) {
      return fail({ code: 'home-unusable', path: folder, reason: 'it belongs to another user' })
    }
    await chmod(folder, 0o700)
    return ok(socket)
  } catch (error) {
    return fail({ code: 'home-unusable', path: folder, reason: reasonOf(error) })
  }
}

/** The client's side: where the app of this home listens, if it runs. */
export function findControlSocket(home: string, env: Environment = process.env): ControlSocket {
  const socket = controlSocketPath(home, env)
  if (!socket.elsewhere) return socket
  try {
    const said = readFileSync(join(home, pointer), 'utf8').trim()
    return said === '' ? socket : { path: said, elsewhere: true }
  } catch {
    return socket
  }
}
