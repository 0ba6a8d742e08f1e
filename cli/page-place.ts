import { execFile } from 'node:child_process'
import { stat } from 'node:fs/promises'
import { join } from 'node:path'

interface Surroundings {
  home: string
  homeOfUser: string
  platform: NodeJS.Platform
  /** The desktop file of the default browser ("firefox_firefox.desktop"), or undefined. */
  defaultBrowser(): Promise<string | undefined>
}

/**
 * Where a page for the browser belongs: the home, or for a browser that came as a Snap, and may read no hidden folder of
 * the user, that Snap's own folder (its SNAP_USER_COMMON, snapcraft.io/docs/data-locations). A Flatpak is given the file
 * by its desktop entry.
 */
export async function placeForPage(surroundings: Surroundings): Promise<string> {
  const { home, homeOfUser, platform, defaultBrowser } = surroundings
  const inHome = join(home, 'open.html')
  if (platform !== 'linux') return inHome
  // A Snap's desktop file is named SNAP_APP.desktop.
  const snap = /^([a-z0-9_-]+)_[^_/]+\.desktop$/.exec((await defaultBrowser()) ?? '')?.[1]
  if (snap === undefined) return inHome
  const folder = join(homeOfUser, 'snap', snap, 'common')
  const found = await stat(folder).catch(() => undefined)
  return found?.isDirectory() && found.uid === process.getuid?.() ? join(folder, 'zotbar-open.html') : inHome
}

/** As xdg-open will choose it; undefined where nobody knows within 2 s. */
export function askDefaultBrowser(): Promise<string | undefined> {
  return new Promise(resolve => {
    execFile('xdg-settings', ['get', 'default-web-browser'], { timeout: 2000 }, (error, stdout) =>
      resolve(error ? undefined : stdout.trim()),
    )
  })
}
