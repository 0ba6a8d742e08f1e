import { createInterface } from 'node:readline'
import { fakeElectron } from './electron.ts'

/**
 * What `import ... from 'electron'` gives to an app that runs on plain Node. It tells on stdout, a JSON object a
 * line, what the icon shows, and does what stdin says: "choose LABEL" chooses a row of the menu, "page NAME INPUT"
 * sends a command as a page would.
 */
const fake = fakeElectron()
const tell = (what: object) => console.log(JSON.stringify(what))

export const app = Object.assign(fake.app, {
  whenReady: async () => {},
  setName: () => {},
  setPath: (name: string, path: string) => tell({ name, path }),
  getAppPath: () => process.cwd(),
  requestSingleInstanceLock: () => process.env['ZOTBAR_TEST_SECOND'] === undefined,
  releaseSingleInstanceLock: () => {},
  exit: (code: number) => process.exit(code),
})
export const {
  BrowserWindow,
  clipboard,
  Menu,
  Notification,
  nativeImage,
  powerMonitor,
  protocol,
  screen,
  session,
  shell,
} = fake.electron
export const { ipcMain } = fake
export const dialog = {
  ...fake.electron.dialog,
  showErrorBox: (title: string, text: string) => tell({ errorBox: title, text }),
}

export const Tray = class extends fake.electron.Tray {
  override setToolTip = (tooltip: string) => tell({ tooltip })
  override setImage = (image: unknown) => tell({ image: Object(image).file })
  override setContextMenu = (menu: unknown) => {
    rows = Object(menu).rows
    tell({ menu: rows.map(row => row.label ?? '-') })
  }
}
let rows: { label?: string; click?: () => void }[] = []

createInterface({ input: process.stdin }).on('line', line => {
  const [verb, ...rest] = line.split(' ')
  if (verb === 'choose') rows.find(row => row.label === rest.join(' '))?.click?.()
  if (verb !== 'page') return
  const window = fake.windows.at(-1)
  if (window)
    void fake
      .invoke(window.webContents, 'zotbar:call', rest[0], JSON.parse(rest[1] ?? '{}'))
      ?.then(answer => tell({ answer }))
})
