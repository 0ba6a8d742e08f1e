import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { expect, type Page, test } from '@playwright/test'
import { controlClient } from '../../client/control-client.ts'
import { assetName } from '../../core/releases/release.ts'
import { type ReleaseServer, startReleaseServer } from '../fakes/release-server.ts'
import { type Behaviour, placeZot } from '../fakes/zot/build-zot.ts'
import { createUpgradeRig, type UpgradeRig } from '../integration/upgrade/upgrade-rig.ts'
import { LiveApp } from './live-app.ts'
import { inBothSchemes, record, watch } from './page-checks.ts'

const step = (page: Page, name: RegExp) => page.getByRole('list', { name: 'Steps' }).getByText(name)

test.describe('a runbook of the real app, in a browser', () => {
  test.describe.configure({ mode: 'serial', timeout: 90_000 })
  let app: LiveApp
  test.beforeEach(async () => {
    app = await LiveApp.make()
    await app.start()
  })
  test.afterEach(() => app.dispose())

  test('a change of the engine is agreed to, watched, and read in the page', async ({ page }) => {
    placeZot(`${app.home}/engines/zot/v2.1.15`, 'good')
    const seen = watch(page)
    const { zotbar } = controlClient({ socketPath: `${app.home}/control.sock`, home: app.home })
    await zotbar.settings.set({ key: 'gate.stableSeconds', value: 2 })
    await page.setViewportSize({ width: 960, height: 640 })
    await page.goto(await app.link())
    const begun = await zotbar.engine.use({ engine: 'zot', yes: false, dryRun: false })
    expect(begun.ok).toBe(true)
    await page.getByRole('link', { name: 'Show steps' }).click()
    await expect(page.locator('[aria-current=step]')).toContainText('waits for you')
    const current = await record(page, '[aria-current=step]')
    await page.getByRole('button', { name: 'Switch…' }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Switch', exact: true }).click()
    await expect(page.getByRole('heading', { level: 2, name: 'Done' })).toBeVisible({ timeout: 50_000 })
    expect(await current()).toContainEqual(expect.stringContaining('Prove that it works: under way'))
    await expect(step(page, /^Finish pushes and stop: done$/)).toBeVisible()
    await expect(page.getByRole('region', { name: 'What changed' })).toContainText('became zot')
    await expect(page.getByRole('region', { name: 'Where you are now' })).toContainText('zot v2.1.15')
    await inBothSchemes(page, 'live-run')
    await page.getByRole('button', { name: 'Done', exact: true }).click()
    await expect(page.getByRole('list', { name: 'Runs' })).toContainText('done')
    expect(seen.breaches).toEqual([])
  })

  test('one that does not prove itself goes back, and says why', async ({ page }) => {
    placeZot(`${app.home}/engines/zot/v2.1.15`, 'exits-0')
    const seen = watch(page)
    const { zotbar } = controlClient({ socketPath: `${app.home}/control.sock`, home: app.home })
    await page.setViewportSize({ width: 960, height: 640 })
    await page.goto(`${await app.link()}`)
    await zotbar.engine.use({ engine: 'zot', yes: true, dryRun: false })
    await expect(page.getByRole('list', { name: 'Runs' })).toContainText('went back', { timeout: 40_000 })
    await page.getByRole('list', { name: 'Runs' }).getByRole('link').click()
    await expect(page.getByRole('heading', { level: 2, name: 'It went back by itself' })).toBeVisible()
    await expect(step(page, /^Start the other engine: failed$/)).toBeVisible()
    await expect(step(page, /^Finish pushes and stop: undone$/)).toBeVisible()
    await expect(page.getByRole('region', { name: 'Where you are now' })).toContainText('zotbar-registry')
    await inBothSchemes(page, 'live-run-went-back')
    expect(seen.breaches).toEqual([])
  })
})

test.describe('an upgrade of the real app, in a browser', () => {
  test.describe.configure({ mode: 'serial', timeout: 120_000 })
  const asset = assetName(process) ?? ''
  let rig: UpgradeRig
  let server: ReleaseServer
  test.beforeEach(async () => {
    rig = await createUpgradeRig()
    server = await startReleaseServer()
    await rig.running()
    await rig.set('releases.url', server.url)
  })
  test.afterEach(async () => {
    await rig.end()
    await server.close()
  })

  function publish(behaviour: Behaviour): void {
    const file = rig.program(behaviour, 'v2.1.15')
    const sha256 = createHash('sha256').update(readFileSync(file)).digest('hex')
    server.put('v2.1.15', {
      notes: '## New\n* latest is a tag like any other',
      assets: [
        { name: asset, data: { file } },
        { name: 'checksums.sha256.txt', data: `${sha256} *${asset}\n` },
      ],
    })
  }
  async function open(page: Page): Promise<void> {
    await page.setViewportSize({ width: 960, height: 640 })
    const { url } = JSON.parse((await rig.zotbar('open', '--print', '--json')).stdout) as { url: string }
    await page.goto(url)
    await page.getByRole('navigation').getByRole('link', { name: 'Upgrade' }).click()
    await expect(page.getByText('latest is a tag like any other')).toBeVisible()
    await page.getByRole('button', { name: 'Upgrade to v2.1.15…' }).click()
    await page.getByRole('button', { name: 'Begin' }).click()
  }

  test('is chosen, begun, watched and done; and goes back the same way', async ({ page }) => {
    publish('good')
    const seen = watch(page)
    await open(page)
    await expect(page.getByRole('heading', { level: 2, name: 'Done' })).toBeVisible({ timeout: 60_000 })
    await inBothSchemes(page, 'live-upgrade')
    expect(await rig.version()).toBe('v2.1.15')
    await page.getByRole('button', { name: 'Done', exact: true }).click()
    await page.getByRole('button', { name: 'Go back to v2.1.13…' }).click()
    await page.getByRole('button', { name: 'Begin' }).click()
    // The way back has no published digest, so it asks.
    await page.getByRole('button', { name: 'Go back…', exact: true }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Go back', exact: true }).click()
    await expect(page.getByRole('heading', { level: 2, name: 'Done' })).toBeVisible({ timeout: 60_000 })
    expect(await rig.version()).toBe('v2.1.13')
    expect(seen.breaches).toEqual([])
  })

  test('that does not prove itself goes back, and is not offered as the next step', async ({ page }) => {
    publish('loses-tag')
    await rig.pushed()
    const seen = watch(page)
    await open(page)
    await expect(page.getByRole('heading', { level: 2, name: 'It went back by itself' })).toBeVisible({
      timeout: 60_000,
    })
    await expect(step(page, /^Prove that it works: failed$/)).toBeVisible()
    await inBothSchemes(page, 'live-upgrade-went-back')
    expect(await rig.version()).toBe('v2.1.13')
    await page.getByRole('button', { name: 'Done', exact: true }).click()
    await expect(page.getByText('failed here before')).toBeVisible()
    expect(seen.breaches).toEqual([])
  })
})
