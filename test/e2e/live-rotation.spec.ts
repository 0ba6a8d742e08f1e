import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from '@playwright/test'
import { createRotationRig, type RotationRig } from '../integration/rotation/rotation-rig.ts'
import { watch } from './page-checks.ts'

test.describe('a rotation of the real app, in a browser', () => {
  test.describe.configure({ timeout: 120_000 })
  let rig: RotationRig
  test.beforeEach(async () => {
    rig = await createRotationRig()
    await rig.begin()
  })
  test.afterEach(() => rig.end())

  test('is planned, begun, watched and done; no page hears a key', async ({ page }) => {
    const file = join(rig.folder, 'key')
    const { apiKey: old } = await rig.newKey('zot-ci')
    await rig.manage(old, `file:${file}`)
    const seen = watch(page)
    const heard: Promise<string>[] = []
    page.on('response', answer => {
      const { pathname } = new URL(answer.url())
      // The stream of events has no end; what it carries is on the page.
      if (pathname.startsWith('/api/keys.') || pathname.startsWith('/api/runbooks.'))
        heard.push(answer.text().catch(() => ''))
    })
    const link = await rig.client.app.dashboardLink({})
    await page.setViewportSize({ width: 960, height: 640 })
    await page.goto(link.ok ? link.value.url : '')
    await page.getByRole('navigation').getByRole('link', { name: 'Keys' }).click()
    const list = page.getByRole('list', { name: 'Managed keys' })
    await expect(list.getByRole('listitem', { name: 'Key of zot-ci' })).toContainText('read back')
    await page.getByRole('button', { name: 'Rotate the key of zot-ci' }).click()
    await expect(page.getByRole('combobox')).toHaveValue('24h')
    await page.getByRole('combobox').selectOption('1h')
    await page.getByRole('button', { name: 'Begin' }).click()
    await expect(page.getByRole('heading', { level: 2, name: 'Done' })).toBeVisible({ timeout: 40_000 })
    await expect(page.getByRole('region', { name: 'Two keys work now' })).toContainText('at the earliest')
    await page.getByRole('button', { name: 'Done', exact: true }).click()
    await expect(page.getByText(/The key before, .*, works until/)).toBeVisible()
    const fresh = readFileSync(file, 'utf8')
    expect(fresh).not.toBe(old)
    expect([await rig.letsIn(old), await rig.letsIn(fresh)]).toEqual([true, true])

    await page.getByRole('button', { name: 'Revoke the old key now…' }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Revoke now' }).click()
    await expect(page.getByRole('heading', { level: 2, name: 'Done' })).toBeVisible({ timeout: 40_000 })
    await page.getByRole('button', { name: 'Done', exact: true }).click()
    await expect(list).toBeVisible()
    await expect(page.getByText(/The key before, .*, works until/)).toHaveCount(0)
    expect([await rig.letsIn(old), await rig.letsIn(fresh)]).toEqual([false, true])
    expect(heard.length).toBeGreaterThan(5)
    const all = [await page.content(), ...(await Promise.all(heard))].join('\n')
    for (const secret of [old, fresh]) expect(all).not.toContain(secret.slice(4, 24))
    expect(seen.breaches).toEqual([])
  })
})
