import type { BrowserWindow, Session } from 'electron'
import type { ElectronApi } from './electron-api.ts'
import { pagePreferences } from './navigation-guard.ts'
import { pageUrl } from './page-server.ts'

export interface MainWindow {
  /** Makes the window, or brings it to the front; at a view, where one is named. */
  open(view?: 'keys' | 'upgrade' | 'run'): void
  /** Opens it and resolves once it is on the screen: for what needs a parent. Undefined where it cannot be shown. */
  onScreen(): Promise<BrowserWindow | undefined>
  destroy(): void
}

export interface MainWindowOptions {
  electron: Pick<ElectronApi, 'BrowserWindow'>
  session: Session
  preload: string
  packaged: boolean
  log(message: string, error?: unknown): void
}

/** The window: made when it is asked for, gone when it is closed. It holds no state of its own. */
export function createMainWindow({
  electron,
  session,
  preload,
  packaged,
  log,
}: MainWindowOptions): MainWindow {
  let window: BrowserWindow | undefined

  function destroy(): void {
    const old = window
    window = undefined
    if (old && !old.isDestroyed()) old.destroy()
  }

  /** Another fragment of the page that is shown changes its view and loads nothing. */
  function load(into: BrowserWindow, url: string): void {
    into.loadURL(url).catch(error => {
      log('The window cannot be loaded', error)
      destroy()
    })
  }

  function open(view?: 'keys' | 'upgrade' | 'run'): void {
    const url = `${pageUrl('window')}${view === undefined ? '' : `#${view}`}`
    if (window) {
      if (window.isMinimized()) window.restore()
      window.show()
      window.focus()
      if (view !== undefined) load(window, url)
      return
    }
    const created = new electron.BrowserWindow({
      width: 960,
      height: 640,
      minWidth: 820,
      minHeight: 560,
      show: false,
      title: 'Zotbar',
      webPreferences: pagePreferences(session, preload, packaged),
    })
    window = created
    created.once('ready-to-show', () => {
      created.show()
      created.focus()
    })
    created.on('closed', () => {
      if (window === created) window = undefined
    })
    // State is all in the core: a page that crashed is dropped, and made again when it is asked for.
    created.webContents.on('render-process-gone', (_, details) => {
      log(`The window's page is gone: ${details.reason}`)
      destroy()
    })
    load(created, url)
  }

  return {
    open,
    onScreen() {
      open()
      const opened = window
      if (opened === undefined || opened.isVisible()) return Promise.resolve(opened)
      return new Promise(resolve => {
        const isShown = (): void => resolve(opened)
        // One that was minimized is restored, and not shown.
        opened.once('show', isShown).once('restore', isShown).once('focus', isShown)
        opened.once('closed', () => resolve(undefined))
      })
    },
    destroy,
  }
}
