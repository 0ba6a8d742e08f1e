import { expect, type Page } from '@playwright/test'
import type { Failure } from '../../contract/failure.ts'
import { fail, ok } from '../../contract/result.ts'
import type { RunbookProgress } from '../../contract/runbook.ts'
import { inBothSchemes, watch } from './page-checks.ts'
import { asking, building, ended, inTheGate, notAllProven, wentBack } from './runs.ts'
import { snapshotOf, states } from './snapshots.ts'
import { test } from './stage.ts'
import type { StagedApp } from './staged-app.ts'

/** The app says that this run is under way, or that none is. */
function underWay(app: StagedApp, runbook?: RunbookProgress): void {
  const now = Date.now()
  app.say(snapshotOf(states.serving(now), now, runbook ? { runbook } : {}))
}

async function open(app: StagedApp, page: Page): Promise<{ breaches: string[] }> {
  const seen = watch(page)
  await page.setViewportSize({ width: 960, height: 640 })
  await page.goto(app.link('window'))
  return seen
}

const step = (page: Page, name: RegExp) => page.getByRole('list', { name: 'Steps' }).getByText(name)

test('a run under way: its steps with their states, the parts of the one at hand, and what cancelling does', async ({
  app,
  page,
}) => {
  underWay(app, inTheGate(Date.now()))
  app.replies.set('runbooks.cancel', () => ok(null))
  const seen = await open(app, page)
  await page.getByRole('main').getByRole('button', { name: 'Show steps' }).click()
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('Upgrade to zot v2.1.15')
  await expect(page.getByText('step 10 of 11')).toBeVisible()
  await expect(page.locator('[aria-current=step]')).toContainText('Prove that it works: under way')
  await expect(step(page, /^Swap: done$/)).toBeVisible()
  await expect(step(page, /^Keep v2.1.15: to come$/)).toBeVisible()
  await expect(page.getByText('no way back after this')).toBeVisible()
  await expect(page.getByText('9 of 12')).toBeVisible()
  await inBothSchemes(page, 'run')

  await page.getByRole('button', { name: 'Cancel and put back…' }).click()
  const sheet = page.getByRole('dialog', { name: 'Cancel and put back?' })
  await expect(sheet).toContainText('the version before is put back')
  await expect(sheet.getByRole('button', { name: 'Go on' })).toBeFocused()
  await page.keyboard.press('Escape')
  expect(app.asked).toEqual([])
  await page.getByRole('button', { name: 'Cancel and put back…' }).click()
  await sheet.getByRole('button', { name: 'Cancel and put back' }).click()
  await expect.poll(() => app.asked).toEqual([['runbooks.cancel', {}]])
  await expect(page.getByRole('button', { name: /Cancel/ })).toHaveCount(0)
  expect(seen.breaches).toEqual([])
})

test('a run that ends while it is looked at says what went wrong, what was done, and where things are', async ({
  app,
  page,
}) => {
  const now = Date.now()
  underWay(app, inTheGate(now))
  app.replies.set('runbooks.show', () => ok(wentBack(now)))
  app.replies.set('runbooks.history', () => ok({ runs: ended(now) }))
  const seen = await open(app, page)
  await page.getByRole('link', { name: 'Show steps' }).click()
  await expect(page.getByText('step 10 of 11')).toBeVisible()
  underWay(app)
  await expect(page.getByRole('heading', { level: 2, name: 'It went back by itself' })).toBeVisible()
  expect(app.asked).toEqual([['runbooks.show', { run: inTheGate(now).run }]])
  await expect(page.getByRole('region', { name: 'What went wrong' })).toContainText('fatal')
  await expect(page.getByRole('region', { name: 'What was done' })).toContainText('Start v2.1.15; Swap;')
  await expect(page.getByRole('region', { name: 'Where you are now' })).toContainText('Serving')
  await expect(step(page, /^Keep v2.1.15: not reached$/)).toBeVisible()
  await inBothSchemes(page, 'run-went-back')
  await page.getByRole('button', { name: 'Done' }).click()
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('Overview')
  expect(seen.breaches).toEqual([])
})

test('a run that could not prove all of it is never shown as one that proved itself', async ({
  app,
  page,
}) => {
  const now = Date.now()
  underWay(app, inTheGate(now))
  app.replies.set('runbooks.show', () => ok(notAllProven(now)))
  app.replies.set('runbooks.history', () => ok({ runs: ended(now) }))
  const seen = await open(app, page)
  await page.getByRole('link', { name: 'Show steps' }).click()
  await expect(page.getByText('step 10 of 11')).toBeVisible()
  underWay(app)
  await expect(
    page.getByRole('heading', { level: 2, name: 'Done, but not all of it is proven' }),
  ).toBeVisible()
  const card = page.getByRole('region', { name: 'Not proven', exact: true })
  await expect(card).toContainText('12 of 40 tags could be asked for')
  await expect(card).toContainText('2 of 5 images could be pulled')
  await expect(step(page, /^Prove that it works: done, not all proven$/)).toBeVisible()
  await expect(page.locator('.parts')).toContainText('Pulls give the same bytes: unproven')
  await inBothSchemes(page, 'run-not-all-proven')
  await page.getByRole('button', { name: 'Done' }).click()
  await expect(page.getByRole('list', { name: 'Runs' })).toContainText('done, not all proven')
  await inBothSchemes(page, 'overview-not-all-proven')
  expect(seen.breaches).toEqual([])
})

test('a question is answered in the window; closing the sheet answers nothing', async ({ app, page }) => {
  underWay(app, asking(Date.now()))
  app.replies.set('runbooks.answer', () => ok(null))
  const seen = await open(app, page)
  await expect(page.getByRole('status').first()).toContainText('Switch from zotbar-registry')
  await page.getByRole('link', { name: 'Show steps' }).click()
  await expect(page.locator('[aria-current=step]')).toContainText('Ask for consent: waits for you')
  await page.getByRole('button', { name: 'Switch…' }).click()
  const sheet = page.getByRole('dialog', { name: 'Switch to zot?' })
  await inBothSchemes(page, 'run-question')
  await sheet.getByRole('button', { name: 'Later' }).click()
  expect(app.asked).toEqual([])
  await page.getByRole('button', { name: 'Switch…' }).click()
  await sheet.getByRole('button', { name: 'Switch', exact: true }).click()
  await expect
    .poll(() => app.asked)
    .toEqual([['runbooks.answer', { question: 'consent', agreed: true, run: expect.any(String) }]])
  await expect(sheet).toHaveCount(0)
  await page.getByRole('button', { name: 'Switch…' }).click()
  await sheet.getByRole('button', { name: 'Do not' }).click()
  await expect
    .poll(() => app.asked.at(-1))
    .toEqual(['runbooks.answer', { question: 'consent', agreed: false, run: expect.any(String) }])
  expect(seen.breaches).toEqual([])
})

test('the next question does not open by itself, though it comes before the answer has returned', async ({
  app,
  page,
}) => {
  underWay(app, asking(Date.now()))
  await open(app, page)
  const next = { id: 'q', title: 'A key of zot-ci', body: 'Make one.', confirm: 'Use it' }
  for (const where of ['overview', 'run']) {
    underWay(app, asking(Date.now()))
    await page.evaluate(to => location.assign(to), `#${where}`)
    await page.getByRole('button', { name: 'Switch…' }).click()
    const before = app.asked.length
    // It is not answered: the app asks the next thing first.
    await page.getByRole('dialog').getByRole('button', { name: 'Switch', exact: true }).click()
    await expect.poll(() => app.asked.length).toBe(before + 1)
    underWay(app, { ...asking(Date.now()), question: next })
    await expect(page.getByRole('button', { name: 'Use it…' })).toBeVisible()
    await expect(page.getByRole('dialog')).toHaveCount(0)
  }
})

test('a key that is wanted goes to the app alone, and leaves the page', async ({ app, page }) => {
  const question = { id: 'q', title: 'A key of zot-ci', body: 'Make one.', confirm: 'Use it' }
  underWay(app, { ...asking(Date.now()), question: { ...question, wants: { keyOf: 'zot-ci' } } })
  app.replies.set('keys.offerKey', () => ok(null))
  const seen = await open(app, page)
  await page.getByRole('link', { name: 'Show steps' }).click()
  await page.getByRole('button', { name: 'Use it…' }).click()
  const sheet = page.getByRole('dialog', { name: 'A key of zot-ci' })
  await sheet.getByRole('button', { name: 'Use it' }).click()
  await expect(sheet.getByRole('alert')).toHaveText('Paste the key first.')
  const field = sheet.getByLabel('Key of zot-ci')
  await expect(field).toHaveAttribute('type', 'password')
  await field.fill(' zak_secret ')
  await inBothSchemes(page, 'run-key-wanted')
  await sheet.getByRole('button', { name: 'Use it' }).click()
  await expect.poll(() => app.asked).toEqual([['keys.offerKey', { question: 'q', key: 'zak_secret' }]])
  await expect(sheet).toHaveCount(0)
  expect(await page.content()).not.toContain('zak_secret')
  expect(seen.breaches).toEqual([])
})

test('a key that is wanted can be had by signing in: by a link, or in a window of the app', async ({
  app,
  page,
}) => {
  // Four looks by axe.
  test.slow()
  const question = { id: 'q', title: 'A key of zot-ci', body: 'Make one.', confirm: 'Use it' }
  const signIn = { user: 'zot-ci', url: 'https://registry.example/zot/auth/login?provider=oidc' }
  underWay(app, { ...asking(Date.now()), question: { ...question, wants: { keyOf: 'zot-ci' }, signIn } })
  const seen = await open(app, page)
  await page.getByRole('link', { name: 'Show steps' }).click()
  const link = page.getByRole('link', { name: 'Sign in as zot-ci in a new tab' })
  await expect(link).toHaveAttribute('href', signIn.url)
  await expect(link).toHaveAttribute('rel', 'noreferrer')
  await page.getByRole('button', { name: 'Use it…' }).click()
  await inBothSchemes(page, 'run-sign-in')
  await page.getByRole('button', { name: 'Later' }).click()
  // An app connects meanwhile.
  const now = app.snapshot()
  app.say({ ...now, app: { ...now.app, offers: ['sign-in'] } })
  await expect(link).toHaveCount(0)
  const ended = { code: 'sign-in-ended', user: 'zot-ci', why: 'closed', blocked: ['https://ads.example'] }
  app.replies.set('keys.signIn', () => fail(ended as Failure))
  await page.getByRole('button', { name: 'Sign in as zot-ci…' }).click()
  await expect(page.getByRole('alert')).toContainText('Nobody signed in as zot-ci')
  await expect(page.getByRole('alert')).toContainText('It was not let go to https://ads.example.')
  await inBothSchemes(page, 'run-sign-in-window')
  expect(app.asked).toEqual([['keys.signIn', { question: 'q' }]])
  expect(seen.breaches).toEqual([])
})

test('the popover shows a run with its step, and answers its question', async ({ app, page }) => {
  const seen = watch(page)
  await page.setViewportSize({ width: 408, height: 640 })
  underWay(app, asking(Date.now()))
  app.replies.set('runbooks.answer', () => ok(null))
  await page.goto(app.link('popover'))
  await expect(page.getByText('step 2 of 4')).toBeVisible()
  await inBothSchemes(page, 'popover-run-asks')
  await page.getByRole('button', { name: 'Switch…' }).click()
  const sheet = page.getByRole('dialog', { name: 'Switch to zot?' })
  await inBothSchemes(page, 'popover-run-question')
  await sheet.getByRole('button', { name: 'Switch', exact: true }).click()
  await expect
    .poll(() => app.asked)
    .toEqual([['runbooks.answer', { question: 'consent', agreed: true, run: expect.any(String) }]])
  underWay(app, inTheGate(Date.now()))
  await expect(page.getByText('step 10 of 11')).toBeVisible()
  await page.getByRole('button', { name: 'Show steps' }).click()
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('Upgrade to zot v2.1.15')
  expect(seen.breaches).toEqual([])
})

test('a step that can be measured shows how much is done, and the output that it writes', async ({
  app,
  page,
}) => {
  underWay(app, building(Date.now()))
  const seen = await open(app, page)
  await page.getByRole('link', { name: 'Show steps' }).click()
  const meter = page.getByRole('progressbar', { name: 'Download v2.1.15' })
  await expect(meter).toHaveAttribute('aria-valuetext', 'Downloaded (42 MB of 119 MB)')
  await expect(page.getByText('go build -o bin/zot-linux-amd64')).toBeVisible()
  await expect(page.getByText('Nothing has changed yet.')).toBeVisible()
  await expect(page.getByRole('button', { name: 'Cancel…' })).toBeVisible()
  await inBothSchemes(page, 'run-measured')
  expect(seen.breaches).toEqual([])
})

test('a run that was over in a blink is asked for until its end is known', async ({ app, page }) => {
  const now = Date.now()
  let asked = 0
  app.replies.set('runbooks.show', () => {
    asked += 1
    const { step: _, ...progress } = inTheGate(now)
    return ok(asked === 1 ? { ...progress, changed: [] } : wentBack(now))
  })
  await page.goto(`${app.link('window')}`)
  await page.evaluate(() => location.assign('#run'))
  await expect(page.getByRole('heading', { level: 2, name: 'It went back by itself' })).toBeVisible()
})

test('what was done is listed, and each run opens with its steps', async ({ app, page }) => {
  const now = Date.now()
  app.replies.set('runbooks.history', () => ok({ runs: ended(now) }))
  app.replies.set('runbooks.show', () => ok(wentBack(now)))
  const seen = await open(app, page)
  await page.getByRole('link', { name: 'All 5' }).click()
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('What was done')
  await expect(page.getByRole('list', { name: 'Runs' }).getByRole('listitem')).toHaveCount(5)
  await inBothSchemes(page, 'runs')
  await page.getByRole('link', { name: 'Upgrade to zot v2.1.15' }).click()
  await expect(page.getByRole('heading', { level: 2, name: 'It went back by itself' })).toBeVisible()
  expect(app.asked).toEqual([['runbooks.show', { run: ended(now)[0]?.run }]])
  await page.getByRole('button', { name: 'Done' }).click()
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('What was done')
  expect(seen.breaches).toEqual([])
})

test('an upgrade fits a narrow page, and 200 % of zoom', async ({ app, page }) => {
  underWay(app, inTheGate(Date.now()))
  await open(app, page)
  await page.getByRole('link', { name: 'Show steps' }).click()
  await page.setViewportSize({ width: 480, height: 640 })
  await expect(page.getByText('no way back after this')).toBeVisible()
  const { wide, width } = await page.evaluate(() => ({
    wide: document.documentElement.scrollWidth,
    width: innerWidth,
  }))
  expect(wide).toBeLessThanOrEqual(width)
  await inBothSchemes(page, 'run-narrow')
})
