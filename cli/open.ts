import { homedir } from 'node:os'
import { writeAtomic } from '../lib/atomic-file.ts'
import { openInBrowser } from './browser.ts'
import { askDefaultBrowser, placeForPage } from './page-place.ts'
import { exitCode, type Verb } from './verb.ts'

/** Opens the dashboard in the system's browser, or with `print` prints a link that works once. */
export const open: Verb<{ print: boolean }> = async ({ out, client, home }, options) => {
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
  const page = await placeForPage({
    home,
    homeOfUser: homedir(),
    platform: process.platform,
    defaultBrowser: askDefaultBrowser,
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

export const redirectPage = (url: string): string =>
  `<!doctype html><meta charset="utf-8"><meta name="referrer" content="no-referrer"><meta http-equiv="refresh" content="0;url=${url
    .replaceAll('&', '&amp;')
    .replaceAll('"', '&quot;')}"><title>Zotbar</title>\n`
