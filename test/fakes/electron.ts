import { EventEmitter } from 'node:events'
import type { IpcMain } from 'electron'
import type { ElectronApi } from '../../main/electron-api.ts'

type Size = { width: number; height: number }
type Box = Size & { x: number; y: number }
export interface FakeFrame {
  url: string
  parent: FakeFrame | null
}

export class FakeContents extends EventEmitter {
  sent: unknown[][] = []
  url = ''
  openHandler: ((details: { url: string }) => { action: string }) | undefined
  webRtc = ''
  frame: FakeFrame = { url: '', parent: null }
  session: unknown
  reloads = 0
  reload = () => {
    this.reloads += 1
  }
  getURL = () => this.url
  send = (...parts: unknown[]) => void this.sent.push(parts)
  setWindowOpenHandler = (handler: FakeContents['openHandler']) => {
    this.openHandler = handler
  }
  setWebRTCIPHandlingPolicy = (policy: string) => {
    this.webRtc = policy
  }
}

/** An event whose default can be prevented. */
export const anEvent = () => ({
  prevented: false,
  preventDefault() {
    this.prevented = true
  },
})

/** Just the calls of Electron that the shell uses, with what was done to them. */
interface NotificationText {
  title: string
  body: string
  actions?: { type: string; text: string }[]
}

export function fakeElectron() {
  const windows: FakeWindow[] = []
  const trays: FakeTray[] = []
  const notes: FakeNotification[] = []
  const done = {
    clipboard: [] as string[],
    opened: [] as string[],
    exits: [] as number[],
    questions: [] as { message: string; detail?: string; buttons: string[] }[],
    answers: [] as number[],
    switches: [] as string[],
    schemes: [] as { scheme: string }[],
    partition: '',
  }

  const app = Object.assign(new EventEmitter(), {
    isPackaged: false,
    focus: () => {},
    enableSandbox: () => done.switches.push('sandbox'),
    commandLine: { appendSwitch: (...parts: string[]) => done.switches.push(parts.join('=')) },
    quit: () => app.emit('before-quit', anEvent()),
    exit: (code: number) => done.exits.push(code),
  })

  class FakeWindow extends EventEmitter {
    webContents = new FakeContents()
    visible = false
    destroyed = false
    bounds: Box = { x: 0, y: 0, width: 0, height: 0 }
    readonly options: Record<string, unknown>
    constructor(options: Record<string, unknown> & Size) {
      super()
      this.options = options
      this.bounds = { x: 0, y: 0, width: options.width, height: options.height }
      this.webContents.session = Object(options['webPreferences']).session
      windows.push(this)
      app.emit('web-contents-created', {}, this.webContents)
    }
    loadURL = async (url: string) => {
      this.webContents.url = url
      this.webContents.frame.url = url
    }
    show = () => {
      this.visible = true
    }
    hide = () => {
      this.visible = false
    }
    title = ''
    setTitle = (title: string) => {
      this.title = title
    }
    focus = () => {}
    restore = () => {}
    isMinimized = () => false
    isVisible = () => this.visible
    isDestroyed = () => this.destroyed
    getBounds = () => this.bounds
    setBounds = (bounds: Box) => {
      this.bounds = bounds
    }
    /** What a person or a page does: asks, unless it is prevented. */
    close = () => {
      const event = anEvent()
      this.emit('close', event)
      if (!event.prevented) this.destroy()
    }
    destroy = () => {
      if (this.destroyed) return
      this.destroyed = true
      this.visible = false
      this.emit('closed')
      this.webContents.emit('destroyed')
    }
  }

  class FakeTray extends EventEmitter {
    tooltip = ''
    images: string[] = []
    menu: FakeMenu | undefined
    popped: FakeMenu | undefined
    constructor(image: { file: string }) {
      super()
      this.images.push(image.file)
      trays.push(this)
    }
    setImage = (image: { file: string }) => void this.images.push(image.file)
    setToolTip = (text: string) => {
      this.tooltip = text
    }
    setContextMenu = (menu: FakeMenu) => {
      this.menu = menu
    }
    popUpContextMenu = (menu: FakeMenu) => {
      this.popped = menu
    }
    getBounds = (): Box => ({ x: 700, y: 0, width: 24, height: 24 })
    destroy = () => {}
  }

  class FakeNotification extends EventEmitter {
    static isSupported = () => true
    shown = false
    readonly words: NotificationText
    constructor(words: NotificationText) {
      super()
      this.words = words
      notes.push(this)
    }
    show = () => {
      this.shown = true
    }
  }

  const session = fakeSession()
  const sessions = new Map([['zotbar', session]])
  const handlers = new Map<string, (...parts: unknown[]) => Promise<unknown>>()
  const ipc = Object.assign(new EventEmitter(), {
    handle: (channel: string, handler: (...parts: unknown[]) => Promise<unknown>) =>
      handlers.set(channel, handler),
    removeHandler: (channel: string) => handlers.delete(channel),
  })
  const api = {
    app,
    BrowserWindow: FakeWindow,
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
    dialog: {
      showMessageBox: async (question: (typeof done.questions)[number]) => {
        done.questions.push(question)
        return { response: done.answers.shift() ?? 0 }
      },
    },
    shell: {
      openPath: async (path: string) => {
        done.opened.push(path)
        return ''
      },
    },
    screen: {
      getCursorScreenPoint: () => ({ x: 0, y: 0 }),
      getDisplayNearestPoint: () => ({ workArea: { x: 0, y: 25, width: 1440, height: 875 } }),
    },
    powerMonitor: new EventEmitter(),
    protocol: {
      registerSchemesAsPrivileged: (all: { scheme: string }[]) => {
        done.schemes = all
      },
    },
    session: {
      fromPartition: (name: string) => {
        done.partition = name
        const found = sessions.get(name) ?? fakeSession()
        sessions.set(name, found)
        return found
      },
    },
  }
  return {
    electron: api as unknown as ElectronApi,
    ipcMain: ipc as unknown as IpcMain,
    app,
    power: api.powerMonitor,
    session,
    /** By partition. */
    sessions,
    windows,
    trays,
    notes,
    done,
    /** What a page does: a call, or a message, from a frame of a window. */
    invoke: (contents: FakeContents, channel: string, ...parts: unknown[]) =>
      handlers.get(channel)?.({ sender: contents, senderFrame: contents.frame }, ...parts),
    post: (contents: FakeContents, channel: string, ...parts: unknown[]) =>
      ipc.emit(channel, { sender: contents, senderFrame: contents.frame }, ...parts),
  }
}

export interface FakeMenu {
  rows: { label?: string; type?: string; enabled?: boolean; checked?: boolean; click?: () => void }[]
}

type Ask = (contents: FakeContents, permission: string, answer: (granted: boolean) => void) => void
type Verify = (
  request: { hostname: string; certificate: { data: string } },
  answer: (code: number) => void,
) => void
type Check = (contents: null, permission: string, origin: string) => boolean

function fakeSession() {
  const set = {
    serve: undefined as ((request: { url: string; method: string }) => Promise<Response>) | undefined,
    before: undefined as
      | ((details: { url: string; resourceType?: string }, answer: (to: { cancel: boolean }) => void) => void)
      | undefined,
    ask: undefined as Ask | undefined,
    check: undefined as Check | undefined,
    device: undefined as (() => boolean) | undefined,
    redirected: undefined as ((details: { url: string; redirectURL: string }) => void) | undefined,
    verify: undefined as Verify | undefined,
    proxy: '',
    cookies: [] as { name: string; value: string }[],
    /** How often it was emptied. */
    emptied: 0,
    spell: true,
  }
  return Object.assign(new EventEmitter(), {
    set,
    protocol: {
      handle: (_: string, serve: typeof set.serve) => {
        set.serve = serve
      },
    },
    webRequest: {
      onBeforeRequest: (listener: typeof set.before) => {
        set.before = listener
      },
      onBeforeRedirect: (listener: typeof set.redirected) => {
        set.redirected = listener
      },
    },
    cookies: { get: async () => set.cookies },
    clearStorageData: async () => {
      set.cookies = []
      set.emptied += 1
    },
    clearAuthCache: async () => {},
    closeAllConnections: async () => {},
    setProxy: async ({ proxyRules }: { proxyRules: string }) => {
      set.proxy = proxyRules
    },
    setCertificateVerifyProc: (verify: Verify) => {
      set.verify = verify
    },
    setPermissionRequestHandler: (handler: Ask) => {
      set.ask = handler
    },
    setPermissionCheckHandler: (handler: Check) => {
      set.check = handler
    },
    setDevicePermissionHandler: (handler: () => boolean) => {
      set.device = handler
    },
    setDisplayMediaRequestHandler: () => {},
    setSpellCheckerEnabled: (on: boolean) => {
      set.spell = on
    },
  })
}
