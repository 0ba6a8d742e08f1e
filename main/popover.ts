import type { BrowserWindow, Rectangle, Session } from 'electron'
import type { Clock } from '../lib/clock.ts'
import type { ElectronApi } from './electron-api.ts'
import { pagePreferences } from './navigation-guard.ts'
import { pageUrl } from './page-server.ts'
import { popoverBounds, popoverHeight, popoverWidth } from './placement.ts'

/** How long a closed popover is kept, in ms: a second look within it is instant, after it its memory is free. */
const keepHiddenMs = 30_000
/** A click on the icon first takes the focus, which hides the popover: that click means "close". */
const sameClick = 250

export interface Popover {
  /** Opens it under the icon, or closes it. */
  toggle(icon: Rectangle): void
  hide(): void
  /** Ends it at once; it is made again at the next toggle. */
  destroy(): void
}

export interface PopoverOptions {
  electron: Pick<ElectronApi, 'BrowserWindow' | 'screen'>
  session: Session
  preload: string
  packaged: boolean
  log(message: string, error?: unknown): void
  platform: NodeJS.Platform
  clock: Pick<Clock, 'now' | 'setTimer'>
}

/** The popover: made at the first click, hidden when it loses the focus, destroyed 30 s after it closed. */
export function createPopover(options: PopoverOptions): Popover {
  const { electron, session, preload, packaged, platform, clock, log } = options
  let window: BrowserWindow | undefined
  let icon: Rectangle = { x: 0, y: 0, width: 0, height: 0 }
  let hiddenAt = Number.NEGATIVE_INFINITY
  let cancelDestroy: (() => void) | undefined

  function position(target: BrowserWindow, wantedHeight: number): void {
    const point = icon.width > 0 ? { x: icon.x, y: icon.y } : electron.screen.getCursorScreenPoint()
    const area = electron.screen.getDisplayNearestPoint(point).workArea
    target.setBounds(popoverBounds(icon, area, popoverHeight(wantedHeight, area)))
  }

  function make(): BrowserWindow {
    const created = new electron.BrowserWindow({
      width: popoverWidth,
      height: 320,
      show: false,
      frame: false,
      resizable: false,
      minimizable: false,
      maximizable: false,
      fullscreenable: false,
      skipTaskbar: true,
      alwaysOnTop: true,
      title: 'Zotbar',
      // A panel takes the keyboard without bringing the app, or another space, to the front.
      ...(platform === 'darwin' ? { type: 'panel' } : {}),
      webPreferences: { ...pagePreferences(session, preload, packaged), enablePreferredSizeMode: true },
    })
    // Chromium itself measures what the page needs; the page has no call for it.
    created.webContents.on('preferred-size-changed', (_, size) => position(created, size.height))
    created.on('blur', () => hide())
    // Esc in the page closes its window: that hides it, so that the next look is instant.
    created.on('close', event => {
      event.preventDefault()
      hide()
    })
    created.on('closed', () => {
      if (window === created) window = undefined
    })
    created.once('ready-to-show', () => {
      if (window === created && cancelDestroy === undefined) reveal(created)
    })
    // State is all in the app: a page that crashed is dropped, and made again when it is asked for.
    created.webContents.on('render-process-gone', (_, details) => {
      log(`The popover's page is gone: ${details.reason}`)
      destroy()
    })
    created.loadURL(pageUrl('popover')).catch(error => {
      log('The popover cannot be loaded', error)
      destroy()
    })
    return created
  }

  function reveal(target: BrowserWindow): void {
    position(target, target.getBounds().height)
    target.show()
    target.focus()
  }

  function hide(): void {
    if (!window) return
    window.hide()
    hiddenAt = clock.now()
    cancelDestroy?.()
    cancelDestroy = clock.setTimer(hiddenAt + keepHiddenMs, destroy)
  }

  function destroy(): void {
    cancelDestroy?.()
    cancelDestroy = undefined
    const old = window
    window = undefined
    if (old && !old.isDestroyed()) old.destroy()
  }

  return {
    toggle(bounds) {
      icon = bounds
      if (window?.isVisible()) return hide()
      if (clock.now() - hiddenAt < sameClick) return
      cancelDestroy?.()
      cancelDestroy = undefined
      if (window) reveal(window)
      else window = make()
    },
    hide,
    destroy,
  }
}
