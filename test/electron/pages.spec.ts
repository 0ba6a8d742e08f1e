import { join } from 'node:path'
import { expect, type Page, test } from '@playwright/test'
import type { CoreLink } from '../../contract/core-link.ts'
import { createPageServer } from '../../main/page-server.ts'
import { aSnapshot } from '../fakes/host.ts'

declare global {
  /** What the bridge was asked to start, and what tells the page of the core. */
  var staged: { starts: number; setLink(link: CoreLink): void }
}

const pages = ['popover', 'window'] as const
const lost: CoreLink = {
  kind: 'lost',
  since: 1,
  error: { code: 'app-not-running', home: '/home/u/zotbar' },
  isStarting: false,
}

/** Serves the pages as the app does, with a bridge whose core answers while its link is live. Returns what went wrong. */
async function open(page: Page, name: (typeof pages)[number], link: CoreLink): Promise<string[]> {
  const serve = await createPageServer(join(import.meta.dirname, '../../dist/renderer'))
  const breaches: string[] = []
  page.on('console', message => {
    if (message.type() === 'error') breaches.push(message.text())
  })
  page.on('pageerror', error => breaches.push(error.message))
  await page.addInitScript(
    ([snapshot, first]) => {
      let link = first
      const listeners: ((link: CoreLink) => void)[] = []
      globalThis.staged = {
        starts: 0,
        setLink(next) {
          link = next
          for (const listener of listeners) listener(next)
        },
      }
      const answer = async () =>
        link.kind === 'live'
          ? { ok: true, value: snapshot }
          : { ok: false, error: { code: 'app-not-running' } }
      const verbs = { snapshot: answer, start: answer, stop: answer, restart: answer, cancel: answer }
      const runbooks = { history: async () => ({ ok: true, value: { runs: [] } }) }
      const areas = { app: verbs, registry: verbs, logs: verbs, settings: verbs, runbooks }
      const onLink = (listener: (link: CoreLink) => void) => {
        listeners.push(listener)
        listener(link)
        return () => {}
      }
      const startCore = () => {
        globalThis.staged.starts += 1
      }
      Object.assign(window, { zotbar: { ...areas, on: () => () => {}, onLink, startCore } })
    },
    [aSnapshot({ takenAt: Date.now(), app: { ...aSnapshot().app, keeper: 'app' } }), link] as const,
  )
  await page.route('**/*', async route => {
    const url = route.request().url().replace('https://zotbar/', 'app://zotbar/')
    const served = await serve({ url, method: route.request().method() })
    if (served.status !== 200) breaches.push(`${served.status} ${url}`)
    await route.fulfill({
      status: served.status,
      headers: Object.fromEntries(served.headers),
      body: Buffer.from(await served.arrayBuffer()),
    })
  })
  await page.goto(`https://zotbar/${name}.html`)
  return breaches
}
const setLink = (page: Page, link: CoreLink) => page.evaluate(next => globalThis.staged.setLink(next), link)

/** The machine's browser stands in for Electron's: the same pages, the same headers, a bridge that answers. */
test.describe('the pages as the menu-bar app serves them', () => {
  for (const name of pages) {
    test(`the ${name} works under the policy and asks for nothing but its own files`, async ({ page }) => {
      const breaches = await open(page, name, { kind: 'live' })
      await expect(page.getByText('Serving').first()).toBeVisible()
      expect(breaches).toEqual([])
    })

    test(`the ${name} says why there is no core, and has one started`, async ({ page }) => {
      const breaches = await open(page, name, lost)
      await expect(page.getByRole('heading', { name: 'Zotbar is not running' })).toBeVisible()
      await expect(page.getByRole('status')).toContainText('Nothing answers for /home/u/zotbar')
      await page.getByRole('button', { name: 'Start Zotbar' }).click()
      expect(await page.evaluate(() => globalThis.staged.starts)).toBe(1)
      await setLink(page, { ...lost, isStarting: true })
      await expect(page.getByRole('heading', { name: 'Starting Zotbar' })).toBeVisible()
      await expect(page.getByRole('button', { name: 'Start Zotbar' })).toHaveCount(0)
      await setLink(page, { kind: 'live' })
      await expect(page.getByText('Serving').first()).toBeVisible()
      expect(breaches).toEqual([])
    })

    test(`the ${name} shows the last known state while its core is away, and the new one after`, async ({
      page,
    }) => {
      await open(page, name, { kind: 'live' })
      await expect(page.getByText('Serving').first()).toBeVisible()
      await setLink(page, lost)
      await expect(page.getByText('Zotbar is not running').first()).toBeVisible()
      await expect(page.getByText(/Last known state as of .*: Serving/).first()).toBeVisible()
      await expect(page.getByRole('button', { name: 'Restart' })).toHaveCount(0)
      await expect(page.getByRole('button', { name: 'Start Zotbar' })).toBeVisible()
      await setLink(page, { kind: 'live' })
      await expect(page.getByText('Zotbar is not running')).toHaveCount(0)
      await expect(page.getByRole('button', { name: 'Start Zotbar' })).toHaveCount(0)
    })

    test(`the ${name} offers no start beside an older Zotbar, which has to be quit`, async ({ page }) => {
      await open(page, name, { ...lost, error: { code: 'core-older', pid: 7, home: '/home/u/zotbar' } })
      await expect(page.getByRole('heading', { name: 'An older Zotbar is running' })).toBeVisible()
      await expect(page.getByRole('status')).toContainText('process 7')
      await expect(page.getByRole('button', { name: 'Start Zotbar' })).toHaveCount(0)
    })
  }
})
