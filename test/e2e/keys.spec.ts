import { expect, type Page } from '@playwright/test'
import type { ApiKey, EndingKey, KeyCreated } from '../../contract/key.ts'
import { fail, ok } from '../../contract/result.ts'
import type { Snapshot } from '../../contract/snapshot.ts'
import { inBothSchemes, watch } from './page-checks.ts'
import { snapshotOf, states } from './snapshots.ts'
import { test } from './stage.ts'
import type { StagedApp } from './staged-app.ts'

const hour = 3_600_000
const day = 24 * hour
const secret = `zak_${'7'.repeat(32)}`
const iso = (at: number): string => new Date(at).toISOString()

/** The same time of day so many days from now, by the clock on the wall. */
function inDays(days: number): number {
  const at = new Date()
  at.setDate(at.getDate() + days)
  return at.getTime()
}

const key = (label: string, endsAt: number, part: Partial<ApiKey> = {}): ApiKey => ({
  uuid: `uuid-${label}`,
  user: 'ci',
  label,
  createdAt: iso(endsAt - 90 * day),
  expirationDate: iso(endsAt),
  lastUsed: null,
  managed: false,
  descendants: 0,
  ...part,
})

function give(app: StagedApp, keys: readonly ApiKey[], part: Partial<Snapshot> = {}): void {
  const now = Date.now()
  app.replies.set('keys.managed', () => ok({ keys: [], store: 'the keychain' }))
  app.replies.set('keys.list', () => ok({ keys }))
  app.replies.set('images.list', () => ok({ images: [], timesKnown: true }))
  const ending = keys.flatMap(({ user, label, uuid, createdAt, expirationDate, lastUsed }): EndingKey[] =>
    expirationDate === null ? [] : [{ user, label, uuid, createdAt, expirationDate, lastUsed }],
  )
  const endingKeys = ending.length === 0 ? {} : { endingKeys: { count: ending.length, keys: ending } }
  app.say(snapshotOf(states.serving(now), now, { ...endingKeys, ...part }))
}

const created: KeyCreated = {
  uuid: 'uuid-new',
  user: 'ci',
  label: 'pipeline',
  expirationDate: iso(inDays(90)),
  lapsesAt: iso(Date.now() + 10 * 60_000),
  registry: '127.0.0.1:5050',
  warnings: [
    {
      code: 'read-only',
      user: 'ci',
      rule: { pattern: 'ci/**', isNew: true, users: ['ci'], actions: ['read', 'create'] },
    },
  ],
}

const button = (page: Page, name: string) => page.getByRole('button', { name, exact: true })
const view = (page: Page, name: string) =>
  page.getByRole('navigation').getByRole('link', { name: new RegExp(`^${name}`) })

async function open(app: StagedApp, page: Page): Promise<{ breaches: string[] }> {
  const seen = watch(page)
  await page.setViewportSize({ width: 960, height: 640 })
  await page.goto(app.link('window'))
  await view(page, 'Keys').click()
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('Keys')
  return seen
}

/** What was announced to screen readers last. */
const announced = (page: Page) => page.locator('div.vh[aria-live="polite"]')

test('a fresh secret stays until Done, whatever is looked at in between, with what the key lacks', async ({
  app,
  page,
}) => {
  give(app, [])
  let reveals = 0
  app.replies.set('keys.create', () => ok(created))
  app.replies.set('keys.reveal', () => {
    reveals += 1
    return reveals === 1 ? ok({ apiKey: secret }) : fail({ code: 'secret-gone', uuid: created.uuid })
  })
  const seen = await open(app, page)
  await button(page, 'New key…').click()
  const form = page.getByRole('dialog', { name: 'New key' })
  await form.getByLabel('User', { exact: true }).fill('ci')
  await form.getByLabel('Label').fill('pipeline')
  await form.getByLabel(/Narrowed to/).fill('repository:ci/**:read,create')
  await inBothSchemes(page, 'keys-new')
  await button(page, 'Create key').click()
  const card = page.getByRole('region', { name: 'New key of ci' })
  await expect(card).toContainText('pipeline; 90 days left, until')
  await expect(card).toContainText(/can be revealed once, until \d\d:\d\d; nobody can see it after that/)
  await expect(card).toContainText('docker login 127.0.0.1:5050 -u ci --password-stdin')
  await expect(card).toContainText('ci may pull, and not push')
  await expect(card).toContainText('"ci/**": { "policies": [{ "users": [ "ci" ]')
  await expect(card.getByRole('button', { name: 'Copy rule' })).toBeVisible()
  expect(app.asked).toContainEqual([
    'keys.create',
    { user: 'ci', label: 'pipeline', expires: '90d', scopes: ['repository:ci/**:read,create'] },
  ])
  expect(await page.content()).not.toContain(secret)
  await view(page, 'Images').click()
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('Images')
  await page.goBack()
  await button(page, 'Done').click()
  await page.getByRole('dialog', { name: 'Leave without its secret?' }).getByText('Cancel').click()
  await button(page, 'Reveal').click()
  await expect(card).toContainText(secret)
  await expect(button(page, 'Copy key of ci')).toBeFocused()
  await expect(card).toContainText('It stays here until Done')
  await inBothSchemes(page, 'keys-fresh-shown')

  for (const other of ['Overview', 'Images', 'Upgrade']) {
    await view(page, other).click()
    await expect(page.getByRole('heading', { level: 1 })).toHaveText(other)
    expect(await page.content()).not.toContain(secret)
  }
  await view(page, 'Keys').click()
  await expect(card).toContainText(secret)
  expect(reveals).toBe(1)
  await button(page, 'Done').click()
  await expect(card).toHaveCount(0)
  await view(page, 'Images').click()
  await view(page, 'Keys').click()
  await expect(card).toHaveCount(0)
  expect(await page.content()).not.toContain(secret)
  expect(seen.breaches).toEqual([])
})

test('a key that waits is there again after a reload, and says when nobody looked in time', async ({
  app,
  page,
}) => {
  give(app, [], { freshKeys: [created] })
  app.replies.set('keys.reveal', () => ok({ apiKey: secret }))
  await open(app, page)
  const card = page.getByRole('region', { name: 'New key of ci' })
  await expect(card).toBeVisible()
  await page.reload()
  await expect(card).toBeVisible()
  // Left without a look: the core forgets it, as it is asked for and thrown away.
  await button(page, 'Done').click()
  await page.getByRole('dialog').getByRole('button', { name: 'Leave it' }).click()
  await expect(card).toHaveCount(0)
  await expect.poll(() => app.asked.filter(([name]) => name === 'keys.reveal').length).toBe(1)
  expect(await page.content()).not.toContain(secret)

  app.say({ ...app.snapshot(), freshKeys: [{ ...created, uuid: 'late', lapsesAt: iso(Date.now() - 1) }] })
  await expect(card).toContainText('Nobody looked at its secret within ten minutes, so it is gone.')
  await expect(button(page, 'Reveal')).toHaveCount(0)
})

test('a revocation that fails is said beside its key and announced, one that works is not', async ({
  app,
  page,
}) => {
  const keys = Array.from({ length: 14 }, (_, at) => key(`k${at}`, inDays(40 + at)))
  give(app, keys)
  app.replies.set('keys.revoke', input => {
    const { uuid } = input as { uuid: string }
    if (uuid === 'uuid-k13') return fail({ code: 'registry-unreachable', reason: 'it is away' })
    if (uuid === 'uuid-k12') {
      give(app, keys.slice(0, 12))
      return fail({ code: 'key-not-found', uuid })
    }
    return ok({ revoked: [uuid], descendants: ['uuid-of-it', 'uuid-k13'] })
  })
  const seen = await open(app, page)
  async function revoke(label: string): Promise<void> {
    await button(page, `Revoke the key of ci, ${label}`).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Revoke', exact: true }).click()
  }
  await revoke('k13')
  const row = page.getByRole('list', { name: 'Keys' }).getByRole('listitem').filter({ hasText: 'k13' })
  const failure = row.getByRole('alert')
  await expect(failure).toContainText('The key of ci, k13 was not revoked')
  await expect(failure).toBeInViewport()
  await expect(announced(page)).toContainText('Not revoked: ci, k13.')
  await inBothSchemes(page, 'keys-not-revoked')
  await revoke('k0')
  await expect(announced(page)).toHaveText(/^Revoked/)
  await expect(failure).toBeVisible()

  // Two that are left: one cannot be revoked, and the other is all the same.
  app.asked.length = 0
  await button(page, 'Revoke them too').click()
  await expect(announced(page)).toContainText('Not revoked: ci, k13.')
  await expect(announced(page)).toContainText('Revoked')
  expect(app.asked.filter(([name]) => name === 'keys.revoke')).toHaveLength(2)

  // Revoked elsewhere meanwhile: its row goes, and what is said of it stays in sight.
  await revoke('k12')
  await expect(page.getByRole('alert').filter({ hasText: 'ci, k12 was not revoked' })).toBeInViewport()
  await expect(page.getByRole('list', { name: 'Keys' })).not.toContainText('k12')
  await button(page, 'Put away what is said of the key of ci, k12').click()
  await expect(page.getByRole('alert').filter({ hasText: 'k12' })).toHaveCount(0)
  expect(seen.breaches).toEqual([])
})

test('a key that has leaked takes along what was created with it, and the sheet says how many', async ({
  app,
  page,
}) => {
  give(app, [key('leaked', inDays(60), { descendants: 3 }), key('other', inDays(61))])
  app.replies.set('keys.revoke', () =>
    ok({ revoked: ['uuid-leaked', 'a', 'b', 'c'], descendants: [] as string[] }),
  )
  const seen = await open(app, page)
  await button(page, 'Revoke the key of ci, leaked').click()
  const sheet = page.getByRole('dialog', { name: 'Revoke the key of ci, leaked?' })
  await expect(sheet).toContainText('3 keys that were created with it go on working.')
  await sheet.getByRole('checkbox', { name: 'It has leaked' }).check()
  await expect(sheet).toContainText('3 keys that were created with it are revoked too')
  await inBothSchemes(page, 'keys-revoke-leaked')
  await sheet.getByRole('button', { name: 'Revoke 4 keys' }).click()
  await expect(announced(page)).toContainText('Revoked 4')
  expect(app.asked).toContainEqual(['keys.revoke', { uuid: 'uuid-leaked', descendants: true }])

  give(
    app,
    [key('z', inDays(60))].map(({ descendants: _, ...one }) => one),
  )
  await view(page, 'Images').click()
  await view(page, 'Keys').click()
  await button(page, 'Revoke the key of ci, z').click()
  await expect(page.getByRole('dialog')).toContainText('is not known with this engine')
  await expect(page.getByRole('checkbox')).toHaveCount(0)
  expect(seen.breaches).toEqual([])
})

test('a key that nobody rotates is told everywhere, with one number and the same words', async ({
  app,
  page,
}) => {
  const soon = inDays(1)
  const clock = new Date(soon).toLocaleTimeString('en-GB', { hour: '2-digit', minute: '2-digit' })
  const words = `ends tomorrow ${clock}`
  give(app, [key('nightly', soon), key('weekly', inDays(9))])
  const seen = await open(app, page)
  await expect(view(page, 'Keys')).toHaveAccessibleName(`Keys , the key of ci (nightly): ${words}`)
  await expect(view(page, 'Keys')).toContainText(/1.d/)
  const list = page.getByRole('list', { name: 'Keys' })
  await expect(list).toContainText(`Ends tomorrow ${clock}`)
  await expect(list).toContainText('9 days left')
  await expect(page.getByRole('region', { name: 'Notices for ci' })).toContainText(`next tomorrow ${clock}`)
  await inBothSchemes(page, 'keys-ending')
  await view(page, 'Overview').click()
  await expect(page.getByRole('heading', { level: 2, name: 'Serving, two things to do' })).toBeVisible()
  await expect(page.getByText(`is refused tomorrow ${clock} if no other key takes its place`)).toBeVisible()
  await expect(page.getByRole('region', { name: 'Keys' })).toContainText(`Key of ci (nightly): ${words}`)
  await expect(page.getByRole('region', { name: 'Keys' })).toContainText('Key of ci (weekly): 9 days left')
  await page.setViewportSize({ width: 408, height: 640 })
  await page.goto(app.link('popover'))
  await expect(page.getByRole('region', { name: 'Key of ci (nightly)' })).toContainText(
    `Key ci (nightly): ${words}`,
  )
  await inBothSchemes(page, 'popover-keys-ending')
  expect(seen.breaches).toEqual([])
})
