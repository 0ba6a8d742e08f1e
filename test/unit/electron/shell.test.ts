import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { CoreLink } from '../../../contract/core-link.ts'
import type { ProcessState } from '../../../contract/registry-state.ts'
import { fail, ok } from '../../../contract/result.ts'
import type { Notice } from '../../../contract/snapshot.ts'
import { serveIpc } from '../../../main/ipc.ts'
import { type LoginAgent, type LoginState, noLoginAgent } from '../../../main/login-agent.ts'
import { createShell } from '../../../main/shell.ts'
import { fakeClock } from '../../fakes/clock.ts'
import { fakeCore } from '../../fakes/core.ts'
import { fakeElectron } from '../../fakes/electron.ts'
import { aSnapshot, fakeHost, servingState } from '../../fakes/host.ts'
import { zotStore } from '../../fakes/undecided.ts'

let pages = ''
beforeEach(async () => {
  pages = await mkdtemp(join(tmpdir(), 'zotbar-pages-'))
  for (const name of ['popover', 'window']) await writeFile(join(pages, `${name}.html`), '<!doctype html>')
})
afterEach(() => rm(pages, { recursive: true, force: true }))

interface Setup {
  platform?: NodeJS.Platform
  host?: ReturnType<typeof fakeHost>
  loginAgent?: LoginAgent
  notifications?: boolean
}

async function start({
  platform = 'darwin',
  host = fakeHost(),
  loginAgent = noLoginAgent,
  notifications = true,
}: Setup = {}) {
  const fake = fakeElectron({ platform })
  const clock = fakeClock()
  const core = fakeCore(host)
  const seen = { quits: 0, ends: [] as string[], logged: [] as string[] }
  const preferences = { notifications, startAtLogin: false, keepServing: false }
  host.push('snapshot', { ...host.snapshot(), preferences })
  const log = (message: string) => void seen.logged.push(message)
  const part = await createShell({
    electron: fake.electron,
    serve: service => serveIpc(fake.ipcMain, service),
    core,
    home: '/home/u/zotbar',
    clock,
    loginAgent,
    platform,
    files: { pages, preload: '/p.cjs', trayImages: '/tray', readme: '/README.md' },
    log,
  })
  const tray = fake.trays[0]!
  const click = () => tray.emit('click', { altKey: false, ctrlKey: false })
  const menu = () => {
    tray.emit('right-click', {})
    return tray.popped!.rows
  }
  /** A window that is opened for a question is on the screen once its page is there. */
  const showWindows = () => {
    for (const window of fake.windows) if (!window.destroyed && !window.visible) window.emit('ready-to-show')
  }
  return {
    ...fake,
    clock,
    host,
    core,
    seen,
    tray,
    click,
    menu,
    part,
    showWindows,
    setLogin: async (on: boolean) => {
      host.push('snapshot', aSnapshot({ preferences: { ...preferences, startAtLogin: on } }))
      await settled()
    },
    show: (process: ProcessState, over = {}) =>
      host.push('snapshot', aSnapshot({ process, preferences, ...over })),
    choose: async (label: string) => {
      menu().find(row => row.label === label)!.click!()
      await settled()
      showWindows()
      await settled()
    },
  }
}
/** Lets what was promised happen: nothing here waits for anything but promises. */
const settled = () => new Promise(resolve => setImmediate(() => setImmediate(resolve)))

/** An agent that is off until it is enabled, and then as macOS sees it. */
function fakeAgent(after: 'on' | 'disabled'): LoginAgent & { calls: string[] } {
  let state: LoginState = { kind: 'off' }
  const calls: string[] = []
  const become = (call: string, kind: 'on' | 'off' | 'disabled') => async () => {
    calls.push(call)
    state = { kind }
    return { ok: true, state } as const
  }
  return {
    calls,
    state: async () => state,
    enable: become('enable', after),
    disable: become('disable', 'off'),
    handOver: async () => false,
  }
}

const stopped: ProcessState = { kind: 'stopped', since: 1, why: 'asked' }
const foreign: ProcessState = { kind: 'foreign', since: 1, port: 5050, pid: 9 }
const readOnly: ProcessState = { kind: 'failed', since: 1, error: { code: 'data-read-only', path: '/d' } }

describe('the icon in the bar', () => {
  it('has one image and tooltip per state, set only when it changes', async () => {
    const { tray, show } = await start()
    expect(tray.images.at(-1)).toBe('fineTemplate.png')
    expect(tray.tooltip).toBe('Zotbar: Serving')
    show(foreign)
    expect(tray.images.at(-1)).toBe('downTemplate.png')
    expect(tray.tooltip).toBe('Zotbar: Port 5050 is taken')
    show(stopped)
    expect(tray.images.at(-1)).toBe('offTemplate.png')
    const before = tray.images.length
    show(stopped)
    show(stopped)
    expect(tray.images).toHaveLength(before)
  })

  it('has a menu that is built when it is opened, on macOS', async () => {
    const { menu, show, tray } = await start()
    expect(menu().map(row => row.label)).toContain('Restart')
    show(stopped)
    expect(menu()[0]).toEqual({ label: 'Not running', enabled: false })
    expect(menu().map(row => row.label)).toContain('Start')
    expect(tray.menu).toBeUndefined()
  })

  it('holds the menu that is open, which Electron does not', async () => {
    const { tray } = await start()
    tray.emit('right-click', {})
    setFlagsFromString('--expose-gc')
    const collect: unknown = runInNewContext('gc')
    if (typeof collect !== 'function') throw new Error('no garbage collection')
    // A weak reference holds its object until the end of the turn in which it was made.
    await settled()
    collect()
    expect(tray.popped?.rows.length).toBeGreaterThan(0)
  })

  it('has a menu that is set ahead elsewhere', async () => {
    const { tray, show } = await start({ platform: 'linux' })
    expect(tray.menu?.rows[0]).toEqual({ label: 'Serving', enabled: false })
    const first = tray.menu
    show({ kind: 'serving', since: 1, pid: 2, startedAt: 1, adopted: false })
    expect(tray.menu).toBe(first)
    show(stopped)
    expect(tray.menu?.rows[0]).toMatchObject({ label: 'Not running' })
  })

  it('does what its rows say', async () => {
    const { choose, host, done, windows, show } = await start()
    await choose('Copy 127.0.0.1:5050')
    expect(done.clipboard).toEqual(['127.0.0.1:5050'])
    await choose('Restart')
    await choose('Stop')
    expect(host.calls.map(call => call.name)).toEqual(['registry.restart', 'registry.stop'])
    await choose('Open Zotbar')
    expect(windows.map(window => window.webContents.url)).toEqual(['app://zotbar/window.html'])
    await choose('Logs')
    expect(done.opened).toEqual(['/home/u/zotbar/logs'])
    show(stopped)
    await choose('Start')
    expect(host.calls.at(-1)).toMatchObject({ name: 'registry.start', caller: 'app' })
  })

  it('tells a verb that failed in words', async () => {
    const host = fakeHost({ registry: { restart: async () => fail({ code: 'busy', with: 'a stop' }) } })
    const { choose, done } = await start({ host })
    await choose('Restart')
    expect(done.questions).toMatchObject([{ message: 'Something else is under way' }])
  })

  it('asks before it cuts pushes', async () => {
    const { choose, host, done, show } = await start()
    show({ kind: 'draining', since: 1, pid: 2, until: 9, then: 'restart', pushes: [], cancellable: true })
    await choose('Restart now…')
    expect(done.questions).toMatchObject([{ buttons: ['Cancel', 'Restart now'], defaultId: 0, cancelId: 0 }])
    expect(host.calls).toEqual([])
    done.answers.push(1)
    await choose('Restart now…')
    expect(host.calls).toEqual([{ name: 'registry.restart', input: { now: true }, caller: 'app' }])
  })

  it('asks once before it chooses an engine, and does nothing where that is declined', async () => {
    const process = { kind: 'undecided', since: 0, ...zotStore(0) } as const
    const host = fakeHost({ app: { snapshot: async () => ok(aSnapshot({ process })) } })
    const { choose, done, show } = await start({ host })
    const used = () => host.calls.filter(call => call.name === 'engine.use')
    show(process)
    await choose('Use zot')
    await choose('Use zotbar-registry…')
    expect([done.questions.map(({ buttons }) => buttons[1]), used()]).toEqual([
      ['Use zot', 'Use zotbar-registry'],
      [],
    ])
    done.answers.push(1)
    await choose('Use zotbar-registry…')
    expect(done.questions).toHaveLength(3)
    expect(used()).toMatchObject([{ input: { engine: 'zotbar-registry', yes: true }, caller: 'agreed' }])
  })

  it('starts at login only after it was chosen, and says what macOS makes of it', async () => {
    const agent = fakeAgent('disabled')
    const host = fakeHost()
    const { choose, menu, done } = await start({ loginAgent: agent, host })
    expect(agent.calls).toEqual([])
    expect(menu().find(row => row.label === 'Start at login')).toMatchObject({ checked: false })
    await choose('Start at login')
    expect(host.calls).toEqual([
      { name: 'settings.set', input: { key: 'startAtLogin', value: true }, caller: 'app' },
    ])
    expect(agent.calls).toEqual(['enable'])
    expect(done.questions[0]?.detail).toContain('Login Items')
    expect(menu().find(row => row.label === 'Start at login')).toMatchObject({ checked: false })
  })

  it('follows the setting from wherever it is changed, once', async () => {
    const agent = fakeAgent('on')
    const { setLogin, menu } = await start({ loginAgent: agent })
    await setLogin(true)
    await setLogin(true)
    expect(agent.calls).toEqual(['enable'])
    expect(menu().find(row => row.label === 'Start at login')).toMatchObject({ checked: true })
    await setLogin(false)
    expect(agent.calls).toEqual(['enable', 'disable'])
  })

  it('tells why starting at login could not be changed', async () => {
    const agent = { ...fakeAgent('on'), enable: async () => ({ ok: false, reason: 'no room' }) as const }
    const { choose, done, seen } = await start({ loginAgent: agent })
    await choose('Start at login')
    expect(done.questions).toMatchObject([{ message: 'Start at login was not changed', detail: 'no room' }])
    expect(seen.logged).toEqual(['Start at login was not changed: no room'])
  })
})

describe('the popover', () => {
  it('is not there until the icon is clicked', async () => {
    const { windows, click } = await start()
    expect(windows).toEqual([])
    click()
    expect(windows).toHaveLength(1)
    expect(windows[0]!.visible).toBe(false)
    windows[0]!.emit('ready-to-show')
    expect(windows[0]).toMatchObject({ visible: true, bounds: { x: 532, y: 30, width: 360 } })
  })

  it('follows the height of its page, within limits', async () => {
    const { windows, click } = await start()
    click()
    windows[0]!.webContents.emit('preferred-size-changed', {}, { width: 5_000, height: 431 })
    expect(windows[0]!.bounds).toMatchObject({ width: 360, height: 431 })
    windows[0]!.webContents.emit('preferred-size-changed', {}, { width: 1, height: 90_000 })
    expect(windows[0]!.bounds.height).toBe(760)
  })

  it('is hidden when it loses the focus, and destroyed 30 s after', async () => {
    const { windows, click, clock } = await start()
    click()
    const popover = windows[0]!
    popover.emit('ready-to-show')
    popover.emit('blur')
    expect(popover).toMatchObject({ visible: false, destroyed: false })
    await clock.advance(29_000)
    expect(popover.destroyed).toBe(false)
    click()
    expect(popover.visible).toBe(true)
    await clock.advance(60_000)
    expect(popover.destroyed).toBe(false)
    popover.close()
    expect(popover).toMatchObject({ visible: false, destroyed: false })
    await clock.advance(30_000)
    expect(popover.destroyed).toBe(true)
    click()
    expect(windows).toHaveLength(2)
  })

  it('is closed by the click on the icon that takes its focus', async () => {
    const { windows, click, clock } = await start()
    click()
    windows[0]!.emit('ready-to-show')
    windows[0]!.emit('blur')
    await clock.advance(100)
    click()
    expect(windows[0]!.visible).toBe(false)
    await clock.advance(400)
    click()
    expect(windows[0]!.visible).toBe(true)
  })

  it('is made again after its page crashed', async () => {
    const { windows, click, seen } = await start()
    click()
    windows[0]!.webContents.emit('render-process-gone', {}, { reason: 'crashed' })
    expect(windows[0]!.destroyed).toBe(true)
    expect(seen.logged).toEqual(["The popover's page is gone: crashed"])
    click()
    expect(windows).toHaveLength(2)
  })
})

describe('the window', () => {
  it('is made once, and gone when it is closed', async () => {
    const { windows, part } = await start()
    await part.open?.('window')
    await part.open?.('window')
    expect(windows).toHaveLength(1)
    expect(windows[0]!.options).toMatchObject({ width: 960, height: 640, minWidth: 820, minHeight: 560 })
    windows[0]!.close()
    expect(windows[0]!.destroyed).toBe(true)
    await part.open?.('window')
    expect(windows).toHaveLength(2)
  })

  it('comes to the front when the app is started a second time', async () => {
    const { windows, app } = await start()
    app.emit('second-instance', {}, ['zotbar', '--login-agent'])
    expect(windows).toEqual([])
    app.emit('second-instance', {}, ['zotbar'])
    app.emit('activate')
    expect(windows).toHaveLength(1)
  })

  it('opens names, never a path that a page made up', async () => {
    const { part, done } = await start()
    await part.open?.('docs')
    await part.open?.('log-folder')
    expect(done.opened).toEqual(['/README.md', '/home/u/zotbar/logs'])
  })
})

describe('notifications', () => {
  it('tell an occurrence once, and open the window when clicked', async () => {
    const { show, notes, windows } = await start()
    show(foreign)
    show(foreign)
    await settled()
    expect(notes.map(note => note.words.title)).toEqual(['Port 5050 is taken'])
    notes[0]!.emit('click')
    expect(windows[0]!.webContents.url).toBe('app://zotbar/window.html')
  })

  it('tell a trouble that stood before the shell did', async () => {
    const host = fakeHost()
    host.push('snapshot', aSnapshot({ process: foreign }))
    const { notes } = await start({ host })
    await settled()
    expect(notes).toHaveLength(1)
  })

  it('tell of a key near its end, and lead to the keys', async () => {
    const { show, notes, windows } = await start()
    const notice: Notice = {
      kind: 'key-expiring',
      id: 'key-expiring:u1:7',
      at: 1_000,
      user: 'zot-ci',
      registry: '127.0.0.1:5050',
      uuid: 'u1',
      expiresAt: 7 * 86_400_000 + 1_000,
      daysLeft: 7,
    }
    show(servingState, { notices: [notice] })
    show(servingState, { notices: [notice] })
    await settled()
    expect(notes).toHaveLength(1)
    expect(notes[0]!.words.actions).toEqual([{ type: 'button', text: 'Rotate now…' }])
    notes[0]!.emit('action')
    expect(windows[0]!.webContents.url).toBe('app://zotbar/window.html#keys')
  })

  it('stay away where they are switched off', async () => {
    const { show, notes } = await start({ notifications: false })
    show(readOnly)
    await settled()
    expect(notes).toEqual([])
  })
})

describe('without a core', () => {
  const lost = (over = {}): CoreLink => ({
    kind: 'lost',
    since: 1,
    error: { code: 'app-not-running', home: '/home/u/zotbar' },
    isStarting: false,
    ...over,
  })

  it('the icon says so, with a row that starts one, and says Serving again when it is back', async () => {
    const { core, tray, choose, show } = await start()
    core.setLink(lost())
    expect([tray.tooltip, tray.images.at(-1)]).toEqual([
      'Zotbar: Zotbar is not running',
      'attentionTemplate.png',
    ])
    await choose('Start Zotbar')
    expect(core.seen.starts).toBe(1)
    core.setLink(lost({ isStarting: true }))
    expect([tray.tooltip, tray.images.at(-1)]).toEqual(['Zotbar: Starting Zotbar', 'workingTemplate.png'])
    core.setLink({ kind: 'live' })
    show(servingState)
    expect([tray.tooltip, tray.images.at(-1)]).toEqual(['Zotbar: Serving', 'fineTemplate.png'])
  })

  it('windows, logs and Quit work as ever', async () => {
    const { core, choose, windows, done } = await start()
    core.setLink(lost())
    await choose('Open Zotbar')
    await choose('Logs')
    expect(windows.map(window => window.webContents.url)).toEqual(['app://zotbar/window.html'])
    expect(done.opened).toEqual(['/home/u/zotbar/logs'])
    await choose('Quit Zotbar')
    expect(done.exits).toEqual([0])
  })
})

describe('a question of the popover', () => {
  it('keeps it on the screen, whatever takes the focus, until it is answered', async () => {
    const { click, windows, done, invoke, clock } = await start()
    click()
    const popover = windows[0]!
    popover.emit('ready-to-show')
    done.answers.push('never')
    void invoke(popover.webContents, 'zotbar:call', 'keys.showSecret', { user: 'zot-ci' })
    await settled()
    expect(done.questions[0]?.parent).toBe(popover)
    popover.blur()
    await clock.advance(60_000)
    expect(popover).toMatchObject({ visible: true, destroyed: false })
    popover.close()
    expect(popover).toMatchObject({ visible: true, destroyed: false })
  })
})
