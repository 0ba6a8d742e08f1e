import { expect, type Page } from '@playwright/test'
import type { ManagedKey } from '../../contract/key.ts'
import { fail, ok } from '../../contract/result.ts'
import type { Snapshot } from '../../contract/snapshot.ts'
import {
  ci,
  ended,
  glanceOf,
  listed,
  plan,
  proving,
  renovate,
  stale,
  switched,
  withNext,
} from './cared-keys.ts'
import { inBothSchemes, watch } from './page-checks.ts'
import { snapshotOf, states } from './snapshots.ts'
import { test } from './stage.ts'
import type { StagedApp } from './staged-app.ts'

// A whole rotation in one test, on a machine that may do other things.
test.slow()

/** These keys are managed; `part` of the snapshot is different. */
function care(app: StagedApp, keys: ManagedKey[], part: Partial<Snapshot> = {}): void {
  const now = Date.now()
  app.replies.set('keys.managed', () => ok({ keys, store: 'the keychain' }))
  app.replies.set('keys.list', () => ok({ keys: keys.map(listed) }))
  app.replies.set('settings.get', () => ok({ key: 'rotation.overlap', value: '24h' }))
  app.say(snapshotOf(states.serving(now), now, { managedKeys: keys.map(glanceOf), ...part }))
}

async function open(app: StagedApp, page: Page): Promise<{ breaches: string[] }> {
  const seen = watch(page)
  await page.setViewportSize({ width: 960, height: 640 })
  await page.goto(app.link('window'))
  await page.getByRole('navigation').getByRole('link', { name: /^Keys/ }).click()
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('Keys')
  return seen
}
const button = (page: Page, name: string) => page.getByRole('button', { name, exact: true })
const wishes = (app: StagedApp) =>
  app.asked.filter(([name]) => name === 'keys.rotate').map(([, wish]) => wish)

/** Presses Tab until this has the focus, as somebody without a mouse does. */
async function tabTo(page: Page, name: string | RegExp): Promise<void> {
  const wanted = page.getByRole('button', { name }).or(page.getByRole('combobox', { name })).first()
  await expect(wanted).toBeVisible()
  for (let presses = 0; presses < 60; presses += 1) {
    if (await wanted.evaluate(element => element === document.activeElement)) return
    await page.keyboard.press('Tab')
  }
  await expect(wanted).toBeFocused()
}

test('the path of the file with the secrets stays within its card', async ({ app, page }) => {
  const keys = [renovate(Date.now())]
  care(app, keys)
  const store = `/${'home'.repeat(30)}/keys.plain.json, NOT encrypted`
  app.replies.set('keys.managed', () => ok({ keys, store }))
  await open(app, page)
  const card = page.getByRole('region', { name: 'Where secrets are' })
  await expect(card).toContainText('NOT encrypted')
  expect(await card.evaluate(box => box.scrollWidth <= box.clientWidth)).toBe(true)
})

test('managed keys: lives, sinks, notices, what is amiss, and one key before', async ({ app, page }) => {
  const now = Date.now()
  care(app, [renovate(now), ci(now, { drift: [stale] })])
  const seen = await open(app, page)
  const list = page.getByRole('list', { name: 'Managed keys' })
  await expect(list.getByRole('listitem', { name: 'Key of zot-ci' })).toContainText('9 days left')
  await expect(list.getByRole('img', { name: '9 of 90 days are left', exact: true })).toBeVisible()
  await expect(list.getByRole('list', { name: 'Sinks of the key of zot-ci' })).toContainText('read back')
  await expect(page.getByRole('navigation').getByRole('link', { name: /9 days left/ })).toBeVisible()
  await expect(page.getByRole('region', { name: 'Notices for zot-ci' })).toContainText('next in 2 days')
  await expect(page.getByRole('region', { name: 'Where secrets are' })).toContainText('In the keychain')
  await expect(page.getByText('holds another key. Hand it over again')).toBeVisible()
  await expect(page.locator('.fill')).toHaveCount(1)
  await inBothSchemes(page, 'keys-care')

  app.replies.set('keys.prove', () => ok({ user: 'zot-ci', works: true, checks: ended(now).parts }))
  await button(page, 'More about the key of zot-ci').click()
  await page.getByRole('menuitem', { name: 'Prove' }).click()
  await expect(page.getByRole('region', { name: 'Proof of the key of zot-ci' })).toContainText('It works.')
  expect(await page.getByRole('menuitem', { name: 'Show…' }).count()).toBe(0)

  care(app, [switched(now), renovate(now)])
  await expect(page.getByText(/The key before, .*, works until/)).toBeVisible()
  await expect(page.locator('.fill')).toHaveCount(0)
  app.replies.set('keys.endOverlap', () => fail({ code: 'busy', with: 'Upgrade to zot v2.1.15' }))
  await button(page, 'Revoke the old key now…').click()
  await page.getByRole('dialog').getByRole('button', { name: 'Revoke now' }).click()
  await expect(page.getByRole('alert')).toContainText('Upgrade to zot')
  expect(app.asked).toContainEqual(['keys.endOverlap', { user: 'zot-ci' }])

  await page.setViewportSize({ width: 480, height: 640 })
  const { wide, width } = await page.evaluate(() => ({
    wide: document.documentElement.scrollWidth,
    width: innerWidth,
  }))
  expect(wide).toBeLessThanOrEqual(width)
  expect(seen.breaches).toEqual([])
})

test('a rotation from the plan to its end, by the keyboard alone', async ({ app, page }) => {
  const now = Date.now()
  care(app, [ci(now), renovate(now)])
  app.replies.set('keys.rotate', input => {
    const { dryRun, overlap } = input as { dryRun: boolean; overlap?: string }
    if (dryRun) return ok({ plan: plan(overlap === '0') })
    care(app, [withNext(now), renovate(now)], { runbook: proving(now) })
    return ok({ run: proving(now).run })
  })
  app.replies.set('runbooks.show', () => ok(ended(now)))
  const seen = await open(app, page)
  await tabTo(page, 'Rotate the key of zot-ci')
  await page.keyboard.press('Enter')
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('Rotate the key of zot-ci')
  const places = page.getByRole('region', { name: 'Delivered to, in this order' }).getByRole('listitem')
  await expect(places).toHaveText([/1Password.*is read back/, /Forgejo secret.*unproven/, /Command on indri/])
  await expect(page.getByText('no way back after this')).toHaveCount(0)
  await tabTo(page, 'Both keys work for')
  await page.keyboard.press('Home')
  await expect(page.getByText('no way back after this')).toBeVisible()
  await tabTo(page, 'Begin')
  await page.keyboard.press('Enter')

  await expect(page.getByText('step 6 of 8')).toBeVisible()
  const two = page.getByRole('region', { name: 'Two keys work now' })
  await expect(two).toContainText('90 days left, until')
  await expect(two).toContainText('The current key was last used 15 min ago.')
  await expect(page.getByRole('region', { name: 'Delivered to' })).toContainText('read back, equal')
  await inBothSchemes(page, 'rotation-run')
  expect(wishes(app).at(-1)).toEqual({
    user: 'zot-ci',
    overlap: '0',
    leaked: false,
    yes: true,
    dryRun: false,
  })
  care(app, [switched(now), renovate(now)])
  await expect(page.getByRole('heading', { level: 2, name: 'Done' })).toBeVisible()
  await expect(two).toContainText('at the earliest')
  await tabTo(page, 'Done')
  await page.keyboard.press('Enter')
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('Keys')
  await expect(page.getByRole('list', { name: 'Managed keys' })).toContainText('89 days left')
  await inBothSchemes(page, 'keys-two')
  expect(seen.breaches).toEqual([])
})

test('a leaked key: what it means is said, and the run asks before anything changes', async ({
  app,
  page,
}) => {
  const now = Date.now()
  care(app, [ci(now)])
  app.replies.set('keys.rotate', input =>
    (input as { dryRun: boolean }).dryRun
      ? ok({ plan: plan(true) })
      : fail({ code: 'busy', with: 'Upgrade to zot v2.1.15' }),
  )
  const seen = await open(app, page)
  await button(page, 'Rotate the key of zot-ci').click()
  await button(page, 'This key has leaked…').click()
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('Replace the leaked key of zot-ci')
  await expect(page.getByText('no way back after this')).toBeVisible()
  await inBothSchemes(page, 'rotation-leaked')
  await button(page, 'Replace it…').click()
  await expect(page.getByRole('alert')).toContainText('Upgrade to zot')
  expect(wishes(app).slice(-2)).toEqual([
    { user: 'zot-ci', leaked: true, yes: false, dryRun: true },
    { user: 'zot-ci', leaked: true, yes: false, dryRun: false },
  ])
  await button(page, 'Back').click()
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('Rotate the key of zot-ci')
  expect(seen.breaches).toEqual([])
})

test('without a managed key, the command that adds one', async ({ app, page }) => {
  care(app, [])
  const seen = await open(app, page)
  const card = page.getByRole('region', { name: 'No managed key yet' })
  await expect(card).toContainText('zotbar keys manage USER --key-stdin --sink file:PATH')
  await inBothSchemes(page, 'keys-no-care')
  expect(seen.breaches).toEqual([])
})

test('the popover and the overview say that a key nears its end, and lead to it', async ({ app, page }) => {
  const now = Date.now()
  care(app, [ci(now), renovate(now)])
  const seen = watch(page)
  await page.setViewportSize({ width: 408, height: 640 })
  await page.goto(app.link('popover'))
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('Serving, one thing to do')
  await expect(page.getByRole('region', { name: 'Key of zot-ci' })).toContainText('Key zot-ci: 9 days left')
  await inBothSchemes(page, 'popover-key')
  await button(page, 'Rotate…').click()
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('Keys')
  await page.setViewportSize({ width: 960, height: 640 })
  await page.getByRole('navigation').getByRole('link', { name: 'Overview' }).click()
  await expect(page.getByRole('region', { name: 'Keys' })).toContainText('Key of zot-ci: 9 days left')
  expect(seen.breaches).toEqual([])
})
