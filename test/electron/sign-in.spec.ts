import { chmodSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, type Page, test } from '@playwright/test'
import { controlClient } from '../../client/control-client.ts'
import { client, IdentityProvider } from '../fakes/identity-provider.ts'
import { placeZot } from '../fakes/zot/build-zot.ts'
import { basic, writeHtpasswd } from '../integration/registry/people.ts'
import { type MenuBarApp, startApp, whyNot } from './menu-bar-app.ts'

const missing = whyNot()

test.describe(
  missing === undefined ? 'the sign-in window' : `the sign-in window (skipped: ${missing})`,
  () => {
    test.skip(missing !== undefined, missing)
    test.describe.configure({ timeout: 60_000 })

    let provider: IdentityProvider
    let app: MenuBarApp
    let page: Page
    let file = ''
    let leaked = ''

    const letsIn = async (key: string): Promise<number> => {
      const headers = { authorization: basic('zot-ci', key) }
      return (await fetch(`http://127.0.0.1:${app.port}/zot/auth/apikey`, { headers })).status
    }
    const openSignIn = async (): Promise<Page> => {
      const opened = app.electron.waitForEvent('window')
      await page.getByRole('button', { name: 'Sign in as zot-ci…' }).click()
      const made = await opened
      await expect(made.getByLabel('Name')).toBeVisible()
      return made
    }

    test.beforeEach(async () => {
      provider = await IdentityProvider.start()
      provider.people.set('ci', { email: 'zot-ci', groups: [] })
      const oidc = {
        issuer: provider.issuer,
        clientid: client.id,
        clientsecret: client.secret,
        scopes: ['openid', 'email', 'groups'],
      }
      app = await startApp(undefined, ({ folder, data }) => {
        const keyFile = join(folder, 'key-file')
        writeFileSync(keyFile, 'a passphrase of several words\n')
        chmodSync(keyFile, 0o600)
        const htpasswd = { path: writeHtpasswd(data, 'zot-ci') }
        const policies = [{ users: ['zot-ci'], actions: ['read', 'create'] }]
        return {
          config: {
            http: {
              auth: { htpasswd, openid: { providers: { oidc } } },
              accessControl: { repositories: { '**': { policies } } },
            },
          },
          // Without an administration socket, and without a page that makes keys as far as the app knows.
          settings: {
            engine: 'zot',
            'engine.path': placeZot(join(folder, 'bin'), 'good'),
            'secrets.keyFile': keyFile,
          },
        }
      })
      const url = `http://127.0.0.1:${app.port}`
      provider.serve(url)
      page = await app.window()
      await expect.poll(app.tooltip).toBe('Zotbar: Serving')
      const made = await fetch(`${url}/zot/auth/apikey`, {
        method: 'POST',
        headers: { authorization: basic('zot-ci') },
        body: JSON.stringify({ label: 'by hand' }),
      })
      leaked = JSON.parse(await made.text()).apiKey
      file = join(app.folder, 'key')
      const home = join(app.folder, 'home')
      const { zotbar } = controlClient({ socketPath: join(home, 'control.sock'), home })
      const managed = await zotbar.keys.manage({ user: 'zot-ci', key: leaked, sinks: [`file:${file}`] })
      expect(managed).toMatchObject({ ok: true })
      await zotbar.keys.rotate({ user: 'zot-ci', leaked: true, yes: true, dryRun: false })
      await page.getByRole('link', { name: 'Show steps' }).click()
    })
    test.afterEach(async () => {
      await app?.close()
      await provider?.stop()
    })

    test('makes the key by itself once that user is signed in, and ends', async () => {
      const signIn = await openSignIn()
      expect(await signIn.evaluate(() => window.zotbar)).toBeUndefined()
      const closed = signIn.waitForEvent('close')
      await signIn.getByLabel('Name').fill('ci')
      await signIn.keyboard.press('Enter')
      await closed
      await expect.poll(() => letsIn(leaked), { timeout: 20_000 }).toBe(401)
      expect(await letsIn(readFileSync(file, 'utf8'))).toBe(200)
      const left = await app.electron.evaluate(({ session }) =>
        session.fromPartition('zotbar-sign-in').cookies.get({}),
      )
      expect(left).toEqual([])
    })

    test('reaches nothing else, and leaves the question when it is closed', async () => {
      const signIn = await openSignIn()
      const reached = await signIn.evaluate(async () => {
        const tried = await fetch('https://example.com/', { mode: 'no-cors' }).catch(() => 'refused')
        return { tried, opened: window.open('https://example.com/') !== null }
      })
      expect(reached).toEqual({ tried: 'refused', opened: false })
      await signIn.close()
      await expect(page.getByRole('alert')).toContainText('Nobody signed in as zot-ci')
      await expect(page.getByRole('button', { name: 'Sign in as zot-ci…' })).toBeVisible()
      expect(await letsIn(leaked)).toBe(200)
    })
  },
)
