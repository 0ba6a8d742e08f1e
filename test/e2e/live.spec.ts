import { expect, type Page, test } from '@playwright/test'
import { tools } from '../setup/tools.mjs'
import { LiveApp } from './live-app.ts'
import { inBothSchemes, watch } from './page-checks.ts'

const needed = (['skopeo', 'umoci', 'busybox'] as const).filter(name => !tools[name].there())

const headline = (page: Page) => page.getByRole('main').getByRole('heading', { level: 2 })
const storage = (page: Page) => page.getByRole('region', { name: 'Storage' })
const events = (page: Page) => page.getByRole('region', { name: 'Last events' })

test.describe('the real app, in a browser', () => {
  test.skip(needed.length > 0 && process.env['CI'] !== 'true', `needs ${needed.join(', ')}`)
  test.describe.configure({ mode: 'serial', timeout: 60_000 })

  let app: LiveApp
  let page: Page
  let seen: { breaches: string[] }

  test.beforeAll(async ({ browser }) => {
    app = await LiveApp.make()
    await app.start()
    const context = await browser.newContext({ viewport: { width: 960, height: 640 } })
    page = await context.newPage()
    seen = watch(page)
    await page.goto(await app.link())
  })
  test.afterAll(async () => {
    await page?.context().close()
    await app?.dispose()
  })

  test('says that it serves, and how to push a first image', async () => {
    await expect(headline(page)).toHaveText('Serving')
    await expect(storage(page)).toContainText(`docker push 127.0.0.1:${app.port}/NAME:TAG`)
    await expect(page.getByRole('region', { name: 'Health' }).getByRole('listitem')).not.toHaveCount(0)
    await inBothSchemes(page, 'live-first')
    expect(seen.breaches).toEqual([])
  })

  test('moves the storage bar after a push', async () => {
    const bar = storage(page).getByRole('img', { name: /^Images 0.B/ })
    await expect(bar).toBeVisible()
    await app.push('lib/busybox:1')
    await expect(storage(page).getByRole('img', { name: /^Images \d[\d.]*.MB, free/ })).toBeVisible()
    await expect(storage(page)).toContainText(/lib\/busybox1.tag/)
    await expect(events(page)).toContainText('Pushed lib/busybox:1')
    await expect(headline(page)).toHaveText('Serving')
    await inBothSchemes(page, 'live-pushed')
    expect(seen.breaches).toEqual([])
  })

  test('shows a restart step by step, and then how long it took', async () => {
    const before = (await app.status()).registry.pid
    // Without a push the whole restart is over before a busy machine has looked.
    const push = await app.openPush('lib/held')
    await page.getByRole('button', { name: 'Restart' }).click()
    const steps = page.getByRole('list', { name: 'Restart' }).getByRole('listitem')
    await expect(steps).toHaveText([/^Finish.*under way$/, /^Stop/, /^Start/, /^Serve/])
    await expect.poll(async () => (await app.status()).state).toBe('draining')
    await expect(headline(page)).toHaveText('Restarting')
    expect(await push.finish()).toBe(201)
    await expect(steps).toHaveText([/done$/, /done$/, /done$/, /done$/], { timeout: 15_000 })
    await expect(page.getByRole('main')).toContainText(
      /Restarted in \d+(\.\d)?.s; \d+(\.\d)?.s without an answer\./,
    )
    await expect(headline(page)).toHaveText('Serving')
    const after = await app.status()
    expect(after.state).toBe('serving')
    expect(after.registry.pid).not.toBe(before)
    await inBothSchemes(page, 'live-restarted')
    expect(seen.breaches).toEqual([])
  })

  test('explains why it was restarted after the registry was killed', async () => {
    const pid = (await app.status()).registry.pid
    if (pid === undefined) throw new Error('no registry runs')
    process.kill(pid, 'SIGKILL')
    await expect(events(page)).toContainText('Crashed and restarted', { timeout: 15_000 })
    await expect(events(page)).toContainText(/SIGKILL/)
    await expect(headline(page)).toHaveText('Serving')
    expect((await app.status()).registry.pid).not.toBe(pid)
    await inBothSchemes(page, 'live-crashed')
    expect(seen.breaches).toEqual([])
  })

  test('stops and starts', async () => {
    await page.getByRole('button', { name: 'Stop' }).click()
    await expect(headline(page)).toHaveText('Not running', { timeout: 15_000 })
    await expect(page.getByRole('button', { name: 'Restart' })).toHaveCount(0)
    await page.getByRole('button', { name: 'Start' }).click()
    await expect(headline(page)).toHaveText('Serving', { timeout: 15_000 })
  })

  test('says so when the app was killed, and finds the registry still serving after its next start', async () => {
    const pid = (await app.status()).registry.pid
    await app.kill()
    await expect(headline(page)).toHaveText('Zotbar does not answer')
    await app.start()
    expect((await app.status()).registry.pid).toBe(pid)
    await page.goto(await app.link())
    await expect(headline(page)).toHaveText('Serving')
    await expect(events(page)).toContainText('Found running')
  })
})
