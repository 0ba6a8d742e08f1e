import { createHash } from 'node:crypto'
import { existsSync, lstatSync, readdirSync, readFileSync, realpathSync } from 'node:fs'
import { homedir } from 'node:os'
import { basename, dirname, isAbsolute, join, resolve } from 'node:path'

type Environment = Readonly<Record<string, string | undefined>>

interface Surroundings {
  env?: Environment
  platform?: NodeJS.Platform
  homeOfUser?: string
}

/** The folder with all of Zotbar's own state: ZOTBAR_HOME, or the platform's place for such data. Absolute. */
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

/** What Zotbar makes in its home, by name. Nothing else is given another mode. */
export const ownFiles = [
  'admin.json',
  'app.lock',
  'control.path',
  'engines.json',
  'folder.json',
  'open-registry.json',
  'home.json',
  'journal.jsonl',
  'keys.json',
  'known_hosts',
  'last-config.json',
  'manifests.json',
  'notices.json',
  'open.html',
  'outbox.json',
  'samples.json',
  'schedule.json',
  'sessions.json',
  'settings.json',
]
export const ownFolders = [
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
 * What keeps a folder without a mark from being a new home, sorted. A first start that broke off leaves names of ours,
 * and what we make is closed to others from its beginning; only a zot may have been laid there by hand before. Throws as
 * the file system does.
 */
export function foreignIn(folder: string): string[] {
  const foreign: string[] = []
  for (const name of contentOf(folder)) {
    const path = join(folder, name)
    const isClosed = (lstatSync(path).mode & 0o077) === 0
    const isOwn = isClosed && (isOwnFile(name) || ownFolders.includes(name))
    if (!isOwn && !(name === 'engines' && holdsOnlyZot(path))) foreign.push(name)
  }
  return foreign
}

/** Also while it is being put in place, or its place is decided: another start may be at work in a new home. */
const isOwnFile = (name: string): boolean =>
  ownFiles.some(own => name === own || name.startsWith(`.${own}.`) || name.startsWith(`${own}.after-`))

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

export interface ControlSocket {
  path: string
  /** The home's own path is too long for a socket; it lies in a 0700 folder under the temporary folder. */
  elsewhere: boolean
}

/** sockaddr_un has room for 104 bytes on macOS and 108 on Linux, the closing zero included. */
const longestSocketPath = 100

/** Where the control socket of a home belongs. */
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
  const folder = join(env['TMPDIR'] || '/tmp', socketFolderName(realPath(home), uid))
  return { path: join(folder, basename(path)), elsewhere: true }
}

const socketFolderName = (home: string, uid: number): string => `zotbar-${uid}-${hashOf(home)}`
const hashOf = (home: string): string => createHash('sha256').update(home).digest('hex').slice(0, 16)

/**
 * Whether a socket's path, read from a file in a home, is that of this home: the file may have come with a copy of
 * another one, whose core or registry would answer there. An older Zotbar named the folder by the path as it was given.
 */
export function isSocketOfHome(path: string, home: string): boolean {
  const folder = basename(dirname(path))
  return [realPath(home), home].some(own => folder.endsWith(`-${hashOf(own)}`))
}

function realPath(path: string): string {
  try {
    return realpathSync(path)
  } catch {
    return path
  }
}

/** Says in the home where its socket is, for a command line that runs with another temporary folder. */
export const pointer = 'control.path'

/** The client's side: where the core of this home listens, if it runs. */
export function findControlSocket(home: string, env: Environment = process.env): ControlSocket {
  const socket = controlSocketPath(home, env)
  if (!socket.elsewhere) return socket
  try {
    const pointedTo = readFileSync(join(home, pointer), 'utf8').trim()
    return !isSocketOfHome(pointedTo, home) ? socket : { path: pointedTo, elsewhere: true }
  } catch {
    return socket
  }
}
