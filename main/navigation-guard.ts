import type { Session, WebContents } from 'electron'
import type { ElectronApi } from './electron-api.ts'
import { type PageServer, pageOrigin, pageScheme } from './page-server.ts'

/** A proxy at a port where nothing listens, for loopback addresses too: no request leaves by it. */
const nowhere = { proxyRules: 'http://127.0.0.1:9', proxyBypassRules: '<-loopback>' }

/** Called before Electron is ready: our scheme behaves like https, and no session sends a request unless a guard allows it. */
export function guardApp({ app, protocol }: Pick<ElectronApi, 'app' | 'protocol'>): void {
  protocol.registerSchemesAsPrivileged([
    { scheme: pageScheme, privileges: { standard: true, secure: true, supportFetchAPI: true } },
  ])
  app.enableSandbox()
  // The app's own requests are Node's: Chromium needs the network only for the sign-in.
  app.on('session-created', session => {
    session.webRequest.onBeforeRequest((_, answer) => answer({ cancel: true }))
  })
  app.commandLine.appendSwitch('disable-background-networking')
  app.commandLine.appendSwitch('no-pings')
}

/** The one permission that our pages have. */
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
  const guarded = session.fromPartition('zotbar', { cache: false })
  // Without it Chromium would still resolve names.
  guarded.setProxy(nowhere).catch(() => {})
  guarded.protocol.handle(pageScheme, serve)
  guarded.webRequest.onBeforeRequest((details, answer) => {
    answer({ cancel: !(isOwn(details.url) || (!packaged && details.url.startsWith('devtools:'))) })
  })
  guarded.setPermissionRequestHandler((contents, permission, answer) => {
    answer(permission === granted && isOwn(contents.getURL()))
  })
  guarded.setPermissionCheckHandler(
    (_, permission, origin) => permission === granted && isOwn(`${origin.replace(/\/$/, '')}/`),
  )
  guarded.setDevicePermissionHandler(() => false)
  guarded.setDisplayMediaRequestHandler(null)
  guarded.setSpellCheckerEnabled(false)
  guarded.on('will-download', event => event.preventDefault())
  return guarded
}

/**
 * Every page of the app, whoever made it, stays where it is: no navigation, no new window, no webview. But a page that
 * `mayMove`, of the sign-in, goes where the guard of the sign-in lets it.
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

/** The preferences that every page has, ours or not. */
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

/** The preferences of our own windows. */
export function pagePreferences(session: Session, preload: string, packaged: boolean) {
  return { ...guardedPage, session, preload, devTools: !packaged }
}

/** True for a page of ours; a frame's own address, never what the page says about itself. */
export const isOwn = (url: string): boolean => url.startsWith(`${pageOrigin}/`)
