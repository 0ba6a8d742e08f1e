import { EventEmitter } from 'node:events'
import type { BrowserWindow, WebContents } from 'electron'

export interface Size {
  width: number
  height: number
}
export interface Box extends Size {
  x: number
  y: number
}
export interface FakeFrame {
  url: string
  parent: FakeFrame | null
}

/** An event whose default can be prevented. */
export const anEvent = () => ({
  prevented: false,
  preventDefault() {
    this.prevented = true
  },
})

/** Electron's message for any method of an object whose native side is gone (shell/common/gin_helper/wrappable.cc). */
export const refuseDestroyed = (destroyed: boolean): void => {
  if (destroyed) throw new TypeError('Object has been destroyed')
}

/** Fails to compile where the stand-in has a member, not among `Own`, that Electron's class does not have. */
export type OnlyNamesOf<Real, Fake, Own extends string> =
  Exclude<keyof Fake, keyof Real | Own> extends never ? true : Exclude<keyof Fake, keyof Real | Own>

export class FakeContents extends EventEmitter {
  sent: unknown[][] = []
  url = ''
  openHandler: ((details: { url: string }) => { action: string }) | undefined
  webRtc = ''
  frame: FakeFrame = { url: '', parent: null }
  session: unknown
  reloads = 0
  destroyed = false
  reload() {
    refuseDestroyed(this.destroyed)
    this.reloads += 1
  }
  getURL(): string {
    refuseDestroyed(this.destroyed)
    return this.url
  }
  /** Values are cloned as by the structured clone algorithm, which throws for what it cannot (docs/api/web-contents.md). */
  send(channel: string, ...parts: unknown[]): void {
    refuseDestroyed(this.destroyed)
    this.sent.push([channel, ...parts.map(part => structuredClone(part))])
  }
  setWindowOpenHandler(handler: NonNullable<FakeContents['openHandler']>): void {
    this.openHandler = handler
  }
  setWebRTCIPHandlingPolicy(policy: string): void {
    this.webRtc = policy
  }
  isDestroyed(): boolean {
    return this.destroyed
  }
}

export class FakeWindow extends EventEmitter {
  readonly webContents = new FakeContents()
  readonly options: Record<string, unknown>
  visible = false
  destroyed = false
  focused = false
  bounds: Box
  title = ''
  readonly #closed: () => void

  /** `closed` is called after the window is gone, as Electron counts its windows. */
  constructor(options: Record<string, unknown> & Partial<Size>, closed: () => void) {
    super()
    this.options = options
    this.bounds = { x: 0, y: 0, width: options.width ?? 800, height: options.height ?? 600 }
    // A window is shown unless it says otherwise (docs/api/browser-window.md, `show`).
    this.visible = options['show'] !== false
    this.webContents.session = Object(options['webPreferences']).session
    this.#closed = closed
  }

  #live(): void {
    refuseDestroyed(this.destroyed)
  }
  async loadURL(url: string): Promise<void> {
    this.#live()
    this.webContents.url = url
    this.webContents.frame.url = url
  }
  show(): void {
    this.#live()
    if (this.visible) return
    this.visible = true
    this.emit('show')
  }
  focus(): void {
    this.#live()
    if (this.focused || !this.visible) return
    this.focused = true
    this.emit('focus')
  }
  /** A window that is hidden loses the focus, and says so (native_window_mac.mm, windowDidResignKey). */
  hide(): void {
    this.#live()
    if (!this.visible) return
    this.visible = false
    this.blur()
    this.emit('hide')
  }
  blur(): void {
    this.#live()
    if (!this.focused) return
    this.focused = false
    this.emit('blur')
  }
  setTitle(title: string): void {
    this.#live()
    this.title = title
  }
  restore(): void {
    this.#live()
  }
  isMinimized(): boolean {
    this.#live()
    return false
  }
  isVisible(): boolean {
    this.#live()
    return this.visible
  }
  isDestroyed(): boolean {
    return this.destroyed
  }
  getBounds(): Box {
    this.#live()
    return this.bounds
  }
  setBounds(bounds: Box): void {
    this.#live()
    this.bounds = bounds
  }
  /** What a person or a page does: asks, unless it is prevented. */
  close(): void {
    this.#live()
    const event = anEvent()
    this.emit('close', event)
    if (!event.prevented) this.destroy()
  }
  /** No `close`, only `closed` (docs/api/browser-window.md, win.destroy). */
  destroy(): void {
    if (this.destroyed) return
    this.destroyed = true
    this.visible = false
    this.focused = false
    this.webContents.destroyed = true
    this.emit('closed')
    this.webContents.emit('destroyed')
    this.#closed()
  }
}

const namesOfWindow: OnlyNamesOf<
  BrowserWindow,
  FakeWindow,
  'options' | 'visible' | 'destroyed' | 'focused' | 'bounds'
> = true
const namesOfContents: OnlyNamesOf<
  WebContents,
  FakeContents,
  'sent' | 'url' | 'openHandler' | 'webRtc' | 'frame' | 'reloads' | 'destroyed'
> = true
void [namesOfWindow, namesOfContents]
