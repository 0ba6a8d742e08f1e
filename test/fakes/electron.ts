import { EventEmitter } from 'node:events'
import type { Dialog, IpcMain, Notification, Tray } from 'electron'
import type { ElectronApi } from '../../main/electron-api.ts'
import { fakeApp } from './electron-app.ts'
import { fakeSession } from './electron-session.ts'
import {
  type Box,
  type FakeContents,
  FakeWindow,
  type OnlyNamesOf,
  refuseDestroyed,
  type Size,
} from './electron-window.ts'

export { anEvent, FakeContents } from './electron-window.ts'

interface NotificationText {
  title: string
  body: string
  actions?: { type: string; text: string }[]
}

interface MessageBox {
  message: string
  detail?: string
  buttons: string[]
  cancelId?: number
  signal?: AbortSignal
}

interface Options {
  platform?: NodeJS.Platform
  /** False: most of Electron refuses to be used until `becomeReady` was called. */
  ready?: boolean
  /** The app ends with this code. */
  ended?(code: number): void
}

/**
 * Just the calls of Electron that the app uses, with what was done to them, and the rules of the real one: each with the
 * file of Electron 41 that has it, or its documentation.
 */
export function fakeElectron({ platform = 'darwin', ready = true, ended = () => {} }: Options = {}) {
  const windows: FakeWindow[] = []
  const trays: FakeTray[] = []
  const notes: FakeNotification[] = []
  let isReady = ready
  const done = {
    clipboard: [] as string[],
    opened: [] as string[],
    exits: [] as number[],
    questions: [] as (MessageBox & { parent: FakeWindow | undefined })[],
    answers: [] as (number | 'never')[],
    schemes: [] as { scheme: string }[],
    defaults: {} as Record<string, unknown>,
    partition: '',
  }
  const { app, seen, windowClosed } = fakeApp({
    windows,
    platform,
    isReady: () => isReady,
    ended(code) {
      done.exits.push(code)
      ended(code)
    },
  })
  const refuseBeforeReady = (message: string): void => {
    if (!isReady) throw new Error(message)
  }

  class FakeBrowserWindow extends FakeWindow {
    static fromWebContents(contents: unknown) {
      return windows.find(window => window.webContents === contents && !window.destroyed) ?? null
    }
    constructor(options: Record<string, unknown> & Partial<Size>) {
      // electron_api_browser_window.cc.
      refuseBeforeReady('Cannot create BrowserWindow before app is ready')
      super(options, windowClosed)
      windows.push(this)
      app.emit('web-contents-created', {}, this.webContents)
    }
  }

  class FakeTray extends EventEmitter {
    tooltip = ''
    images: string[] = []
    menu: FakeMenu | undefined
    destroyed = false
    #popped: WeakRef<FakeMenu> | undefined
    constructor(image: { file: string }) {
      // electron_api_tray.cc.
      refuseBeforeReady('Cannot create Tray before app is ready')
      super()
      this.images.push(image.file)
      trays.push(this)
    }
    /** Electron holds it weakly: a menu that nobody else holds may be collected, and does nothing then (electron#52247). */
    get popped(): FakeMenu | undefined {
      return this.#popped?.deref()
    }
    setImage(image: { file: string }): void {
      refuseDestroyed(this.destroyed)
      this.images.push(image.file)
    }
    setToolTip(text: string): void {
      refuseDestroyed(this.destroyed)
      this.tooltip = text
    }
    setContextMenu(menu: FakeMenu): void {
      refuseDestroyed(this.destroyed)
      this.menu = menu
    }
    popUpContextMenu(menu: FakeMenu): void {
      refuseDestroyed(this.destroyed)
      // docs/api/tray.md: macOS and Windows.
      if (platform === 'linux') throw new TypeError('tray.popUpContextMenu is not a function')
      this.#popped = new WeakRef(menu)
    }
    getBounds(): Box {
      refuseDestroyed(this.destroyed)
      return { x: 700, y: 0, width: 24, height: 24 }
    }
    destroy(): void {
      this.destroyed = true
    }
    isDestroyed(): boolean {
      return this.destroyed
    }
  }

  class FakeNotification extends EventEmitter {
    static isSupported = () => true
    shown = false
    readonly words: NotificationText
    constructor(words: NotificationText) {
      super()
      // electron_api_notification.cc.
      refuseBeforeReady('Cannot create Notification before app is ready')
      this.words = words
      notes.push(this)
    }
    show(): void {
      this.shown = true
      this.emit('show')
    }
  }

  const session = fakeSession()
  const sessions = new Map([['zotbar', session]])
  const opened = new Set<string>()
  const handlers = new Map<string, (...parts: unknown[]) => Promise<unknown>>()
  const ipc = Object.assign(new EventEmitter(), {
    handle(channel: string, handler: (...parts: unknown[]) => Promise<unknown>) {
      // lib/browser/ipc-main-impl.ts.
      if (handlers.has(channel)) throw new Error(`Attempted to register a second handler for '${channel}'`)
      handlers.set(channel, handler)
    },
    removeHandler: (channel: string) => handlers.delete(channel),
  })
  const dialog = {
    async showMessageBox(first: FakeWindow | MessageBox, second?: MessageBox) {
      // lib/browser/api/dialog.ts, checkAppInitialized.
      refuseBeforeReady('dialog module can only be used after app is ready')
      const parent = first instanceof FakeWindow ? first : undefined
      const box = first instanceof FakeWindow ? second : first
      if (!box) throw new TypeError('Options must be an object')
      refuseDestroyed(parent?.destroyed === true)
      // message_box_mac.mm: without a parent it runs [alert runModal], and no JavaScript runs until it is answered.
      if (platform === 'darwin' && !parent)
        throw new Error('a message box without a parent stops the process on macOS')
      done.questions.push({ ...box, parent })
      const answer = done.answers.shift() ?? 0
      if (answer !== 'never') return { response: answer, checkboxChecked: false }
      // docs/api/dialog.md: an aborted signal answers as if it was cancelled.
      const { promise, resolve } = Promise.withResolvers<{ response: number; checkboxChecked: boolean }>()
      box.signal?.addEventListener('abort', () =>
        resolve({ response: box.cancelId ?? 0, checkboxChecked: false }),
      )
      return promise
    },
  }
  const api = {
    app,
    BrowserWindow: FakeBrowserWindow,
    Tray: FakeTray,
    Notification: FakeNotification,
    Menu: {
      buildFromTemplate: (rows: FakeMenu['rows']): FakeMenu => ({ rows }),
      setApplicationMenu: () => {},
    },
    nativeImage: {
      createFromPath: (file: string) => ({ file: file.replace(/^.*\//, ''), setTemplateImage: () => {} }),
    },
    clipboard: {
      writeText: (text: string) => done.clipboard.push(text),
      readText: () => done.clipboard.at(-1) ?? '',
      clear: () => done.clipboard.push(''),
    },
    dialog,
    shell: {
      openPath: async (path: string) => {
        done.opened.push(path)
        return ''
      },
    },
    screen: {
      getCursorScreenPoint: () => {
        // lib/browser/api/screen.ts.
        refuseBeforeReady("The 'screen' module can't be used before the app 'ready' event")
        return { x: 0, y: 0 }
      },
      getDisplayNearestPoint: () => ({ workArea: { x: 0, y: 25, width: 1440, height: 875 } }),
    },
    powerMonitor: new EventEmitter(),
    systemPreferences: {
      setUserDefault(key: string, _type: string, value: unknown) {
        // docs/api/system-preferences.md: macOS.
        if (platform !== 'darwin') throw new TypeError('systemPreferences.setUserDefault is not a function')
        done.defaults[key] = value
      },
    },
    protocol: {
      registerSchemesAsPrivileged: (all: { scheme: string }[]) => {
        // electron_api_protocol.cc; docs/api/protocol.md: once.
        if (isReady)
          throw new Error('protocol.registerSchemesAsPrivileged should be called before app is ready')
        if (done.schemes.length > 0) throw new Error('privileged schemes can be registered only once')
        done.schemes = all
      },
    },
    session: {
      fromPartition: (name: string) => {
        // electron_api_session.cc.
        refuseBeforeReady('Session can only be received when app is ready')
        const isNew = !opened.has(name)
        done.partition = name
        const found = sessions.get(name) ?? fakeSession()
        sessions.set(name, found)
        opened.add(name)
        if (isNew) app.emit('session-created', found)
        return found
      },
    },
  }
  const named: [
    OnlyNamesOf<Dialog, typeof dialog, never>,
    OnlyNamesOf<Tray, FakeTray, 'tooltip' | 'images' | 'menu' | 'popped' | 'destroyed'>,
    OnlyNamesOf<Notification, FakeNotification, 'shown' | 'words'>,
    OnlyNamesOf<ElectronApi, typeof api, never>,
  ] = [true, true, true, true]
  void named

  return {
    // Every name is Electron's, see above; the whole of its types is too much for a stand-in to have.
    electron: api as unknown as ElectronApi,
    ipcMain: ipc as unknown as IpcMain,
    app,
    becomeReady: () => {
      isReady = true
    },
    power: api.powerMonitor,
    session,
    /** By partition. */
    sessions,
    windows,
    trays,
    notes,
    done,
    /** What was done to the app. */
    seenOfApp: seen,
    /** What a page does: a call, or a message, from a frame of a window. What crosses is cloned, both ways. */
    invoke: async (contents: FakeContents, channel: string, ...parts: unknown[]) =>
      structuredClone(
        await handlers.get(channel)?.(
          { sender: contents, senderFrame: contents.frame },
          ...structuredClone(parts),
        ),
      ),
    post: (contents: FakeContents, channel: string, ...parts: unknown[]) =>
      ipc.emit(channel, { sender: contents, senderFrame: contents.frame }, ...structuredClone(parts)),
  }
}

export interface FakeMenu {
  rows: { label?: string; type?: string; enabled?: boolean; checked?: boolean; click?: () => void }[]
}
