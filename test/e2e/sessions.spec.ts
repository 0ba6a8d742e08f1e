import { expect, type Page } from '@playwright/test'
import { inBothSchemes, watch } from './page-checks.ts'
import { asking } from './runs.ts'
import { snapshotOf, states } from './snapshots.ts'
import { test } from './stage.ts'
import type { StagedApp } from './staged-app.ts'

const hour = 3_600_000
const serving = (page: Page) => page.getByRole('heading', { level: 2, name: 'Serving' })
const headline = (page: Page) => page.getByRole('heading', { level: 1 })
const view = (page: Page, name: string) =>
  page.getByRole('navigation').getByRole('link', { name: new RegExp(`^${name}`) })
const button = (page: Page, name: string) => page.getByRole('button', { name, exact: true })

/** What a program that serves pages at the same address could read. */
const stored = (page: Page): Promise<string> =>
  page.evaluate(() => JSON.parse(localStorage.getItem('zotbar.session') ?? '{}').token ?? '')

/** Uses a token without a browser, as whoever has a copy of it would. */
async function useToken(app: StagedApp, token: string): Promise<number> {
  const { origin } = new URL(app.link('window'))
  const answer = await fetch(new URL('/api/app.snapshot', origin), {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-zotbar-session': token },
    body: '{}',
  })
  return answer.status
}

test.describe('a session in two tabs', () => {
  test('is one, however often and at once they are loaded', async ({ app, page }) => {
    await page.goto(app.link('window'))
    await expect(serving(page)).toBeVisible()
    const other = await page.context().newPage()
    await other.goto(page.url())
    await expect(serving(other)).toBeVisible()
    const seen = new Set<string>()
    for (let round = 0; round < 8; round += 1) {
      await Promise.all([page.reload(), other.reload()])
      seen.add(await stored(page))
    }
    await Promise.all([page, other].map(tab => expect(serving(tab)).toBeVisible()))
    // The last change may reach one of them a moment after the other.
    await expect.poll(async () => (await stored(page)) === (await stored(other))).toBe(true)
    expect(seen.size).toBeGreaterThan(2)
    app.aheadMs += hour
    for (const tab of [page, other]) await tab.reload()
    await Promise.all([page, other].map(tab => expect(serving(tab)).toBeVisible()))
    expect(app.snapshot().notices).toEqual([])
  })

  test('changes its token every ten minutes in one of them, and the other goes on with it', async ({
    app,
    page,
  }) => {
    await page.clock.install()
    await page.goto(app.link('window'))
    await expect(serving(page)).toBeVisible()
    const other = await page.context().newPage()
    await other.goto(page.url())
    await expect(serving(other)).toBeVisible()
    const before = await stored(other)
    app.aheadMs += 11 * 60_000
    await page.clock.fastForward(11 * 60_000)
    await expect.poll(() => stored(other)).not.toBe(before)
    app.answer = async () => ({ ok: true, value: app.snapshot() })
    await button(other, 'Restart').click()
    await expect.poll(() => app.asked.map(([name]) => name)).toContain('registry.restart')
    expect(app.snapshot().notices).toEqual([])
    expect(await useToken(app, await stored(page))).toBe(200)
  })

  test('ends in both where an older token is used again, and says why', async ({ app, page }) => {
    await page.goto(app.link('window'))
    await expect(serving(page)).toBeVisible()
    const read = await stored(page)
    const other = await page.context().newPage()
    await other.goto(page.url())
    await expect.poll(() => stored(other)).not.toBe(read)
    expect(await useToken(app, await stored(other))).toBe(200)
    expect(await useToken(app, read)).toBe(200)
    app.aheadMs += 10_000
    expect(await useToken(app, read)).toBe(401)
    for (const tab of [page, other]) {
      await expect(headline(tab)).toHaveText('This page is not signed in')
      await expect(tab.getByRole('main')).toContainText('somebody else may have read it in this browser')
      expect(await stored(tab)).toBe('')
    }
    await inBothSchemes(page, 'session-replayed')
    await page.goto(app.link('window'))
    await expect(page.getByRole('region', { name: 'Notices' })).toContainText(
      'A session of the dashboard was ended',
    )
    // The other tab is of the same browser, and comes back with it.
    await expect(serving(other)).toBeVisible()
    await inBothSchemes(page, 'session-replayed-notice')
  })

  test('ends in both with Sign out', async ({ app, page }) => {
    await page.goto(app.link('window'))
    await expect(serving(page)).toBeVisible()
    const other = await page.context().newPage()
    await other.goto(page.url())
    await expect(serving(other)).toBeVisible()
    const token = await stored(page)
    await button(page, 'Sign out').click()
    await expect(page.getByRole('main')).toContainText('You signed out, in all tabs of this browser.')
    await expect(other.getByRole('main')).toContainText('You signed out, in all tabs of this browser.')
    await expect.poll(() => useToken(app, token)).toBe(401)
    await inBothSchemes(page, 'session-left')
    expect(app.snapshot().notices).toEqual([])
  })
})

test.describe('a session that only looks', () => {
  const keys = { ok: true, value: { keys: [], store: 'the keychain' } } as const
  const all = {
    ok: true,
    value: {
      keys: [
        {
          uuid: '7d3a2c1e-0000-4000-8000-000000000001',
          user: 'ci',
          label: 'pipeline',
          createdAt: '2026-03-01T10:00:00.000Z',
          expirationDate: null,
          lastUsed: null,
          managed: false,
        },
      ],
    },
  } as const

  test('offers what it may do, says what it needs for the rest, and is full by a link', async ({
    app,
    page,
  }) => {
    app.replies.set('keys.managed', () => keys)
    app.replies.set('keys.list', () => all)
    const { breaches } = watch(page)
    await page.goto(app.link('window'))
    await expect(page.getByText(/^Full until/)).toBeVisible()
    await view(page, 'Keys').click()
    await expect(button(page, 'New key…')).toBeVisible()
    app.aheadMs += 12 * hour
    await page.reload()
    await expect(page.getByRole('region', { name: 'Session' })).toContainText('May only look')
    await expect(page.getByRole('note')).toContainText('To create, rotate, prove or revoke keys')
    await expect(page.getByRole('note')).toContainText('zotbar open')
    await expect(button(page, 'New key…')).toHaveCount(0)
    await expect(button(page, 'Revoke the key of ci, pipeline')).toHaveCount(0)
    await inBothSchemes(page, 'session-looking-keys')
    await view(page, 'Overview').click()
    await expect(button(page, 'Restart')).toBeVisible()
    await inBothSchemes(page, 'session-looking')
    await view(page, 'Keys').click()

    const other = await page.context().newPage()
    await other.goto(app.link('window'))
    await expect(serving(other)).toBeVisible()
    await expect(button(page, 'New key…')).toBeVisible()
    await expect(page.getByRole('note')).toHaveCount(0)
    expect(breaches).toEqual([])
  })

  test('is refused by the core itself, and the page says what to do', async ({ app, page }) => {
    app.replies.set('images.list', () => ({
      ok: true,
      value: {
        images: [
          {
            repository: 'team/app',
            tag: '1',
            digest: `sha256:${'a'.repeat(64)}`,
            platforms: ['linux/amd64'],
            size: 12_300_000,
          },
        ],
        timesKnown: true,
      },
    }))
    await page.goto(app.link('window'))
    await view(page, 'Images').click()
    await page.getByText('team/app').first().click()
    await expect(button(page, 'Delete…')).toBeVisible()
    app.aheadMs += 12 * hour
    await button(page, 'Delete…').click()
    await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click()
    await expect(page.getByRole('alert')).toContainText('This page may only look')
    await expect(page.getByRole('alert')).toContainText('zotbar open')
    await inBothSchemes(page, 'session-refused')
    expect(app.asked.map(([name]) => name)).not.toContain('images.delete')
    await page.reload()
    await page.getByText('team/app').first().click()
    await expect(page.getByRole('note')).toContainText('To delete images, open a fresh link in this browser')
    await inBothSchemes(page, 'session-looking-image')
  })
})

test('a session that only looks sees a choice and a run, and is offered no answer', async ({ app, page }) => {
  const now = Date.now()
  await page.goto(app.link('window'))
  await expect(serving(page)).toBeVisible()
  app.aheadMs += 12 * hour
  app.say(snapshotOf(states.undecided(now), now))
  await page.reload()
  await expect(page.getByRole('note')).toContainText('To choose, open a fresh link in this browser')
  for (const name of ['Use zot', 'Use zotbar-registry…']) await expect(button(page, name)).toHaveCount(0)
  await expect(button(page, 'Look again')).toBeVisible()
  await inBothSchemes(page, 'session-looking-choice')
  await page.goto(new URL('/popover.html', page.url()).href)
  await expect(page.getByRole('note')).toContainText('To choose')
  await inBothSchemes(page, 'session-looking-choice-popover')

  app.say(snapshotOf(states.serving(now), now, { runbook: asking(now) }))
  await expect(page.getByRole('note')).toContainText('To answer')
  await inBothSchemes(page, 'session-looking-run-popover')
  await page.goto(new URL('/window.html#run', page.url()).href)
  await expect(page.getByRole('note').first()).toContainText('To answer')
  await expect(page.getByRole('note').last()).toContainText('To cancel it')
  await inBothSchemes(page, 'session-looking-run')
})

test('a page under the name localhost goes to the address that nobody else answers', async ({
  app,
  page,
}) => {
  const link = new URL(app.link('window'))
  const { port } = link
  await page.goto(link.href.replace('127.0.0.1', 'localhost'))
  await expect(serving(page)).toBeVisible()
  expect(new URL(page.url()).host).toBe(`127.0.0.1:${port}`)
  await page.goto(`http://localhost:${port}/assets/none`)
  expect(await page.evaluate(() => localStorage.length)).toBe(0)
})

test('a port that another program has is said at a glance', async ({ app, page }) => {
  const now = Date.now()
  const held = {
    kind: 'no-dashboard',
    id: 'n',
    at: now,
    port: 5051,
    pid: 4711,
    command: '/usr/bin/other -p 5051',
  } as const
  app.say({ ...snapshotOf(states.serving(now), now), notices: [held] })
  await page.goto(app.link('window'))
  await expect(page.getByRole('region', { name: 'Notices' })).toContainText(
    'There is no dashboard: port 5051 is taken',
  )
  await expect(page.getByRole('region', { name: 'Notices' })).toContainText('other (process 4711) has it')
  await inBothSchemes(page, 'no-dashboard')
  await page.goto(app.link('popover'))
  await expect(page.getByRole('region', { name: 'Notice' })).toContainText('port 5051 is taken')
  await inBothSchemes(page, 'no-dashboard-popover')
})
