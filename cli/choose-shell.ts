import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

export type Shell =
  | { kind: 'electron'; binary: string }
  /** `why` is told to the user in one line; absent when headless was asked for. */
  | { kind: 'headless'; why?: string }

/**
 * Electron where its program is installed and there is a screen, else headless, with the reason. `root` is the folder
 * of package.json. Looks for the file and never loads the electron package, which would start a download.
 */
export function chooseShell(options: {
  headless: boolean
  root: string
  env: Readonly<Record<string, string | undefined>>
  platform?: NodeJS.Platform
  uid?: number | undefined
}): Shell {
  const { headless, root, env, platform = process.platform, uid = process.getuid?.() } = options
  if (headless) return { kind: 'headless' }
  const binary = electronBinary(root, env)
  if (binary === undefined)
    return { kind: 'headless', why: 'Electron is not installed here, so Zotbar runs without a menu bar.' }
  if (platform !== 'darwin' && !env['DISPLAY'] && !env['WAYLAND_DISPLAY'])
    return { kind: 'headless', why: 'There is no screen here, so Zotbar runs without a menu bar.' }
  // Its pages run in Chromium's sandbox, which root does not get; going without it is not offered.
  if (platform === 'linux' && uid === 0)
    return { kind: 'headless', why: 'Electron keeps its sandbox for users other than root: no menu bar.' }
  return { kind: 'electron', binary }
}

function electronBinary(root: string, env: Readonly<Record<string, string | undefined>>): string | undefined {
  const package_ = join(root, 'node_modules', 'electron')
  const name = join(package_, 'path.txt')
  const inside = existsSync(name) ? readFileSync(name, 'utf8').trim() : 'electron'
  const folder = env['ELECTRON_OVERRIDE_DIST_PATH'] || (existsSync(name) ? join(package_, 'dist') : undefined)
  if (folder === undefined) return undefined
  const binary = join(folder, inside)
  return existsSync(binary) ? binary : undefined
}
