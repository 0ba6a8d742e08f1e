import { expect, type Page } from '@playwright/test'
import { fail } from '../../contract/result.ts'
import { holdTime, inBothSchemes, watch } from './page-checks.ts'
import { empty, snapshotOf, states } from './snapshots.ts'
import { test } from './stage.ts'

const button = (page: Page, name: string | RegExp) => page.getByRole('button', { name })
const headline = (page: Page) => page.getByRole('heading', { level: 1 })

test.beforeEach(async ({ page }) => {
  await page.setViewportSize({ width: 408, height: 700 })
})

test('Restart is shown step by step, and then how long it took', async ({ app, page }) => {
  const seen = watch(page)
  // What is foretold stands for two seconds of the page's time at most.
  const at = await holdTime(page)
  await page.goto(app.link('popover'))
  await button(page, 'Restart').click()
  // At once, before the app has said anything.
  await expect(headline(page)).toHaveText('Restarting')
  const steps = page.getByRole('list', { name: 'Restart' }).getByRole('listitem')
  await expect(steps).toHaveText([/Finish.*under way/, /Stop.*not yet/, /Start.*not yet/, /Serve.*not yet/])
  await expect.poll(() => app.asked).toEqual([['registry.restart', { now: false }]])

  app.say(snapshotOf(states.draining(at), at))
  await expect(page.getByRole('region', { name: 'Pushes in progress' })).toContainText('212 MB so far')
  app.say(snapshotOf({ ...states.stopping(at), since: at + 200 }, at + 200))
  await expect(steps.nth(1)).toHaveAttribute('aria-current', 'step')
  app.say(
    snapshotOf(
      { kind: 'starting', since: at + 300, cause: 'asked-restart', pid: 5000, deadline: at + 9e5 },
      at + 300,
    ),
  )
  await expect(steps.nth(2)).toHaveAttribute('aria-current', 'step')
  const back = { kind: 'serving' as const, since: at + 700, pid: 5000, startedAt: at + 300, adopted: false }
  app.say(
    snapshotOf(back, at + 700, {
      journal: [{ id: 'r', at: at + 250, cause: 'asked-restart', downMs: 450, lastLines: [] }],
    }),
  )
  await expect(headline(page)).toHaveText('Serving')
  await expect(steps).toHaveText([/Finish.*done/, /Stop.*done/, /Start 0\.4.s.*done/, /Serve.*done/])
  await expect(page.getByRole('dialog')).toContainText(/Restarted in 0\.7\ss; 0\.[45]\ss without an answer/)
  await page.clock.resume()
  await inBothSchemes(page, 'popover-restarted')
  expect(seen.breaches).toEqual([])
})

test('a prediction that the app does not confirm gives way to the real state', async ({ app, page }) => {
  await holdTime(page)
  await page.goto(app.link('popover'))
  await button(page, 'Restart').click()
  await page.clock.runFor(1_900)
  await expect(headline(page)).toHaveText('Restarting')
  await page.clock.runFor(200)
  await expect(headline(page)).toHaveText('Serving')
  await expect(page.getByRole('list', { name: 'Restart' })).toHaveCount(0)
})

test('a command that fails is explained, and the prediction taken back', async ({ app, page }) => {
  app.answer = async () => fail({ code: 'busy', with: 'an upgrade' })
  await page.goto(app.link('popover'))
  await button(page, 'Restart').click()
  await expect(page.getByRole('alert')).toContainText('Zotbar is busy with this: an upgrade.')
  await expect(headline(page)).toHaveText('Serving')
})

test('cutting pushes asks first, and names how many', async ({ app, page }) => {
  const now = Date.now()
  app.say(snapshotOf(states.draining(now), now))
  await page.goto(app.link('popover'))
  await expect(button(page, 'Cancel restart')).toBeFocused()
  await button(page, 'Restart now…').click()
  const sheet = page.getByRole('dialog', { name: 'Restart without waiting?' })
  await expect(sheet).toContainText(/cuts 3\spushes/)
  await expect(button(page, 'Cancel').and(sheet.getByRole('button'))).toBeFocused()
  await inBothSchemes(page, 'popover-sheet')
  await page.keyboard.press('Escape')
  await expect(sheet).toHaveCount(0)
  await expect(button(page, 'Restart now…')).toBeFocused()
  expect(app.asked).toEqual([])
  await page.keyboard.press('Enter')
  await sheet.getByRole('button', { name: 'Restart now' }).click()
  await expect.poll(() => app.asked).toEqual([['registry.restart', { now: true }]])
})

test('the sheet goes away with the restart that it asks about', async ({ app, page }) => {
  const now = Date.now()
  app.say(snapshotOf(states.draining(now), now))
  await page.goto(app.link('popover'))
  await button(page, 'Restart now…').click()
  await expect(page.getByRole('dialog', { name: 'Restart without waiting?' })).toBeVisible()
  app.say(snapshotOf(states.serving(now), now + 1))
  await expect(page.getByRole('dialog', { name: 'Restart without waiting?' })).toHaveCount(0)
})

test('cancelling a restart reaches the app', async ({ app, page }) => {
  const now = Date.now()
  app.say(snapshotOf(states.draining(now), now))
  await page.goto(app.link('popover'))
  await button(page, 'Cancel restart').click()
  await expect.poll(() => app.asked).toEqual([['registry.cancel', {}]])
})

test('the keyboard goes from the first action through the rows to the footer', async ({ app, page }) => {
  const now = Date.now()
  app.say(snapshotOf(states['backing-off'](now), now))
  await page.goto(app.link('popover'))
  await expect(button(page, 'Start now')).toBeFocused()
  for (const name of ['Stop trying', 'Copy address', 'Open Zotbar']) {
    await page.keyboard.press('Tab')
    await expect(button(page, name)).toBeFocused()
  }
})

test('the keyboard is not lost when the focused button goes away', async ({ app, page }) => {
  await holdTime(page)
  await page.goto(app.link('popover'))
  await expect(button(page, 'Restart')).toBeFocused()
  await page.keyboard.press('Enter')
  await expect(headline(page)).toHaveText('Restarting')
  await expect(page.locator('body')).not.toBeFocused()
  await expect(page.locator(':focus')).toHaveCount(1)
})

test('the menu opens, moves and closes by keyboard', async ({ app, page }) => {
  await page.goto(app.link('popover'))
  await button(page, 'More actions').press('Enter')
  const stop = page.getByRole('menuitem', { name: 'Stop' })
  await expect(stop).toBeFocused()
  await page.keyboard.press('End')
  await expect(stop).toBeFocused()
  await inBothSchemes(page, 'popover-menu')
  await page.keyboard.press('Escape')
  await expect(page.getByRole('menu')).toHaveCount(0)
  await expect(button(page, 'More actions')).toBeFocused()
  await page.keyboard.press('Enter')
  await stop.press('Enter')
  await expect.poll(() => app.asked).toEqual([['registry.stop', {}]])
})

test('Stop is shown before the app has said anything', async ({ app, page }) => {
  await holdTime(page)
  await page.goto(app.link('popover'))
  await button(page, 'More actions').click()
  await page.getByRole('menuitem', { name: 'Stop' }).click()
  await expect(headline(page)).toHaveText('Stopping')
})

test('the address is copied, and that is announced', async ({ app, page, context }) => {
  await context.grantPermissions(['clipboard-read', 'clipboard-write'])
  await page.goto(app.link('popover'))
  await button(page, 'Copy address').click()
  await expect(page.getByText('Copied')).toBeAttached()
  expect(await page.evaluate(() => navigator.clipboard.readText())).toBe('127.0.0.1:5050')
})

test('copying works without the clipboard API', async ({ app, page, context }) => {
  await context.grantPermissions(['clipboard-read', 'clipboard-write'])
  await page.addInitScript(() => {
    navigator.clipboard.writeText = () => Promise.reject(new Error('denied'))
  })
  app.say(empty(Date.now()))
  await page.goto(app.link('popover'))
  await button(page, 'Copy command').click()
  await expect(page.getByText('Copied')).toBeAttached()
  expect(await page.evaluate(() => navigator.clipboard.readText())).toBe(
    'docker push 127.0.0.1:5050/NAME:TAG',
  )
})

test('the token leaves the address bar, and the page lives on after a reload', async ({ app, page }) => {
  await page.goto(app.link('window'))
  await expect(page.getByRole('heading', { level: 2, name: 'Serving' })).toBeVisible()
  expect(new URL(page.url()).hash).toBe('')
  await page.reload()
  await expect(page.getByRole('heading', { level: 2, name: 'Serving' })).toBeVisible()
})

test('without a session the page says how to get one, and takes a fresh link', async ({ app, page }) => {
  const link = new URL(app.link('window'))
  await page.goto(link.href.replace(link.hash, ''))
  await expect(headline(page)).toHaveText('This page is not signed in')
  await expect(page.getByRole('main')).toContainText('zotbar open')
  await inBothSchemes(page, 'signed-out')
  await page.goto(link.href)
  await expect(page.getByRole('heading', { level: 2, name: 'Serving' })).toBeVisible()
  await page.evaluate(() => localStorage.clear())
  await page.goto('about:blank')
  await page.goto(link.href)
  await expect(page.getByRole('main')).toContainText('Each link works once')
})

test('an app that is gone is told, with the last known state, and found again', async ({ app, page }) => {
  await page.goto(app.link('popover'))
  await expect(headline(page)).toHaveText('Serving')
  await app.close()
  await expect(headline(page)).toHaveText('Zotbar does not answer')
  await expect(page.getByRole('status')).toContainText(/Last known state as of .*: Serving/)
  await inBothSchemes(page, 'popover-lost')
  await expect(button(page, 'Restart')).toHaveCount(0)
  await app.open()
  // It tries ever less often, up to every 5 s, and at once when it is looked at again. The session is still the same.
  await expect(async () => {
    await page.evaluate(() => document.dispatchEvent(new Event('visibilitychange')))
    await expect(headline(page)).toHaveText('Serving', { timeout: 500 })
  }).toPass({ timeout: 20_000 })
})

test('the first paint is the last known state, marked as such', async ({ app, page }) => {
  await page.goto(app.link('popover'))
  await expect(headline(page)).toHaveText('Serving')
  await page.route('**/api/events', () => {})
  await page.reload()
  await expect(page.getByRole('status')).toContainText(/as of \d\d:\d\d/)
  await expect(headline(page)).toHaveText('Serving')
})

test('nothing turns for those who want less motion', async ({ app, page }) => {
  await page.emulateMedia({ reducedMotion: 'reduce' })
  const now = Date.now()
  app.say(snapshotOf(states.starting(now), now))
  await page.goto(app.link('popover'))
  await expect(headline(page)).toHaveText('Starting')
  expect(await page.evaluate(() => document.getAnimations().length)).toBe(0)
})

for (const width of [480, 820])
  test(`the window fits ${width} px without scrolling sideways`, async ({ app, page }) => {
    await page.setViewportSize({ width, height: 320 })
    const now = Date.now()
    app.say(snapshotOf(states['crash-looping'](now), now))
    await page.goto(app.link('window'))
    await expect(page.getByRole('heading', { level: 2, name: 'Does not stay up' })).toBeVisible()
    await inBothSchemes(page, `overview-${width}`)
    expect(await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)).toBeLessThanOrEqual(
      0,
    )
    await button(page, 'Try again now').click()
    await expect.poll(() => app.asked).toEqual([['registry.start', {}]])
  })

test('state changes are announced once, not with every second that passes', async ({ app, page }) => {
  const now = Date.now()
  app.say(snapshotOf(states['backing-off'](now), now))
  await page.goto(app.link('popover'))
  const status = page.getByRole('status')
  await expect(status).toHaveAttribute('aria-live', 'polite')
  await expect(status.locator('[aria-live=off]').first()).toHaveText(/^\d\ss$/)
  app.say(snapshotOf(states.failed(now), now + 1))
  await expect(status).toHaveAttribute('aria-live', 'assertive')
})

test("in the app's own window there are also the log, the documentation and Quit", async ({ app, page }) => {
  const now = Date.now()
  await page.addInitScript(
    ({ snapshot }) => {
      const asked: string[] = []
      const answer = (name: string) => (input: unknown) => {
        asked.push(`${name} ${JSON.stringify(input)}`)
        return Promise.resolve({ ok: true, value: name === 'app.snapshot' ? snapshot : null })
      }
      Object.assign(window, {
        asked,
        zotbar: {
          app: { snapshot: answer('app.snapshot'), open: answer('app.open'), quit: answer('app.quit') },
          registry: { start: answer('registry.start') },
          on: () => () => {},
          onLink(listener: (link: { kind: 'live' }) => void) {
            listener({ kind: 'live' })
            return () => {}
          },
          startCore() {},
        },
      })
    },
    { snapshot: snapshotOf(states['crash-looping'](now), now) },
  )
  await page.goto(app.link('popover'))
  await button(page, 'Show log').click()
  await button(page, 'Open Zotbar').click()
  await button(page, 'More actions').click()
  await expect(page.getByRole('menuitem')).toHaveText(['Documentation', 'Quit Zotbar'])
  await page.getByRole('menuitem', { name: 'Quit Zotbar' }).click()
  const asked = await page.evaluate(() => Reflect.get(window, 'asked'))
  expect(asked).toEqual([
    'app.snapshot {}',
    'app.open {"what":"log-folder"}',
    'app.open {"what":"window"}',
    'app.quit {}',
  ])
})
