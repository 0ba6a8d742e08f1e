import { createServer } from 'node:http'
import { expect, test } from '@playwright/test'
import { contract } from '../../contract/contract.ts'
import { freePort } from '../setup/free-port.ts'
import { ask, type MenuBarApp, startApp, whyNot } from './menu-bar-app.ts'

const missing = whyNot()

test.describe(missing === undefined ? 'the menu-bar app' : `the menu-bar app (skipped: ${missing})`, () => {
  test.skip(missing !== undefined, missing)

  let app: MenuBarApp | undefined
  const start = async (port?: number): Promise<MenuBarApp> => {
    app = await startApp(port)
    return app
  }
  test.afterEach(async () => {
    await app?.close()
    app = undefined
  })

  test('one copy per home: a second start brings the window of the first to the front', async () => {
    const app = await start()
    expect(app.electron.windows()).toEqual([])
    const page = await app.window()
    expect(page.url()).toBe('app://zotbar/window.html')
    expect(await app.startAgain()).toBe(1)
    expect(app.electron.windows()).toHaveLength(1)
  })

  test('the icon and its menu follow the registry', async () => {
    const app = await start()
    const page = await app.window()
    await ask(page, 'registry', 'stop')
    await expect.poll(app.tooltip).toBe('Zotbar: Not running')
    expect(await app.menu()).toEqual(expect.arrayContaining(['Not running', 'Start', 'Quit Zotbar']))
    expect(await app.menu()).not.toContain('Restart')
    await ask(page, 'registry', 'start')
    await expect.poll(app.tooltip).toBe('Zotbar: Serving')
    expect(await app.menu()).toEqual(
      expect.arrayContaining([
        'Serving',
        `Copy 127.0.0.1:${app.port}`,
        'Restart',
        'Stop',
        'Open Zotbar',
        'Logs',
      ]),
    )
  })

  test('the menu says that another program has the port', async () => {
    const port = await freePort()
    const other = createServer((_, response) => response.end('not a registry'))
    await new Promise<void>(done => other.listen(port, '127.0.0.1', done))
    try {
      const app = await start(port)
      const page = await app.window()
      await expect(page.getByText(`Port ${port} is taken`).first()).toBeVisible()
      expect(await app.menu()).toContain(`Port ${port} is taken`)
    } finally {
      other.close()
    }
  })

  test('the popover is made by a click, and destroyed 30 s after it was closed', async () => {
    const app = await start()
    const page = await app.window()
    // The icon is known to the spec once something was set on it.
    await ask(page, 'registry', 'restart')
    await expect.poll(app.tooltip).toBe('Zotbar: Serving')
    const opened = app.electron.waitForEvent('window')
    await app.clickTray()
    const popover = await opened
    expect(popover.url()).toBe('app://zotbar/popover.html')
    await expect(popover.getByRole('heading', { name: 'Serving' })).toBeVisible()
    const closed = popover.waitForEvent('close', { timeout: 45_000 })
    const since = Date.now()
    await popover.keyboard.press('Escape')
    await closed
    expect(Date.now() - since).toBeGreaterThan(25_000)
  })

  test('a page has the bridge and nothing of Node', async () => {
    const app = await start()
    const page = await app.window()
    const found = await page.evaluate(() => ({
      node: ['require', 'process', 'module', 'Buffer', 'global', '__dirname'].filter(name => name in window),
      bridge: Object.keys(window.zotbar ?? {}).sort(),
    }))
    expect(found).toEqual({
      node: [],
      bridge: [...Object.keys(contract), 'on', 'onLink', 'startCore'].sort(),
    })
  })

  test('a page cannot leave, open another, or reach the network', async () => {
    const app = await start()
    const page = await app.window()
    const answers = await page.evaluate(async port => {
      const failed = (attempt: Promise<unknown>) => attempt.then(() => 'reached').catch(() => 'refused')
      location.href = 'https://example.com/'
      return {
        opened: window.open('https://example.com/') === null,
        loopback: await failed(fetch(`http://127.0.0.1:${port}/v2/`, { mode: 'no-cors' })),
        outside: await failed(fetch('https://example.com/', { mode: 'no-cors' })),
        file: await failed(fetch('file:///etc/hosts')),
      }
    }, app.port)
    expect(answers).toEqual({ opened: true, loopback: 'refused', outside: 'refused', file: 'refused' })
    expect(page.url()).toBe('app://zotbar/window.html')
    expect(app.electron.windows()).toHaveLength(1)
  })

  test('a page is granted nothing but writing text to the clipboard', async () => {
    const app = await start()
    const page = await app.window()
    const states = await page.evaluate(async () => {
      const names = ['geolocation', 'camera', 'microphone', 'notifications', 'midi'] as const
      const found: Record<string, string> = {}
      for (const name of names)
        found[name] = await navigator.permissions
          .query({ name: name as PermissionName })
          .then(status => status.state)
          .catch(() => 'denied')
      return found
    })
    expect(Object.values(states)).toEqual(['denied', 'denied', 'denied', 'denied', 'denied'])
  })
})
