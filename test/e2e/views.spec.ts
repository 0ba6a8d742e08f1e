import { expect } from '@playwright/test'
import type { Snapshot } from '../../contract/snapshot.ts'
import { inBothSchemes, watch } from './page-checks.ts'
import { ailing, empty, setAside, silent, snapshotOf, states, unreadable } from './snapshots.ts'
import { test } from './stage.ts'

/** Each state, and the headline that it is told by. */
const scenes: { name: string; of: (now: number) => Snapshot; headline: RegExp; says?: RegExp }[] = [
  { name: 'serving', of: now => snapshotOf(states.serving(now), now), headline: /^Serving$/ },
  {
    name: 'degraded',
    of: now => snapshotOf(states.serving(now), now, { service: { checkedAt: now - 3000, probes: ailing } }),
    headline: /^Degraded$/,
  },
  {
    name: 'silent',
    of: now => snapshotOf(silent(now, false), now),
    headline: /^Degraded$/,
    says: /It has not answered for 12.s/,
  },
  {
    name: 'overloaded',
    of: now => snapshotOf(silent(now, true), now),
    headline: /^Degraded$/,
    says: /It lives: it has more to do than it can/,
  },
  { name: 'starting', of: now => snapshotOf(states.starting(now), now), headline: /^Starting/ },
  { name: 'draining', of: now => snapshotOf(states.draining(now), now), headline: /^Restarting$/ },
  { name: 'stopping', of: now => snapshotOf(states.stopping(now), now), headline: /^Restarting$/ },
  {
    name: 'backing-off',
    of: now => snapshotOf(states['backing-off'](now), now),
    headline: /^Crashed; starts again in \d+\ss$/,
  },
  {
    name: 'crash-looping',
    of: now => snapshotOf(states['crash-looping'](now), now),
    headline: /^Does not stay up$/,
  },
  {
    name: 'foreign',
    of: now => snapshotOf(states.foreign(now), now),
    headline: /^Port 5050 is taken$/,
    says: /Serveszot v2\.1\.13/,
  },
  {
    name: 'foreign-hidden',
    of: now => snapshotOf(states['foreign-hidden'](now), now),
    headline: /^Port 5050 is taken$/,
    says: /Its process cannot be seen from here/,
  },
  { name: 'failed', of: now => snapshotOf(states.failed(now), now), headline: /^config.json has/ },
  {
    name: 'volume-gone',
    of: now => snapshotOf(states['volume-gone'](now), now),
    headline: /^The data volume is missing$/,
    says: /as of \d\d:\d\d/,
  },
  {
    name: 'folder-changed',
    of: now => snapshotOf(states['folder-changed'](now), now),
    headline: /^The data folder is not the one it was$/,
    says: /no push lands there/,
  },
  {
    name: 'unreadable',
    of: now => snapshotOf(states.serving(now), now, unreadable(now)),
    headline: /^Serving$/,
    says: /1.repository cannot be read.*team\/damaged/s,
  },
  { name: 'stopped', of: now => snapshotOf(states.stopped(now), now), headline: /^Not running$/ },
  { name: 'empty', of: empty, headline: /^Serving$/ },
  {
    name: 'nearly-full',
    of: now =>
      snapshotOf(states.serving(now), now, {
        notices: [
          setAside(now),
          { id: 'n2', at: now, kind: 'storage-nearly-full', freeBytes: 3e9, volumeBytes: 494e9 },
        ],
      }),
    headline: /^Serving, one thing to do$/,
  },
]

for (const scene of scenes) {
  test(`the popover says ${scene.name}`, async ({ app, page }) => {
    const seen = watch(page)
    await page.setViewportSize({ width: 408, height: 640 })
    // The page's time stands: it says how long something has lasted.
    const now = Date.now()
    await page.clock.setFixedTime(now)
    app.say(scene.of(now))
    await page.goto(app.link('popover'))
    const popover = page.getByRole('dialog', { name: scene.headline })
    await expect(popover.getByRole('status').getByRole('heading', { level: 1 })).toHaveText(scene.headline)
    if (scene.says) await expect(popover).toContainText(scene.says)
    await inBothSchemes(page, `popover-${scene.name}`)
    expect(seen.breaches).toEqual([])
  })

  test(`the overview says ${scene.name}`, async ({ app, page }) => {
    const seen = watch(page)
    await page.setViewportSize({ width: 960, height: 640 })
    // The page's time stands: it says how long something has lasted.
    const now = Date.now()
    await page.clock.setFixedTime(now)
    app.say(scene.of(now))
    await page.goto(app.link('window'))
    await expect(
      page.getByRole('main').getByRole('heading', { level: 2, name: scene.headline }),
    ).toBeVisible()
    await expect(page.getByRole('status').getByText(scene.headline)).toBeVisible()
    if (scene.says) await expect(page.getByRole('main')).toContainText(scene.says)
    await inBothSchemes(page, `overview-${scene.name}`)
    expect(seen.breaches).toEqual([])
  })
}
