import type { Session } from 'electron'
import type { ElectronApi } from './electron-api.ts'
import { type PageServer, pageOrigin, pageScheme } from './page-server.ts'

/** Before Electron is ready: our scheme behaves like https, and Chromium resolves no name at all. */
export function fenceApp({ app, protocol }: Pick<ElectronApi, 'app' | 'protocol'>): void {
  protocol.registerSchemesAsPrivileged([
    { scheme: pageScheme, privileges: { standard: true, secure: true, supportFetchAPI: true } },
  ])
  app.enableSandbox()
  // The app's own HTTP is Node's. Chromium has no reason to reach anything, so no address resolves for it.
  app.commandLine.appendSwitch('host-resolver-rules', 'MAP * ~NOTFOUND')
  app.commandLine.appendSwitch('disable-background-networking')
  app.commandLine.appendSwitch('no-pings')
}

/** What a page of ours may ask of the system. */
const granted = 'clipboard-sanitized-write'

/**
 * A session kept in memory whose pages come from `serve` and reach nothing else: no network, no permission
 * but writing text to the clipboard, no device, no screen, no download.
 */
export function fencedSession(
  { session }: Pick<ElectronApi, 'session'>,
  serve: PageServer,
  packaged: boolean,
): Session {
  const fenced = session.fromPartition('zotbar', { cache: false })
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

/** Every page of the app, whoever made it, stays where it is: no navigation, no new window, no webview. */
export function fenceContents({ app }: Pick<ElectronApi, 'app'>): void {
  app.on('web-contents-created', (_, contents) => {
    contents.on('will-frame-navigate', details => details.preventDefault())
    contents.on('will-redirect', details => details.preventDefault())
    contents.on('will-attach-webview', event => event.preventDefault())
    contents.setWindowOpenHandler(() => ({ action: 'deny' }))
    contents.setWebRTCIPHandlingPolicy('disable_non_proxied_udp')
  })
}

/** What every window of ours is made with. */
export function pagePreferences(fenced: Session, preload: string, packaged: boolean) {
  return {
    session: fenced,
    preload,
    sandbox: true,
    contextIsolation: true,
    nodeIntegration: false,
    nodeIntegrationInWorker: false,
    nodeIntegrationInSubFrames: false,
    webSecurity: true,
    webviewTag: false,
    spellcheck: false,
    navigateOnDragDrop: false,
    devTools: !packaged,
  } as const
}

/** True for a page of ours; a frame's own address, never what the page says about itself. */
export const isOwn = (url: string): boolean => url.startsWith(`${pageOrigin}/`)
