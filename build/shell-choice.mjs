// Which shell `npm start` runs: the menu-bar app where Electron can show itself, else the headless one.
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

const day = 24 * 60 * 60 * 1000
/** Options that only the headless shell has. */
const headlessOnly = ['--headless', '--json', '--dashboard-port']

/**
 * @param {{
 *   args: string[], platform: string, env: Record<string, string | undefined>, uid?: number,
 *   binary?: string, failedAt?: number, now: number,
 * }} facts  `binary`: path of Electron's program, where it is; `failedAt`: ms since the epoch of the last
 *   download that failed
 * @returns {{ shell: 'electron', binary: string } | { shell: 'download' } | { shell: 'headless', why?: string }}
 *   `why` is absent where headless was asked for
 */
export function chooseShell({ args, platform, env, uid, binary, failedAt, now }) {
  if (args.some(arg => headlessOnly.some(name => arg === name || arg.startsWith(`${name}=`))))
    return { shell: 'headless' }
  if (!hasScreen(platform, env))
    return { shell: 'headless', why: 'there is no screen (neither DISPLAY nor WAYLAND_DISPLAY is set)' }
  // Its pages run in Chromium's sandbox, which root does not get; going without it is not offered.
  if (platform === 'linux' && uid === 0)
    return { shell: 'headless', why: 'Electron keeps its sandbox for users other than root' }
  if (binary !== undefined) return { shell: 'electron', binary }
  if (env.ELECTRON_SKIP_BINARY_DOWNLOAD)
    return { shell: 'headless', why: 'Electron is not installed, and ELECTRON_SKIP_BINARY_DOWNLOAD is set' }
  if (failedAt !== undefined && now - failedAt < day && now >= failedAt)
    return { shell: 'headless', why: 'Electron could not be downloaded; it is tried again a day later' }
  return { shell: 'download' }
}

const hasScreen = (platform, env) =>
  platform === 'darwin' || platform === 'win32' || Boolean(env.DISPLAY || env.WAYLAND_DISPLAY)

/**
 * Path of Electron's program, or undefined where it was not downloaded. Read from its path.txt, as requiring
 * the package would start a download.
 */
export function electronBinary(root, env) {
  const folder = join(root, 'node_modules', 'electron')
  const note = join(folder, 'path.txt')
  const name = existsSync(note) ? readFileSync(note, 'utf8').trim() : undefined
  if (name === undefined && !env.ELECTRON_OVERRIDE_DIST_PATH) return undefined
  const path = join(env.ELECTRON_OVERRIDE_DIST_PATH || join(folder, 'dist'), name ?? 'electron')
  return existsSync(path) ? path : undefined
}

// Beside the packages, so that `npm ci` forgets it and a build does not.
const memory = root => join(root, 'node_modules', '.cache', 'zotbar-electron-failed')

/** When a download last failed, in ms since the epoch. */
export function lastFailure(root) {
  try {
    const at = Number(readFileSync(memory(root), 'utf8'))
    return Number.isFinite(at) ? at : undefined
  } catch {
    return undefined
  }
}

/** Remembers a failure, or forgets it (`undefined`). A folder that cannot be written only costs another try. */
export function rememberFailure(root, at) {
  try {
    if (at === undefined) rmSync(memory(root), { force: true })
    else {
      mkdirSync(dirname(memory(root)), { recursive: true })
      writeFileSync(memory(root), String(at))
    }
  } catch {}
}
