import { expect, type Page } from '@playwright/test'
import { ok } from '../../contract/result.ts'
import { inBothSchemes } from './page-checks.ts'
import { snapshotOf, states } from './snapshots.ts'
import { test } from './stage.ts'

const heading = (page: Page) => page.getByRole('heading', { level: 1 })
const views = (page: Page) => page.getByRole('navigation', { name: 'Views' })

/** Counts what the page throws past every boundary. */
function thrown(page: Page): string[] {
  const errors: string[] = []
  page.on('pageerror', error => errors.push(error.message))
  return errors
}

for (const hash of ['#run/%', '#run/%E0%A4%A', '#nothing/%', '#%'])
  test(`an address that cannot be read (${hash}) goes to the overview`, async ({ app, page }) => {
    const errors = thrown(page)
    await page.goto(app.link('window'))
    await expect(heading(page)).toHaveText('Overview')
    await views(page).getByRole('link', { name: 'Images' }).click()
    await page.evaluate(to => location.assign(to), hash)
    await expect(heading(page)).toHaveText('Overview')
    await page.reload()
    await expect(heading(page)).toHaveText('Overview')
    expect(errors).toEqual([])
  })

test('a view that cannot be drawn leaves the others and the state, and begins anew', async ({
  app,
  page,
}) => {
  const image = { repository: 'team/app', tag: '1', digest: 'sha256:a', size: 1, platforms: undefined }
  app.replies.set('images.list', () => ok({ images: [image], timesKnown: true }))
  await page.setViewportSize({ width: 960, height: 640 })
  await page.goto(app.link('window'))
  await views(page).getByRole('link', { name: 'Images' }).click()
  await expect(heading(page)).toHaveText('Images cannot be shown')
  await expect(page.getByRole('main')).toContainText('The registry goes on')
  await expect(page.getByRole('main')).not.toContainText(/undefined|TypeError|\.tsx|\.js/)
  await expect(page.getByRole('status')).toContainText('Serving')
  await inBothSchemes(page, 'view-broken')
  await views(page).getByRole('link', { name: 'Overview' }).click()
  await expect(page.getByRole('heading', { level: 2, name: 'Serving' })).toBeVisible()

  app.replies.set('images.list', () => ok({ images: [{ ...image, platforms: [] }], timesKnown: true }))
  await views(page).getByRole('link', { name: 'Images' }).click()
  await expect(page.getByRole('row', { name: 'team/app:1' })).toBeVisible()
})

for (const name of ['window', 'popover'] as const)
  test(`a ${name} that cannot be drawn says so, and can be loaded again`, async ({ app, page }) => {
    const now = Date.now()
    app.say({ ...snapshotOf(states.serving(now), now), notices: undefined as never })
    await page.setViewportSize({ width: name === 'window' ? 960 : 408, height: 640 })
    await page.goto(app.link(name))
    await expect(heading(page)).toHaveText('This page cannot be shown')
    await inBothSchemes(page, `${name}-broken`)
    app.say(snapshotOf(states.serving(now), now + 1))
    await page.getByRole('button', { name: 'Reload' }).click()
    await expect(page.getByText('Serving').first()).toBeVisible()
  })
