import { execFile, spawn } from 'node:child_process'
import { stat } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { count } from '../contract/messages/format.ts'
import { writeAtomic } from '../lib/atomic-file.ts'
import { errorCode } from '../lib/error-code.ts'
import { type ExitCode, exitCode } from './output.ts'
import type { Verb, VerbContext } from './verb.ts'

/** Opens the dashboard in the system's browser, or with `print` prints a link that works once. */
export const open: Verb<{ print: boolean; revokeAll: boolean }> = async (context, options) => {
  const { out, client, home } = context
  if (options.revokeAll) return revokeAll(context)
  const link = await client.zotbar.app.dashboardLink({})
  if (!link.ok) return out.failure(link.error)
  const { url } = link.value
  if (options.print) {
    out.object({ url })
    out.line(url)
    return exitCode.done
  }
  // The link holds a token, and every user of the machine can read the arguments of a process: the browser is
  // given a page that only this user can read and that goes on to the link.
  const page = await pagePath({
    home,
    homeOfUser: homedir(),
    platform: process.platform,
    defaultBrowser: findDefaultBrowser,
  })
  await writeAtomic(page, redirectPage(url))
  const reason = await openInBrowser(page)
  if (reason !== undefined) return out.failure({ code: 'no-browser', reason, url })
  out.object({ opened: true })
  out.line(
    'Opened in the browser. If nothing appears there, or it may not read its page: zotbar open --print',
  )
  return exitCode.done
}

/** Ends every session of the dashboard, and every link that was not used. */
async function revokeAll({ out, client }: VerbContext): Promise<ExitCode> {
  const revoked = await client.zotbar.app.revokeSessions({})
  if (!revoked.ok) return out.failure(revoked.error)
  out.object(revoked.value)
  out.line(
    `Ended ${count(revoked.value.sessions, 'session')} of the dashboard, and every link that was not used. A fresh link: zotbar open`,
  )
  return exitCode.done
}

export const redirectPage = (url: string): string =>
  `<!doctype html><meta charset="utf-8"><meta name="referrer" content="no-referrer"><meta http-equiv="refresh" content="0;url=${url
    .replaceAll('&', '&amp;')
    .replaceAll('"', '&quot;')}"><title>Zotbar</title>\n`

/**
 * Opens a file with the system's opener, without a shell. Resolves with why it could not, or undefined. The opener is
 * given 10 s: some stay for as long as the browser does.
 */
export function openInBrowser(
  file: string,
  platform: NodeJS.Platform = process.platform,
): Promise<string | undefined> {
  const command = platform === 'darwin' ? 'open' : 'xdg-open'
  return new Promise(resolve => {
    const child = spawn(command, [file], { stdio: 'ignore', detached: true })
    const timer = setTimeout(() => resolve(undefined), 10_000)
    child.on('error', error => {
      clearTimeout(timer)
      const missing = errorCode(error) === 'ENOENT'
      resolve(missing ? `There is no ${command}` : `${command} could not be started: ${error.message}`)
    })
    child.on('exit', code => {
      clearTimeout(timer)
      resolve(code === 0 ? undefined : `${command} ended with exit code ${code}`)
    })
    child.unref()
  })
}

interface PageOptions {
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
export async function pagePath(surroundings: PageOptions): Promise<string> {
  const { home, homeOfUser, platform, defaultBrowser } = surroundings
  const inHome = join(home, 'open.html')
  if (platform !== 'linux') return inHome
  // A Snap's desktop file is named SNAP_APP.desktop.
  const snap = /^([a-z0-9_-]+)_[^_/]+\.desktop$/.exec((await defaultBrowser()) ?? '')?.[1]
  if (snap === undefined) return inHome
  const folder = join(homeOfUser, 'snap', snap, 'common')
  const folderStatus = await stat(folder).catch(() => undefined)
  return folderStatus?.isDirectory() && folderStatus.uid === process.getuid?.()
    ? join(folder, 'zotbar-open.html')
    : inHome
}

/** As xdg-open will choose it; undefined where nobody knows within 2 s. */
export function findDefaultBrowser(): Promise<string | undefined> {
  return new Promise(resolve => {
    execFile('xdg-settings', ['get', 'default-web-browser'], { timeout: 2000 }, (error, stdout) =>
      resolve(error ? undefined : stdout.trim()),
    )
  })
}
