import { join } from 'node:path'
import { expect, test } from '@playwright/test'
import { createPageServer } from '../../main/page-server.ts'
import { aSnapshot } from '../fakes/host.ts'

/** The machine's browser stands in for Electron's: the same pages, the same headers, a bridge that answers. */
test.describe('the pages as the menu-bar app serves them', () => {
  for (const name of ['popover', 'window'] as const)
    test(`the ${name} works under the policy and asks for nothing but its own files`, async ({ page }) => {
      const serve = await createPageServer(join(import.meta.dirname, '../../dist/renderer'))
      const breaches: string[] = []
      page.on('console', message => {
        if (message.type() === 'error') breaches.push(message.text())
      })
      page.on('pageerror', error => breaches.push(error.message))
      await page.addInitScript(
        snapshot => {
          const answer = async () => ({ ok: true, value: snapshot })
          const verbs = { snapshot: answer, start: answer, stop: answer, restart: answer, cancel: answer }
          const runbooks = { history: async () => ({ ok: true, value: { runs: [] } }) }
          const areas = { app: verbs, registry: verbs, logs: verbs, settings: verbs, runbooks }
          Object.assign(window, { zotbar: { ...areas, on: () => () => {} } })
        },
        aSnapshot({ takenAt: Date.now(), app: { ...aSnapshot().app, keeper: 'app' } }),
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
      await expect(page.getByText('Serving').first()).toBeVisible()
      expect(breaches).toEqual([])
    })
})
