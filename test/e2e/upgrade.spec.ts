import { expect, type Page } from '@playwright/test'
import { fail, ok } from '../../contract/result.ts'
import type { Snapshot } from '../../contract/snapshot.ts'
import { inBothSchemes, watch } from './page-checks.ts'
import { inTheGate, wentBack } from './runs.ts'
import { snapshotOf, states } from './snapshots.ts'
import { test } from './stage.ts'
import type { StagedApp } from './staged-app.ts'
import { advisories, edit, plan, releases, upgradeState } from './versions.ts'

/** zot v2.1.13 serves, with advisories against it. */
function zot(app: StagedApp, part: Partial<Snapshot> = {}): void {
  const now = Date.now()
  app.say(
    snapshotOf(states.serving(now), now, {
      engine: { id: 'zot', version: 'v2.1.13' },
      upgrade: { advisories, newest: 'v2.1.15' },
      ...part,
    }),
  )
  app.replies.set('upgrade.state', () => ok(upgradeState(now)))
  app.replies.set('upgrade.releases', () => ok({ releases: releases(now), asOf: now }))
}

async function open(app: StagedApp, page: Page): Promise<{ breaches: string[] }> {
  const seen = watch(page)
  await page.setViewportSize({ width: 960, height: 640 })
  await page.goto(app.link('window'))
  await page.getByRole('navigation').getByRole('link', { name: 'Upgrade' }).click()
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('Upgrade')
  return seen
}
const wishes = (app: StagedApp) =>
  app.asked.filter(([name]) => name === 'upgrade.begin').map(([, wish]) => wish)
const button = (page: Page, name: string) => page.getByRole('button', { name, exact: true })

test('a version is chosen with its notes and what it means, planned, begun, watched, and read at its end', async ({
  app,
  page,
}) => {
  zot(app)
  const seen = await open(app, page)
  await expect(page.getByRole('navigation').getByRole('link', { name: 'Upgrade 2 advisories' })).toBeVisible()
  await expect(page.getByText('zot v2.1.13 runs, v2.1.15 is there; checked')).toBeVisible()
  await expect(page.getByRole('radio', { name: /v2.1.15/ })).toBeChecked()
  await expect(page.getByText('fix: check latest like any tag by @someone in #1234')).toBeVisible()
  await inBothSchemes(page, 'upgrade')

  app.replies.set('upgrade.begin', input =>
    ok((input as { dryRun: boolean }).dryRun ? { plan: plan() } : { run: inTheGate(0).run }),
  )
  await button(page, 'Upgrade to v2.1.15…').click()
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('Upgrade to zot v2.1.15')
  await expect(page.getByText('Its digest is published with the release')).toBeVisible()
  await expect(page.getByRole('list', { name: 'Steps' })).toContainText('not needed')
  await inBothSchemes(page, 'upgrade-plan')
  zot(app, { runbook: inTheGate(Date.now()) })
  // Begun by this window or not: while it is under way its steps are shown.
  await expect(page.getByText('step 10 of 11')).toBeVisible()
  await expect(page.getByRole('heading', { name: /What this release means/ })).toBeVisible()
  await inBothSchemes(page, 'upgrade-run')
  app.replies.set('runbooks.show', () => ok(wentBack(Date.now())))
  zot(app)
  await expect(page.getByRole('heading', { name: 'It went back by itself' })).toBeVisible()
  await expect(page.getByRole('region', { name: 'Where you are now' })).toContainText(
    '2 advisories affect v2.1.13',
  )
  await button(page, 'Done').click()
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('Upgrade')
  expect(seen.breaches).toEqual([])
})

test('begins what was planned: consent is given where the plan said it all, else asked for', async ({
  app,
  page,
}) => {
  zot(app)
  const answer = { current: plan() }
  app.replies.set('upgrade.begin', input =>
    (input as { dryRun: boolean }).dryRun
      ? ok({ plan: answer.current })
      : fail({ code: 'busy', with: 'Rotate the key of zot-ci' }),
  )
  const seen = await open(app, page)
  const wish = { to: 'v2.1.15', undo: false, allowDowngrade: false }
  await button(page, 'Upgrade to v2.1.15…').click()
  await button(page, 'Begin').click()
  await expect(page.getByRole('alert')).toContainText('Rotate the key of zot-ci')
  expect(wishes(app)).toEqual([
    { ...wish, dryRun: true, yes: false },
    { ...wish, dryRun: false, yes: true },
  ])
  await button(page, 'Back').click()

  answer.current = plan({ edit })
  await button(page, 'Upgrade to v2.1.15…').click()
  await expect(page.getByRole('region', { name: /Change of .*config.json/ })).toContainText('readTimeout')
  await inBothSchemes(page, 'upgrade-plan-edit')
  await button(page, 'Begin').click()
  await expect.poll(() => wishes(app).at(-1)).toEqual({ ...wish, dryRun: false, yes: false })
  await button(page, 'Back').click()

  answer.current = plan({ origin: 'unproven' })
  await button(page, 'Build from source…').click()
  await expect(page.getByText('Nobody vouches for where it comes from')).toBeVisible()
  await button(page, 'Begin').click()
  await expect.poll(() => wishes(app).at(-1)).toEqual({ ...wish, from: 'source', dryRun: false, yes: false })
  expect(seen.breaches).toEqual([])
})

test('an older version, the way back, and one that failed here say what they are', async ({ app, page }) => {
  zot(app)
  app.replies.set('upgrade.begin', () => ok({ plan: plan({ to: 'v2.1.11' }) }))
  const seen = await open(app, page)
  await page.getByRole('radio', { name: /v2.1.15/ }).focus()
  await page.keyboard.press('ArrowDown')
  await expect(page.getByRole('radio', { name: /v2.1.13.*runs now/ })).toBeChecked()
  await expect(page.getByRole('button', { name: /^Upgrade to/ })).toHaveCount(0)
  await page.getByText('v2.1.16', { exact: true }).click()
  await expect(page.getByText('It ended by itself at second 41 of 60.')).toBeVisible()
  await expect(button(page, 'Upgrade to v2.1.16…')).toBeVisible()
  await inBothSchemes(page, 'upgrade-bad')
  await page.getByText('v2.1.11', { exact: true }).click()
  await button(page, 'Install v2.1.11…').click()
  await expect.poll(() => wishes(app).at(-1)).toMatchObject({ to: 'v2.1.11', allowDowngrade: true })
  await button(page, 'Back').click()
  await button(page, 'Go back to v2.1.11…').click()
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('Go back to zot v2.1.11')
  await expect(page.getByText("It goes back with today's databases")).toBeVisible()
  expect(wishes(app).at(-1)).toMatchObject({ undo: true, dryRun: true })
  expect(seen.breaches).toEqual([])
})

test('what is in the way is said, and then nothing can be begun', async ({ app, page }) => {
  zot(app)
  app.replies.set('upgrade.releases', () =>
    ok({ releases: releases(Date.now()), asOf: 0, trouble: { code: 'busy', with: 'the list' } }),
  )
  const wall = {
    id: 'no-space',
    severity: 'error' as const,
    evidence: '1.2 GB free',
    advice: 'Too little space. Free 3 GB.',
  }
  app.replies.set('upgrade.begin', () => ok({ plan: plan({ findings: [wall] }) }))
  const seen = await open(app, page)
  await expect(page.getByRole('alert')).toBeVisible()
  await button(page, 'Upgrade to v2.1.15…').click()
  await expect(page.getByText('It cannot begin before what is marked in red')).toBeVisible()
  await expect(button(page, 'Begin')).toHaveCount(0)
  await inBothSchemes(page, 'upgrade-stopped')
  expect(seen.breaches).toEqual([])
})

test('with zotbar-registry it says that versions come with Zotbar, and how to change over to zot', async ({
  app,
  page,
}) => {
  app.replies.set('upgrade.state', () =>
    ok({
      engine: 'zotbar-registry',
      running: '0.1.0',
      installed: [],
      findings: [],
      sourceBuild: false,
      schedule: 'never',
    }),
  )
  const seen = await open(app, page)
  await expect(page.getByText('zotbar-registry 0.1.0 changes together with Zotbar')).toBeVisible()
  await expect(page.getByText('zotbar engine use zot')).toBeVisible()
  expect(app.asked.map(([name]) => name)).not.toContain('upgrade.releases')
  await inBothSchemes(page, 'upgrade-other-engine')
  expect(seen.breaches).toEqual([])
})
