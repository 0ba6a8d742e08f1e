import { execFile } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, type Page, test } from '@playwright/test'
import { client, IdentityProvider } from '../fakes/identity-provider.ts'
import { passwordOf, writeHtpasswd } from '../integration/registry/people.ts'
import { type Registry, startRegistry, temporaryFolder } from '../integration/registry/registry-process.ts'
import { tools } from '../setup/tools.mjs'
import { inBothSchemes, watch } from './page-checks.ts'

const execute = promisify(execFile)
const needed = (['skopeo', 'umoci'] as const).filter(name => !tools[name].there())
const phone = { width: 390, height: 760 }
const desk = { width: 1000, height: 700 }

/** As a picture in both schemes and both sizes, each checked by axe. */
async function look(page: Page, name: string): Promise<void> {
  await inBothSchemes(page, `signin-${name}`)
  await page.setViewportSize(phone)
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(phone.width)
  await inBothSchemes(page, `signin-${name}-phone`)
  await page.setViewportSize(desk)
}

test.describe('signing in to the registry by browser', () => {
  test.skip(needed.length > 0 && process.env['CI'] !== 'true', `needs ${needed.join(', ')}`)
  test.describe.configure({ mode: 'serial', timeout: 60_000 })

  const folder = temporaryFolder()
  const root = join(folder.path, 'data')
  let provider: IdentityProvider
  let registry: Registry
  let page: Page
  let seen: { breaches: string[] }
  let key = ''

  test.beforeAll(async ({ browser }) => {
    provider = await IdentityProvider.start()
    provider.people.set('alice', { email: 'alice@example.com', groups: ['developers'] })
    const oidc = {
      name: 'Authentik',
      issuer: provider.issuer,
      clientid: client.id,
      clientsecret: client.secret,
      scopes: ['openid', 'email', 'groups'],
    }
    const auth = {
      htpasswd: { path: writeHtpasswd(root, 'local') },
      openid: { providers: { oidc } },
    }
    const developers = { groups: ['developers'], actions: ['read', 'create'] }
    registry = await startRegistry(root, {
      http: {
        address: '127.0.0.1',
        port: '0',
        auth,
        accessControl: { repositories: { '**': { policies: [developers], anonymousPolicy: ['read'] } } },
      },
    })
    const context = await browser.newContext({ viewport: desk })
    await context.grantPermissions(['clipboard-read', 'clipboard-write'], { origin: registry.url })
    page = await context.newPage()
    seen = watch(page)
  })
  test.afterAll(async () => {
    await page?.context().close()
    await registry?.stop()
    await provider?.stop()
    folder.dispose()
  })

  test('says at its address what it is', async () => {
    await page.goto(registry.url)
    await expect(page.getByRole('heading', { level: 1 })).toHaveText('A container registry')
    await inBothSchemes(page, 'signin-home')
    expect(seen.breaches).toEqual([])
  })

  test('says that the provider is away, and offers it when it is back', async () => {
    await page.goto(`${registry.url}/login`)
    await expect(page.getByRole('note')).toContainText('Authentik does not answer')
    await look(page, 'away')
    provider.serve(registry.url)
    await expect(async () => {
      await page.getByRole('link', { name: 'Try again' }).click()
      await expect(page.getByRole('link', { name: 'Sign in with Authentik' })).toBeVisible({ timeout: 500 })
    }).toPass({ timeout: 15_000 })
    await look(page, 'login')
    expect(seen.breaches).toEqual([])
  })

  test('signs in at the provider, by keyboard, and comes back to the keys', async () => {
    await page.goto(`${registry.url}/user/apikey`)
    await page.getByRole('link', { name: 'Sign in with Authentik' }).focus()
    await page.keyboard.press('Enter')
    await page.getByLabel('Name').fill('alice')
    await page.keyboard.press('Enter')
    await expect(page).toHaveURL(`${registry.url}/user/apikey`)
    await expect(page.getByRole('banner')).toContainText('alice@example.com')
    await expect(page.getByRole('main')).toContainText('Your groups: developers.')
    await expect(page.getByText('No keys yet')).toBeVisible()
    expect(await page.evaluate(() => document.cookie)).toBe('user=alice@example.com')
    expect(seen.breaches).toEqual([])
  })

  test('makes a key, shows it once, and only when asked', async () => {
    await page.getByLabel('Label').fill('laptop')
    await expect(page.getByLabel('Expires')).toHaveValue('90')
    await page.keyboard.press('Enter')
    const made = page.getByRole('region', { name: 'The key “laptop” is made' })
    await expect(made).toBeVisible()
    await expect(made.getByRole('heading')).toBeFocused()
    await expect(made).not.toContainText(/zak_[0-9a-f]{32}/)
    await look(page, 'made')
    await made.getByRole('button', { name: 'Reveal' }).click()
    await expect(made).toContainText(/zak_[0-9a-f]{32}/)
    await made.getByRole('button', { name: 'Copy key' }).click()
    await expect(page.locator('#said')).toHaveText('Key copied')
    key = await page.evaluate(() => navigator.clipboard.readText())
    expect(key).toMatch(/^zak_[0-9a-f]{32}$/)
    await made.getByRole('button', { name: 'Copy command' }).click()
    await expect(page.locator('#said')).toHaveText('Command copied')
    const command = await page.evaluate(() => navigator.clipboard.readText())
    expect(command).toBe(`docker login 127.0.0.1:${registry.port} -u alice@example.com`)
    await made.getByRole('button', { name: 'Done' }).click()
    await expect(made).toBeHidden()
    expect(await page.content()).not.toContain(key)
    await expect(page.getByRole('listitem')).toContainText(/laptop.*90.days left · never used · made/)
    await look(page, 'keys')
    expect(seen.breaches).toEqual([])
  })

  test('pushes with the key', async () => {
    const image = join(folder.path, 'image')
    mkdirSync(folder.path, { recursive: true })
    await execute('umoci', ['init', '--layout', image])
    await execute('umoci', ['new', '--image', `${image}:1`])
    const to = `docker://127.0.0.1:${registry.port}/alice/image:1`
    const push = (...more: string[]) =>
      execute('skopeo', ['copy', '--dest-tls-verify=false', ...more, `oci:${image}:1`, to])
    await expect(push()).rejects.toThrow(/unauthorized|authentication required/i)
    await push('--dest-creds', `alice@example.com:${key}`)
    await page.reload()
    await expect(page.getByRole('listitem')).toContainText('used in the last day')
  })

  test('revokes a key after asking', async () => {
    await page.getByRole('button', { name: 'Revoke laptop…' }).click()
    const sheet = page.getByRole('dialog', { name: 'Revoke “laptop”?' })
    await expect(sheet).toBeVisible()
    await look(page, 'revoke')
    await page.keyboard.press('Escape')
    await expect(sheet).toBeHidden()
    await expect(page.getByRole('listitem')).toHaveCount(1)
    await page.getByRole('button', { name: 'Revoke laptop…' }).click()
    await sheet.getByRole('button', { name: 'Revoke' }).click()
    await expect(page.locator('#said')).toHaveText('Revoked laptop')
    await expect(page.getByText('No keys yet')).toBeVisible()
    const headers = { Authorization: `Basic ${Buffer.from(`alice@example.com:${key}`).toString('base64')}` }
    expect((await registry.ask('/v2/', { headers })).status).toBe(401)
    expect(seen.breaches).toEqual([])
  })

  test('signs out, and offers to sign out at the provider', async () => {
    const before = await page.context().cookies()
    await page.getByRole('button', { name: 'Sign out' }).click()
    await expect(page.getByRole('heading', { name: 'Signed out' })).toBeFocused()
    await inBothSchemes(page, 'signin-out')
    const link = page.getByRole('link', { name: 'Sign out there, too' })
    await expect(link).toHaveAttribute('href', new RegExp(`^${provider.issuer}/`))
    expect(seen.breaches).toEqual([])
    await page.context().addCookies(before)
    await page.goto(`${registry.url}/user/apikey`)
    await expect(page).toHaveURL(/\/login\?callback_ui=/)
  })

  test('signs in with a password, and says what is wrong with a wrong one', async () => {
    await page.getByLabel('User').fill('local')
    await page.getByLabel('Password').fill('wrong')
    await page.getByRole('button', { name: 'Sign in' }).click()
    await expect(page.getByRole('alert')).toHaveText('User or password is wrong.')
    await inBothSchemes(page, 'signin-wrong')
    // The browser itself notes the 401.
    expect(seen.breaches.splice(0)).toEqual([expect.stringContaining('401')])
    await page.getByLabel('Password').fill(passwordOf('local'))
    await page.keyboard.press('Enter')
    await expect(page).toHaveURL(`${registry.url}/user/apikey`)
    await expect(page.getByRole('banner')).toContainText('local')
    await page.getByRole('button', { name: 'Sign out' }).click()
    await expect(page).toHaveURL(`${registry.url}/login`)
    expect(seen.breaches).toEqual([])
  })

  test('says what to do when a sign-in does not fit', async () => {
    await page.goto(`${registry.url}/zot/auth/callback/oidc?code=x&state=y`)
    await expect(page.getByRole('heading', { level: 1 })).toHaveText('Not signed in')
    await inBothSchemes(page, 'signin-refused')
    await page.getByRole('link', { name: 'Back to sign-in' }).click()
    await expect(page).toHaveURL(`${registry.url}/login`)
  })
})
