import type { BrowserWindow, Rectangle, Session } from 'electron'
import type { Clock } from '../lib/clock.ts'
import type { ElectronApi } from './electron-api.ts'
import { pagePreferences } from './navigation-guard.ts'
import { pageUrl } from './page-server.ts'

/** A closed popover is destroyed after this time, in ms; until then it opens again at once. */
const hiddenLifetimeMs = 30_000
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
  /** Whether a native question stands on the window, which goes away with it. */
  isAsked(window: BrowserWindow): boolean
}

/** The popover: made at the first click, hidden when it loses the focus, destroyed 30 s after it closed. */
export function createPopover(options: PopoverOptions): Popover {
  const { electron, session, preload, packaged, platform, clock, isAsked, log } = options
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
    // State is all in the core: a page that crashed is dropped, and made again when it is asked for.
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
    if (!window || isAsked(window)) return
    window.hide()
    hiddenAt = clock.now()
    cancelDestroy?.()
    cancelDestroy = clock.setTimer(hiddenAt + hiddenLifetimeMs, destroy)
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

export interface Box {
  x: number
  y: number
  width: number
  height: number
}

const gap = 6
const edge = 8
const popoverWidth = 360
const heights = { least: 120, most: 760 }

/**
 * The popover's height for the height that its page asks for: between 120 and 760 points, and within the screen,
 * because the page is not trusted.
 */
export function popoverHeight(wanted: number, area: Box): number {
  const maxHeight = Math.max(heights.least, Math.min(heights.most, area.height - 2 * edge))
  return Number.isFinite(wanted)
    ? Math.round(Math.min(maxHeight, Math.max(heights.least, wanted)))
    : heights.least
}

/**
 * Where the popover stands: centred under the tray icon, or above it where the bar is at the bottom, and
 * within the display's work area. An icon of no size (some Linux trays report none) puts it top right.
 */
export function popoverBounds(icon: Box, area: Box, height: number): Box {
  const width = popoverWidth
  const known = icon.width > 0 && icon.height > 0
  const wantedX = known ? icon.x + icon.width / 2 - width / 2 : area.x + area.width - width - edge
  const x = clamp(wantedX, area.x + edge, area.x + area.width - width - edge)
  const below = !known || icon.y + icon.height / 2 < area.y + area.height / 2
  const wantedY = !known ? area.y + edge : below ? icon.y + icon.height + gap : icon.y - gap - height
  const y = clamp(wantedY, area.y, area.y + area.height - height)
  return { x: Math.round(x), y: Math.round(y), width, height }
}

const clamp = (value: number, least: number, max: number): number =>
  Math.max(least, Math.min(Math.max(least, max), value))
