import type { Session, WebContents } from 'electron'
import type { ElectronApi } from './electron-api.ts'
import { type PageServer, pageOrigin, pageScheme } from './page-server.ts'

/** No request leaves by it: a proxy at a port that nobody listens at, for loopback addresses too. */
const nowhere = { proxyRules: 'http://127.0.0.1:9', proxyBypassRules: '<-loopback>' }

/** Before Electron is ready: our scheme behaves like https, and no session reaches anything unless it is let to. */
export function guardApp({ app, protocol }: Pick<ElectronApi, 'app' | 'protocol'>): void {
  protocol.registerSchemesAsPrivileged([
    { scheme: pageScheme, privileges: { standard: true, secure: true, supportFetchAPI: true } },
  ])
  app.enableSandbox()
  // The app's own HTTP is Node's. Chromium has no reason to reach anything but while somebody signs in.
  app.on('session-created', session => {
    session.webRequest.onBeforeRequest((_, answer) => answer({ cancel: true }))
  })
  app.commandLine.appendSwitch('disable-background-networking')
  app.commandLine.appendSwitch('no-pings')
}

/** What a page of ours may ask of the system. */
const granted = 'clipboard-sanitized-write'

/**
 * A session kept in memory whose pages come from `serve` and reach nothing else: no network, no permission
 * but writing text to the clipboard, no device, no screen, no download.
 */
export function guardedSession(
  { session }: Pick<ElectronApi, 'session'>,
  serve: PageServer,
  packaged: boolean,
): Session {
  const fenced = session.fromPartition('zotbar', { cache: false })
  // Not even a name is looked up for it.
  fenced.setProxy(nowhere).catch(() => {})
  fenced.protocol.handle(pageScheme, serve)
  fenced.webRequest.onBeforeRequest((details, answer) => {
    answer({ cancel: !(isOwn(details.url) || (!packaged && details.url.startsWith('devtools:'))) })
  })
  fenced.setPermissionRequestHandler((contents, permission, answer) => {
    answer(permission === granted && isOwn(contents.getURL()))
  })
  fenced.setPermissionCheckHandler(
    (_, permission, origin) => permission === granted && isOwn(`${origin.replace(/\/$/, '')}/`),
  )
  fenced.setDevicePermissionHandler(() => false)
  fenced.setDisplayMediaRequestHandler(null)
  fenced.setSpellCheckerEnabled(false)
  fenced.on('will-download', event => event.preventDefault())
  return fenced
}

/**
 * Every page of the app, whoever made it, stays where it is: no navigation, no new window, no webview. But a page that
 * `mayMove`, of the sign-in, goes where its own fence lets it.
 */
export function guardContents(
  { app }: Pick<ElectronApi, 'app'>,
  mayMove: (contents: WebContents) => boolean = () => false,
): void {
  app.on('web-contents-created', (_, contents) => {
    if (!mayMove(contents)) {
      contents.on('will-frame-navigate', details => details.preventDefault())
      contents.on('will-redirect', details => details.preventDefault())
    }
    contents.on('will-attach-webview', event => event.preventDefault())
    contents.setWindowOpenHandler(() => ({ action: 'deny' }))
    contents.setWebRTCIPHandlingPolicy('disable_non_proxied_udp')
  })
}

/** What no page may do, whosever it is. */
export const guardedPage = {
  sandbox: true,
  contextIsolation: true,
  nodeIntegration: false,
  nodeIntegrationInWorker: false,
  nodeIntegrationInSubFrames: false,
  webSecurity: true,
  webviewTag: false,
  spellcheck: false,
  navigateOnDragDrop: false,
  devTools: false,
} as const

/** What every window of ours is made with. */
export function pagePreferences(fenced: Session, preload: string, packaged: boolean) {
  return { ...guardedPage, session: fenced, preload, devTools: !packaged }
}

/** True for a page of ours; a frame's own address, never what the page says about itself. */
export const isOwn = (url: string): boolean => url.startsWith(`${pageOrigin}/`)
