import { expect, type Page } from '@playwright/test'
import type { Image } from '../../contract/image.ts'
import type { ApiKey } from '../../contract/key.ts'
import { ok } from '../../contract/result.ts'
import { inBothSchemes, watch } from './page-checks.ts'
import { test } from './stage.ts'
import type { StagedApp } from './staged-app.ts'

const day = 86_400_000
const secret = `zak_${'5'.repeat(32)}`

const image = (at: number): Image => ({
  repository: `team/app-${String(Math.floor(at / 10)).padStart(4, '0')}`,
  tag: `1.${at % 10}`,
  digest: `sha256:${String(at).padStart(64, 'a')}`,
  platforms: at % 3 === 0 ? ['linux/amd64', 'linux/arm64', 'linux/arm/v7'] : ['linux/amd64'],
  size: 12_000_000 + at,
  pushedAt: Date.now() - at * 60_000,
  pushedBy: 'ci',
  ...(at % 2 === 0 ? { lastPulled: Date.now() - at * 1_000 } : {}),
})

const key = (user: string, days: number): ApiKey => ({
  uuid: `uuid-${user}`,
  user,
  label: `${user} label`,
  createdAt: new Date(Date.now() - day).toISOString(),
  expirationDate: new Date(Date.now() + days * day + 60_000).toISOString(),
  lastUsed: days > 50 ? new Date(Date.now() - 3_600_000).toISOString() : null,
  managed: false,
})

/** A registry of so many tags and these keys, as the app would answer for it. */
function fill(app: StagedApp, tags: number, keys: ApiKey[] = []): void {
  let images = Array.from({ length: tags }, (_, at) => image(at))
  app.replies.set('images.list', input => {
    const { after, limit } = input as { after?: string; limit: number }
    const from = after === undefined ? 0 : Number(after)
    const page = images.slice(from, from + limit)
    const next = from + limit < images.length ? { next: String(from + limit) } : {}
    return ok({ images: page, timesKnown: true, ...next })
  })
  app.replies.set('images.delete', input => {
    const { repository, reference } = input as { repository: string; reference: string }
    images = images.filter(one => one.repository !== repository || one.tag !== reference)
    return ok({ repository, reference, digest: '', tagOnly: true })
  })
  let kept = keys
  app.replies.set('keys.managed', () => ok({ keys: [], store: 'the keychain' }))
  app.replies.set('keys.list', () => ok({ keys: kept }))
  app.replies.set('keys.create', input => {
    const { user, label } = input as { user: string; label: string }
    kept = [...kept, { ...key(user, 90), label }]
    return ok({ uuid: `uuid-${user}`, user, label, expirationDate: null })
  })
  app.replies.set('keys.reveal', () => ok({ apiKey: secret }))
  app.replies.set('keys.revoke', input => {
    const { uuid } = input as { uuid: string }
    kept = kept.filter(one => one.uuid !== uuid)
    return ok({ revoked: [uuid], descendants: uuid === 'uuid-ci' ? ['uuid-minted'] : [] })
  })
}

async function open(app: StagedApp, page: Page, view: string): Promise<{ breaches: string[] }> {
  const seen = watch(page)
  await page.setViewportSize({ width: 960, height: 640 })
  await page.goto(app.link('window'))
  await page.getByRole('navigation').getByRole('link', { name: view }).click()
  await expect(page.getByRole('heading', { level: 1 })).toHaveText(view)
  return seen
}

test('images: a list of 10,000 tags, of which only those in sight are drawn', async ({ app, page }) => {
  fill(app, 10_000)
  const seen = await open(app, page, 'Images')
  await expect(page.getByText('1,000 repositories, 10,000 tags')).toBeVisible()
  const grid = page.getByRole('grid', { name: 'Images' })
  await expect(grid).toHaveAttribute('aria-rowcount', '10001')
  expect(await grid.getByRole('row').count()).toBeLessThan(60)
  await grid.focus()
  await page.keyboard.press('End')
  const last = grid.getByRole('row', { name: 'team/app-0999:1.9' })
  await expect(last).toBeInViewport()
  await expect(last).toHaveAttribute('aria-selected', 'true')
  await page.keyboard.press('Home')
  await page.keyboard.press('ArrowDown')
  await expect(grid.getByRole('row', { name: 'team/app-0000:1.1' })).toBeInViewport()
  await expect(page.getByText('docker pull 127.0.0.1:5050/team/app-0000:1.1')).toBeVisible()
  await inBothSchemes(page, 'images')
  expect(seen.breaches).toEqual([])
})

test('images: are found by words and digest', async ({ app, page }) => {
  fill(app, 200)
  await open(app, page, 'Images')
  await page.getByRole('searchbox', { name: 'Find images' }).fill('app-0003 1.4')
  await expect(page.getByRole('grid').getByRole('row')).toHaveCount(2)
  await page.getByRole('searchbox', { name: 'Find images' }).fill('no such thing')
  await expect(page.getByText('No image matches.')).toBeVisible()
})

test('images: one is deleted only after the sheet said what that means', async ({ app, page }) => {
  fill(app, 12)
  await open(app, page, 'Images')
  await page.getByRole('row', { name: 'team/app-0000:1.3' }).click()
  await page.getByRole('button', { name: 'Delete…' }).click()
  const sheet = page.getByRole('dialog', { name: 'Delete team/app-0000:1.3?' })
  await sheet.getByRole('button', { name: 'Cancel' }).click()
  expect(app.asked.map(([name]) => name)).not.toContain('images.delete')
  await page.getByRole('button', { name: 'Delete…' }).click()
  await sheet.getByRole('button', { name: 'Delete' }).click()
  await expect(page.getByRole('row', { name: 'team/app-0000:1.3' })).toHaveCount(0)
  expect(app.asked).toContainEqual(['images.delete', { repository: 'team/app-0000', reference: '1.3' }])
})

test('images: an empty registry says how to fill it', async ({ app, page }) => {
  fill(app, 0)
  const seen = await open(app, page, 'Images')
  await expect(page.getByText('docker push 127.0.0.1:5050/team/app:1')).toBeVisible()
  await inBothSchemes(page, 'images-empty')
  expect(seen.breaches).toEqual([])
})

test('keys: with their ends; one is revoked after a sheet, and what it minted is offered', async ({
  app,
  page,
}) => {
  fill(app, 0, [key('ci', 9), key('renovate', 69), key('old', -1)])
  const seen = await open(app, page, 'Keys')
  await expect(page.getByText('2 keys, 1 ended')).toBeVisible()
  await expect(page.getByText('9 days left', { exact: true })).toBeVisible()
  await inBothSchemes(page, 'keys')
  await page.getByRole('button', { name: 'Revoke the key of ci, ci label' }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'Revoke' }).click()
  await expect(page.getByText('1 key that the revoked one created still works.')).toBeVisible()
  await page.getByRole('button', { name: 'Revoke it too' }).click()
  await expect.poll(() => app.asked.filter(([name]) => name === 'keys.revoke').length).toBe(2)
  expect(seen.breaches).toEqual([])
})

test('keys: a copied secret leaves the clipboard after 45 s', async ({ app, page, context }) => {
  fill(app, 0)
  await context.grantPermissions(['clipboard-read', 'clipboard-write'])
  await page.clock.install()
  await open(app, page, 'Keys')
  await page.getByRole('button', { name: 'New key…' }).click()
  const form = page.getByRole('dialog', { name: 'New key' })
  await form.getByLabel('User', { exact: true }).fill('ci')
  await form.getByRole('button', { name: 'Create key' }).click()
  await page.getByRole('button', { name: 'Reveal' }).click()
  await page.getByRole('button', { name: 'Copy key of ci' }).click()
  const clipboard = (): Promise<string> => page.evaluate(() => navigator.clipboard.readText())
  await expect.poll(clipboard).toBe(secret)
  await page.clock.fastForward(46_000)
  await expect.poll(clipboard).toBe('')
})
