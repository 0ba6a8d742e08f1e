import { createInterface } from 'node:readline'
import { fakeElectron } from './electron.ts'

/**
 * What `import ... from 'electron'` gives to an app that runs on plain Node. It tells on stdout, a JSON object a line,
 * what the icon shows, what its pages receive and what is asked, and does what stdin says:
 *
 * - "choose LABEL" chooses a row of the menu, "click" clicks on the icon;
 * - "page NAME INPUT" sends a command as the newest page would, "listen NAME" has it listen to an event;
 * - "answer N" is what the next question is answered, N the number of the button or "never";
 * - "resume" is the computer that wakes, "quit" is Cmd-Q, "logout" what the system does when the session of the user ends.
 */
const fake = fakeElectron({ ready: false, platform: process.platform, ended: code => process.exit(code) })
const tell = (what: object) => console.log(JSON.stringify(what))

const { setPath } = fake.app
export const app = Object.assign(fake.app, {
  whenReady: async () => fake.becomeReady(),
  setPath(name: string, path: string) {
    setPath(name, path)
    tell({ name, path })
  },
  requestSingleInstanceLock: () => process.env['ZOTBAR_TEST_SECOND'] === undefined,
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
  systemPreferences,
} = fake.electron
export const { ipcMain } = fake
export const dialog = {
  async showMessageBox(...box: Parameters<typeof fake.electron.dialog.showMessageBox>) {
    const asked = fake.electron.dialog.showMessageBox(...box)
    tell({ question: fake.done.questions.at(-1)?.message })
    return asked
  },
}

export const Tray = class extends fake.electron.Tray {
  override setToolTip(tooltip: string) {
    tell({ tooltip })
  }
  override setImage(image: unknown) {
    tell({ image: Object(image).file })
  }
  override setContextMenu(menu: unknown) {
    rows = Object(menu).rows
    tell({ menu: rows.map(row => row.label ?? '-') })
  }
}
let rows: { label?: string; click?: () => void }[] = []

/** A page is on the screen a moment after its window was made. */
const showWindows = (): void => {
  for (const window of fake.windows) if (!window.destroyed && !window.visible) window.emit('ready-to-show')
}

function logOut(): void {
  powerMonitor.emit('shutdown')
  setTimeout(() => app.quit(), 20)
}

function newestPage() {
  const window = fake.windows.findLast(({ destroyed }) => !destroyed)
  if (!window) throw new Error('there is no page')
  return window.webContents
}

const actions: Record<string, (rest: string) => void> = {
  choose: label => rows.find(row => row.label === label)?.click?.(),
  click: () => fake.trays[0]?.emit('click', { altKey: false, ctrlKey: false }),
  page(rest) {
    const [name, input = '{}'] = rest.split(/ (.*)/)
    void fake
      .invoke(newestPage(), 'zotbar:call', name, JSON.parse(input))
      .then(answer => tell({ answer, of: name }))
  },
  listen(name) {
    const page = newestPage()
    const send = page.send.bind(page)
    page.send = (channel, event, value) => {
      send(channel, event, value)
      tell(event === 'link' ? { link: Object(value).kind } : { event, process: Object(value).process?.kind })
    }
    fake.post(page, 'zotbar:listen', name, true)
  },
  answer: button => void fake.done.answers.push(button === 'never' ? button : Number(button)),
  quit: () => app.quit(),
  logout: logOut,
  resume: () => powerMonitor.emit('resume'),
}

createInterface({ input: process.stdin }).on('line', line => {
  const [verb = '', rest = ''] = line.split(/ (.*)/)
  showWindows()
  actions[verb]?.(rest)
  setImmediate(showWindows)
})
