import { expect, type Page } from '@playwright/test'
import { fail, ok } from '../../contract/result.ts'
import type { Undecided } from '../../contract/undecided.ts'
import { openToAll, otherFolder, zotStore } from '../fakes/undecided.ts'
import { inBothSchemes, watch } from './page-checks.ts'
import { snapshotOf, states } from './snapshots.ts'
import { test } from './stage.ts'
import type { StagedApp } from './staged-app.ts'

const button = (page: Page, name: string) => page.getByRole('button', { name, exact: true })
const cell = (page: Page, row: string) =>
  page.getByRole('row', { name: new RegExp(`^${row} `) }).getByRole('cell')

async function open(app: StagedApp, page: Page, name: 'popover' | 'window', undecided: Undecided) {
  const seen = watch(page)
  const now = Date.now()
  app.say(snapshotOf({ kind: 'undecided', since: now - 12_000, ...undecided }, now))
  await page.setViewportSize({ width: name === 'window' ? 960 : 408, height: 640 })
  await page.goto(app.link(name))
  return seen
}

test('the overview compares what each program changes, and asks before what changes more', async ({
  app,
  page,
}) => {
  const seen = await open(app, page, 'window', zotStore(Date.now()))
  await expect(page.getByRole('heading', { level: 2, name: 'A zot wrote these images' })).toBeVisible()
  await expect(page.getByRole('main')).toContainText(
    /58.repositories, 412.tags, 41\.2.GB in \/home\/ada\/zot/,
  )
  await expect(page.getByRole('main')).not.toContainText('On the command line')
  await expect(page.getByRole('status')).toContainText('Waits for you')
  await expect(page.getByRole('columnheader', { name: /^zot v2\.1\.13/ })).toContainText('served them until')
  await expect(cell(page, 'Images')).toHaveText(['Nothing', 'Nothing: same folder, same digests'])
  await expect(cell(page, 'Keys, sign-in').last()).toContainText('CI is refused with 401')
  await expect(cell(page, 'Pull-through').last()).toContainText('does not pull through')
  await expect(page.locator('.fill')).toHaveText(['Use zot'])
  await inBothSchemes(page, 'overview-undecided')

  await button(page, 'Look again').click()
  await expect.poll(() => app.asked).toEqual([['registry.lookAgain', {}]])
  await button(page, 'Use zotbar-registry…').click()
  const sheet = page.getByRole('dialog', { name: 'Use zotbar-registry instead of zot v2.1.13?' })
  await expect(sheet).toContainText('make new keys')
  await inBothSchemes(page, 'overview-undecided-sheet')
  await page.keyboard.press('Escape')
  expect(app.asked.map(([name]) => name)).not.toContain('engine.use')
  app.replies.set('engine.use', () => fail({ code: 'engine-missing', path: '/usr/local/bin/zot' }))
  await button(page, 'Use zot').click()
  await expect(page.getByRole('alert')).toContainText('/usr/local/bin/zot')
  app.replies.set('engine.use', () => ok({ run: 'r' }))
  await button(page, 'Use zotbar-registry…').click()
  await sheet.getByRole('button', { name: 'Use zotbar-registry' }).click()
  const asked = (engine: string) => ['engine.use', { engine, yes: true, dryRun: false }]
  await expect
    .poll(() => app.asked.filter(([name]) => name === 'engine.use'))
    .toEqual([asked('zot'), asked('zotbar-registry')])
  expect(seen.breaches).toEqual([])
})

test('what zotbar-registry refuses is said by place, and it cannot be chosen then', async ({ app, page }) => {
  const { config, ...store } = zotStore(Date.now())
  const refused = [{ keyPath: 'http.auth.ldap', line: 7, column: 3, message: 'needs the zot engine' }]
  const seen = await open(app, page, 'window', {
    ...store,
    why: 'config-refused',
    config: { ...config, refused },
  })
  await expect(cell(page, 'config.json').last()).toContainText(
    'line 7, column 3, http.auth.ldap: needs the zot engine',
  )
  await expect(button(page, 'Use zotbar-registry…')).toHaveCount(0)
  await expect(page.getByText('It cannot be chosen while config.json asks for one thing')).toBeVisible()
  await inBothSchemes(page, 'overview-refused')
  expect(seen.breaches).toEqual([])
})

test('another data folder is told with both figures, what changed, and what to do', async ({ app, page }) => {
  const seen = await open(app, page, 'window', otherFolder(Date.now()))
  await expect(
    page.getByRole('heading', { level: 2, name: 'The data folder is not the one it was' }),
  ).toBeVisible()
  await expect(cell(page, 'Folder')).toHaveText(['/home/ada/zot', '/Volumes/registry/zot'])
  await expect(cell(page, 'Holds')).toHaveText([/58.repositories, 412.tags, 41\.2.GB/, 'nothing'])
  await expect(page.getByRole('region', { name: /Change of .*config.json/ })).toContainText(
    'removed: - "/home/ada/zot"',
  )
  await expect(page.getByRole('main')).toContainText(/Clients find 0 of 412.tags/)
  // A page over HTTP does not decide it.
  await expect(page.getByText('npx zotbar data accept')).toBeVisible()
  await expect(page.getByRole('main').locator('.fill')).toHaveCount(0)
  await inBothSchemes(page, 'overview-other-folder')
  expect(seen.breaches).toEqual([])
})

test('a folder that is gone is to be brought back', async ({ app, page }) => {
  const other = otherFolder(Date.now())
  const { freeBytes: _, modifiedAt: __, ...found } = other.found
  await open(app, page, 'window', {
    ...other,
    difference: 'missing',
    found: { ...found, folder: '/home/ada/zot', holds: 'missing' },
  })
  await expect(page.getByText('Bring the folder back')).toBeVisible()
  await expect(cell(page, 'Holds').last()).toHaveText('nothing: it is not there')
  await expect(page.getByRole('heading', { name: 'What changed' })).toHaveCount(0)
  // What is not there is not accepted.
  await expect(page.getByRole('main')).toContainText('make the folder first')
  await expect(page.getByText('npx zotbar data accept')).toHaveCount(0)
})

test('the popover offers the choice that changes least, and leads to the comparison', async ({
  app,
  page,
}) => {
  const seen = await open(app, page, 'popover', zotStore(Date.now()))
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('A zot wrote these images')
  await expect(button(page, 'Use zot')).toBeFocused()
  await expect(page.getByRole('region', { name: 'zotbar-registry' })).toContainText(
    'API keys and sessions end; make new ones.',
  )
  await inBothSchemes(page, 'popover-undecided')
  await button(page, 'Look again').click()
  await expect.poll(() => app.asked).toEqual([['registry.lookAgain', {}]])
  await button(page, 'Compare both…').click()
  await expect(page.getByRole('columnheader', { name: /^zotbar-registry/ })).toBeVisible()
  expect(seen.breaches).toEqual([])
})

test('the popover shows both folders', async ({ app, page }) => {
  const seen = await open(app, page, 'popover', otherFolder(Date.now()))
  await expect(page.getByRole('region', { name: 'Folder before' })).toContainText(/412.tags/)
  await expect(page.getByRole('region', { name: 'Folder now' })).toContainText('/Volumes/registry/zot')
  await expect(page.getByRole('region', { name: 'Registry' })).toContainText('not started')
  await inBothSchemes(page, 'popover-other-folder')
  expect(seen.breaches).toEqual([])
})

for (const name of ['window', 'popover'] as const)
  test(`an open registry is told in the ${name}, and agreed to by a command`, async ({ app, page }) => {
    const seen = await open(app, page, name, openToAll(Date.now()))
    await expect(page.getByRole('heading', { name: 'Nobody is asked who they are' })).toBeVisible()
    await expect(page.getByText(/Anyone who can reach this machine may push\. Nothing was/)).toBeVisible()
    await expect(page.getByText('Everyone may pull, push, overwrite in **.')).toBeVisible()
    await expect(page.getByText('zotbar settings set registry.open 0.0.0.0:5050')).toBeVisible()
    await expect(button(page, 'Serve it to everyone…')).toHaveCount(0)
    await expect(page.getByText(/Otherwise/)).toBeVisible()
    await inBothSchemes(page, `${name}-open-registry`)
    expect(seen.breaches).toEqual([])
  })

for (const name of ['window', 'popover'] as const)
  test(`the ${name} gives the address that others use, and what is to be known of it`, async ({
    app,
    page,
  }) => {
    const seen = watch(page)
    const now = Date.now()
    const snapshot = snapshotOf(states.serving(now), now)
    const registry = { ...snapshot.registry, publicUrl: 'http://192.0.2.7:5050' }
    app.say({ ...snapshot, registry: { ...registry, inClear: true } })
    await page.setViewportSize({ width: name === 'window' ? 960 : 408, height: 640 })
    await page.goto(app.link(name))
    const copied = (what: string) => page.locator('.copy', { has: button(page, `Copy ${what}`) })
    await expect(copied('address').locator('code')).toHaveText('192.0.2.7:5050')
    await expect(copied('local address').locator('code')).toHaveText('127.0.0.1:5050')
    await expect(
      page.getByText('Passwords and keys cross the network in clear on the way to 192.0.2.7:5050.'),
    ).toBeVisible()
    await inBothSchemes(page, `${name}-in-clear`)

    app.say({ ...snapshot, takenAt: now + 1, registry: { ...registry, open: 'push' } })
    await expect(page.getByText('Anyone who can reach this machine may push.')).toBeVisible()
    await expect(page.getByText('cross the network in clear')).toHaveCount(0)
    await inBothSchemes(page, `${name}-open`)
    expect(seen.breaches).toEqual([])
  })

for (const name of ['window', 'popover'] as const)
  test(`in the app's own ${name} the folder is accepted there, and one that was declined changes nothing`, async ({
    app,
    page,
  }) => {
    const now = Date.now()
    const snapshot = snapshotOf({ kind: 'undecided', since: now - 12_000, ...otherFolder(now) }, now)
    await page.addInitScript(
      ({ first, serving }) => {
        const asked: string[] = []
        const answers = [
          { ok: false, error: { code: 'cancelled' } },
          { ok: true, value: serving },
        ]
        const zotbar = {
          app: { snapshot: () => Promise.resolve({ ok: true, value: first }) },
          data: {
            accept: (input: unknown) => {
              asked.push(JSON.stringify(input))
              return Promise.resolve(answers[asked.length - 1])
            },
          },
          runbooks: { history: () => Promise.resolve({ ok: true, value: { runs: [] } }) },
          on: () => () => {},
          onLink: (listener: (link: object) => void) => listener({ kind: 'live' }),
        }
        Object.assign(window, { asked, zotbar })
      },
      { first: snapshot, serving: snapshotOf(states.serving(now), now + 1) },
    )
    await page.goto(app.link(name))
    const accept = button(page, 'Start empty…')
    await expect(page.getByText('npx zotbar data accept')).toHaveCount(0)
    await accept.click()
    await expect.poll(() => page.evaluate(() => Reflect.get(window, 'asked'))).toEqual(['{}'])
    await expect(page.getByRole('alert')).toHaveCount(0)
    await accept.click()
    await expect(page.getByRole('heading', { name: 'Serving' })).toBeVisible()
  })

test("the app's own window leaves the question to the app, and says nothing where it was declined", async ({
  app,
  page,
}) => {
  const now = Date.now()
  await page.addInitScript(
    first => {
      const asked: unknown[] = []
      const zotbar = {
        app: { snapshot: () => Promise.resolve({ ok: true, value: first }) },
        engine: {
          use: (input: unknown) => {
            asked.push(input)
            return Promise.resolve({ ok: false, error: { code: 'cancelled' } })
          },
        },
        runbooks: { history: () => Promise.resolve({ ok: true, value: { runs: [] } }) },
        on: () => () => {},
        onLink: (listener: (link: object) => void) => listener({ kind: 'live' }),
      }
      Object.assign(window, { asked, zotbar })
    },
    snapshotOf({ kind: 'undecided', since: now - 12_000, ...zotStore(now) }, now),
  )
  await page.goto(app.link('window'))
  await button(page, 'Use zotbar-registry…').click()
  await expect
    .poll(() => page.evaluate(() => Reflect.get(window, 'asked')))
    .toEqual([{ engine: 'zotbar-registry', yes: true, dryRun: false }])
  await expect(page.getByRole('dialog')).toHaveCount(0)
  await expect(page.getByRole('alert')).toHaveCount(0)
})

for (const width of [480, 820])
  test(`the comparison fits ${width} px`, async ({ app, page }) => {
    await open(app, page, 'window', zotStore(Date.now()))
    await page.setViewportSize({ width, height: 560 })
    await expect(button(page, 'Use zot')).toBeVisible()
    const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)
    expect(wide).toBeLessThanOrEqual(0)
    await inBothSchemes(page, `overview-undecided-${width}`)
  })

test('the config that last started is used again after a question that shows what changes', async ({
  app,
  page,
}) => {
  const seen = watch(page)
  const now = Date.now()
  const lastConfig = {
    at: now - 86_400_000,
    diff: '--- now\n+++ then\n@@ -4 +4 @@\n-  "port": "70000"\n+  "port": "5050"',
    id: 'a1',
  }
  const error = { code: 'config-missing', file: '/home/ada/.config/zot/config.json' } as const
  app.say(snapshotOf({ kind: 'failed', since: now, error, lastConfig }, now))
  app.replies.set('config.restore', () => ok({ file: error.file, at: lastConfig.at }))
  for (const name of ['window', 'popover'] as const) {
    await page.setViewportSize({ width: name === 'window' ? 960 : 408, height: 640 })
    await page.goto(app.link(name))
    await button(page, 'Use the config that last started…').click()
    const sheet = page.getByRole('dialog', { name: 'Use the config that last started?' })
    await expect(sheet.getByRole('region', { name: 'What would change' })).toContainText(
      'removed: -  "port": "70000"',
    )
    await inBothSchemes(page, `${name}-last-config-sheet`)
    await sheet.getByRole('button', { name: 'Use it' }).click()
    await expect(sheet).toHaveCount(0)
  }
  const restored = ['config.restore', { id: lastConfig.id }]
  await expect
    .poll(() => app.asked.filter(([name]) => name === 'config.restore'))
    .toEqual([restored, restored])
  expect(seen.breaches).toEqual([])
})
