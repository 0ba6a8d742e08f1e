import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, type Page, test } from '@playwright/test'
import { controlClient } from '../../client/control-client.ts'
import { client, IdentityProvider } from '../fakes/identity-provider.ts'
import { placeZot } from '../fakes/zot/build-zot.ts'
import { type AppRig, createAppRig } from '../integration/app/app-rig.ts'
import { basic, writeHtpasswd } from '../integration/registry/people.ts'
import { watch } from './page-checks.ts'

/** Around our own registry, but with no administration socket: nobody can make a key for another there. */
test.describe('a key that has leaked, replaced by signing in', () => {
  test.describe.configure({ mode: 'serial', timeout: 60_000 })

  let provider: IdentityProvider
  let rig: AppRig
  let dashboard: Page
  let file = ''
  let leaked = ''
  const seen: { breaches: string[] }[] = []

  test.beforeAll(async ({ browser }) => {
    provider = await IdentityProvider.start()
    provider.people.set('ci', { email: 'zot-ci', groups: [] })
    provider.people.set('alice', { email: 'alice@example.com', groups: [] })
    rig = await createAppRig()
    file = join(rig.folder, 'key')
    const oidc = {
      issuer: provider.issuer,
      clientid: client.id,
      clientsecret: client.secret,
      scopes: ['openid', 'email', 'groups'],
    }
    const htpasswd = { path: writeHtpasswd(rig.data, 'zot-ci') }
    const ci = { users: ['zot-ci'], actions: ['read', 'create'] }
    rig.configure({
      ...rig.standard,
      http: {
        ...rig.standard.http,
        auth: { htpasswd, openid: { providers: { oidc } } },
        accessControl: { repositories: { '**': { policies: [ci] } } },
      },
      extensions: { search: { enable: true }, ui: { enable: true } },
    })
    const keyFile = join(rig.folder, 'key-file')
    writeFileSync(keyFile, 'a passphrase of several words\n')
    chmodSync(keyFile, 0o600)
    mkdirSync(rig.home, { recursive: true, mode: 0o700 })
    const settings = {
      engine: 'zot',
      'engine.path': placeZot(join(rig.folder, 'bin'), 'good'),
      'secrets.keyFile': keyFile,
    }
    writeFileSync(join(rig.home, 'settings.json'), JSON.stringify(settings), { mode: 0o600 })
    await rig.serving()
    const made = await fetch(`${rig.url}/zot/auth/apikey`, {
      method: 'POST',
      headers: { authorization: basic('zot-ci') },
      body: JSON.stringify({ label: 'by hand' }),
    })
    leaked = JSON.parse(await made.text()).apiKey
    const context = await browser.newContext({ viewport: { width: 960, height: 700 } })
    await context.grantPermissions(['clipboard-read', 'clipboard-write'], { origin: rig.url })
    dashboard = await context.newPage()
    seen.push(watch(dashboard))
  })
  test.afterAll(async () => {
    await dashboard?.context().close()
    await rig?.end()
    await provider?.stop()
  })

  const letsIn = async (key: string): Promise<boolean> => {
    const headers = { authorization: basic('zot-ci', key) }
    return (await fetch(`${rig.url}/zot/auth/apikey`, { headers })).status === 200
  }
  const sheet = () => dashboard.getByRole('dialog', { name: 'A new key of zot-ci is needed' })
  /** The sheet stays open where a key is refused. */
  async function paste(key: string): Promise<void> {
    if (!(await sheet().isVisible())) await dashboard.getByRole('button', { name: 'Use this key…' }).click()
    await sheet().getByLabel('Key of zot-ci').fill(key)
    await sheet().getByRole('button', { name: 'Use this key' }).click()
  }
  async function openSignIn(): Promise<Page> {
    const opened = dashboard.context().waitForEvent('page')
    await dashboard.getByRole('link', { name: 'Sign in as zot-ci in a new tab' }).first().click()
    return opened
  }
  /** Signs in as somebody in a tab of its own, makes a key there, and copies it. */
  async function keyOf(name: string, tab: Page): Promise<string> {
    await tab.getByLabel('Name').fill(name)
    await tab.keyboard.press('Enter')
    await expect(tab).toHaveURL(`${rig.url}/user/apikey`)
    await tab.getByLabel('Label').fill('for the rotation')
    return makeKey(tab)
  }
  async function makeKey(tab: Page): Promise<string> {
    await tab.getByRole('button', { name: 'Create key' }).click()
    await tab.getByRole('button', { name: 'Copy key' }).click()
    await expect(tab.locator('#said')).toHaveText('Key copied')
    return tab.evaluate(() => navigator.clipboard.readText())
  }

  test('the rotation asks for a key, and leads to the sign-in', async () => {
    const manage = ['keys', 'manage', 'zot-ci', '--key-stdin', '--sink', `file:${file}`, '--json']
    const managed = await rig.zotbarGiven(`${leaked}\n`, ...manage)
    expect(managed.code, managed.stdout).toBe(0)
    const { zotbar } = controlClient({ socketPath: join(rig.home, 'control.sock'), home: rig.home })
    const begun = await zotbar.keys.rotate({ user: 'zot-ci', leaked: true, yes: false, dryRun: false })
    expect(begun).toMatchObject({ ok: true })
    const link: unknown = JSON.parse((await rig.zotbar('open', '--print', '--json')).stdout)
    await dashboard.goto(String(Object(link).url))
    await dashboard.getByRole('link', { name: 'Show steps' }).click()
    await dashboard.getByRole('button', { name: 'Rotate…' }).click()
    await dashboard.getByRole('dialog').getByRole('button', { name: 'Rotate', exact: true }).click()
    await expect(dashboard.getByRole('link', { name: 'Sign in as zot-ci in a new tab' })).toHaveAttribute(
      'href',
      `${rig.url}/zot/auth/login?provider=oidc&callback_ui=%2Fuser%2Fapikey`,
    )
  })

  test('with the provider away nobody can sign in, and the question stays', async () => {
    const tab = await openSignIn()
    await expect(tab.getByRole('heading', { level: 1 })).toContainText('does not answer')
    await tab.close()
    await expect(dashboard.getByText('A new key of zot-ci is needed')).toBeVisible()
    expect(await letsIn(leaked)).toBe(true)
    provider.serve(rig.url)
  })

  test('a key of another user is refused, and so is what is no key; the question stays', async () => {
    const tab = await openSignIn()
    await expect(async () => {
      // The registry asks a provider that was away again after a moment.
      await tab.reload()
      await expect(tab.getByLabel('Name')).toBeVisible({ timeout: 500 })
    }).toPass({ timeout: 20_000 })
    const other = await keyOf('alice', tab)
    await paste(other)
    await expect(sheet().getByRole('alert').first()).toContainText(
      'The registry does not accept this key for zot-ci',
    )
    await paste('zak_short')
    await expect(sheet().getByRole('alert').first()).toContainText('That is not an API key')
    await paste(leaked)
    await expect(sheet().getByRole('alert').first()).toContainText(
      'This is the key of zot-ci that is to be replaced',
    )
    await sheet().getByRole('button', { name: 'Later' }).click()
    // Alice is signed in at the provider too: another person begins with nothing.
    await tab.close()
    await dashboard.context().clearCookies()
  })

  test('signed in as zot-ci, a key is made through a restart, pasted with spaces, and takes over', async () => {
    const tab = await openSignIn()
    seen.push(watch(tab))
    await tab.getByLabel('Name').fill('ci')
    await tab.keyboard.press('Enter')
    await expect(tab).toHaveURL(`${rig.url}/user/apikey`)
    await expect(tab.getByRole('banner')).toContainText('zot-ci')
    const { pid } = (await rig.status()).registry
    process.kill(pid ?? 0, 'SIGKILL')
    await expect.poll(async () => (await rig.status()).registry.pid, { timeout: 20_000 }).not.toBe(pid)
    await expect.poll(async () => (await rig.status()).state, { timeout: 20_000 }).toBe('serving')
    await tab.getByLabel('Label').fill('for the rotation')
    const key = await makeKey(tab)
    await paste(`  ${key}\n`)
    await expect(dashboard.getByRole('heading', { name: 'Done', exact: false }).first()).toBeVisible({
      timeout: 20_000,
    })
    expect(readFileSync(file, 'utf8')).toBe(key)
    expect(await letsIn(key)).toBe(true)
    expect(await letsIn(leaked)).toBe(false)
    expect(await dashboard.content()).not.toContain(key)
    expect(seen.flatMap(({ breaches }) => breaches)).toEqual([])
  })
})
