import { expect } from '@playwright/test'
import type { Snapshot } from '../../contract/snapshot.ts'
import { inBothSchemes, watch } from './page-checks.ts'
import { snapshotOf, states } from './snapshots.ts'
import { test } from './stage.ts'

const scene = (now: number): Snapshot =>
  snapshotOf(states.serving(now), now, {
    engine: { id: 'zot', version: 'v2.1.13' },
    upgrade: {
      advisories: [
        {
          id: 'CVE-2026-31801',
          severity: 'warning',
          evidence:
            '/home/ada/.config/zot/config.json: http.accessControl.repositories["shipyard/**"].policies[0].actions = ["read","create"]',
          advice: 'Who may only create can overwrite the tag latest. Mended in v2.1.15.',
        },
      ],
    },
  })

test('the popover names the advisories against the zot that serves', async ({ app, page }) => {
  const seen = watch(page)
  await page.setViewportSize({ width: 408, height: 640 })
  app.say(scene(Date.now()))
  await page.goto(app.link('popover'))
  const popover = page.getByRole('dialog', { name: 'Serving' })
  await expect(popover.getByRole('region', { name: 'Advisories' })).toContainText('CVE-2026-31801')
  await expect(popover.getByRole('status')).toContainText(/1\sadvisory affects v2\.1\.13/)
  await inBothSchemes(page, 'popover-advisory')
  expect(seen.breaches).toEqual([])
})

test('the overview quotes what each advisory was seen by', async ({ app, page }) => {
  const seen = watch(page)
  await page.setViewportSize({ width: 960, height: 640 })
  app.say(scene(Date.now()))
  await page.goto(app.link('window'))
  const card = page.getByRole('region', { name: 'Advisories' })
  await expect(card).toContainText('policies[0].actions = ["read","create"]')
  await expect(card).toContainText('Mended in v2.1.15.')
  await inBothSchemes(page, 'overview-advisory')
  expect(seen.breaches).toEqual([])
})
