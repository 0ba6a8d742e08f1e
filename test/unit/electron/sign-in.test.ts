import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, it } from 'vitest'
import { fail, ok } from '../../../contract/result.ts'
import type { SignInArrival, SignInRequest } from '../../../contract/sign-in.ts'
import { createSignIn } from '../../../main/sign-in.ts'
import { makeCertificate } from '../../fakes/certificates.ts'
import { fakeClock } from '../../fakes/clock.ts'
import { anEvent, fakeElectron } from '../../fakes/electron.ts'
import { eventually } from '../../fakes/eventually.ts'
import { describeWith } from '../../setup/need.ts'

const registry = 'http://127.0.0.1:5050'
const login = `${registry}/zot/auth/login?provider=oidc&callback_ui=/user/apikey`
const keyPage = `${registry}/user/apikey`
const issuer = 'https://id.example'

let close = (): void => {}
afterEach(() => close())

async function start({ answers = [], agrees = [], ...more }: Setup = {}) {
  const fake = fakeElectron()
  const clock = fakeClock()
  const seen = {
    asked: [] as string[],
    told: [] as string[],
    cookies: [] as string[][],
    logged: [] as string[],
  }
  const signIn = createSignIn({
    electron: fake.electron,
    clock,
    questions: {
      confirm: async ({ title }) => {
        seen.asked.push(title)
        return agrees.shift() ?? false
      },
      show: async ({ title }) => void seen.told.push(title),
    },
    log: words => void seen.logged.push(words),
  })
  close = signIn.destroy
  const wish: SignInRequest = {
    user: 'zot-ci',
    url: login,
    origin: registry,
    issuers: [issuer],
    checkArrival: async cookies => {
      seen.cookies.push(cookies.map(({ name, value }) => `${name}=${value}`))
      return answers.shift() ?? { kind: 'not-yet' }
    },
    ...more,
  }
  const result = signIn.open(wish)
  const window = await eventually(() => fake.windows[0])
  const { set } = fake.sessions.get('zotbar-sign-in')!
  return {
    ...fake,
    clock,
    seen,
    signIn,
    wish,
    result,
    window,
    page: window.webContents,
    set,
    session: fake.sessions.get('zotbar-sign-in')!,
    /** Whether the fence lets a request go. */
    lets: (url: string, resourceType = 'mainFrame') =>
      new Promise<boolean>(resolve => set.before!({ url, resourceType }, ({ cancel }) => resolve(!cancel))),
    at(url: string) {
      window.webContents.url = url
      window.webContents.emit('did-navigate', {}, url)
    },
  }
}
interface Setup extends Partial<SignInRequest> {
  answers?: SignInArrival[]
  agrees?: boolean[]
}

it('is a window apart: its own session in memory, no preload, a sandbox, nothing of Node', async () => {
  const { window, done, signIn, page, session, set } = await start()
  expect(done.partition).toBe('zotbar-sign-in')
  expect(done.partition).not.toContain('persist:')
  const preferences = Object(window.options['webPreferences'])
  expect(preferences).toMatchObject({
    sandbox: true,
    contextIsolation: true,
    nodeIntegration: false,
    webviewTag: false,
    webSecurity: true,
    devTools: false,
  })
  expect(preferences).not.toHaveProperty('preload')
  expect(page.url).toBe(login)
  expect(signIn.owns(Object(page))).toBe(true)
  expect(signIn.owns(Object({ session: {} }))).toBe(false)
  let granted = true
  for (const permission of ['media', 'clipboard-sanitized-write', 'openExternal', 'notifications']) {
    set.ask!(page, permission, answer => {
      granted = answer
    })
    expect(granted, permission).toBe(false)
    expect(set.check!(null, permission, registry)).toBe(false)
  }
  expect(set.device!()).toBe(false)
  const download = anEvent()
  session.emit('will-download', download)
  expect(download.prevented).toBe(true)
})

it('reaches the registry, the issuers, and where the login leads, and nothing else without a question', async () => {
  const { lets, set, seen } = await start()
  expect(await lets(login)).toBe(true)
  expect(await lets(`${issuer}/authorize`)).toBe(true)
  expect(await lets('wss://id.example/live', 'webSocket')).toBe(true)
  set.redirected!({ url: login, redirectURL: 'https://login.example/authorize?client_id=x' })
  expect(await lets('https://login.example/authorize')).toBe(true)
  // Only the login of the registry is believed.
  set.redirected!({ url: `${issuer}/next`, redirectURL: 'https://evil.example/' })
  set.redirected!({ url: `${registry}/v2/`, redirectURL: 'https://evil.example/' })
  expect(await lets('https://evil.example/script.js', 'script')).toBe(false)
  for (const url of [
    'http://127.0.0.1:5051/',
    'http://plain.example/',
    'file:///etc/passwd',
    'data:text/html,x',
  ])
    expect(await lets(url), url).toBe(false)
  expect(seen.asked).toEqual([])
  expect(await lets('data:image/png;base64,x', 'image')).toBe(true)
})

it('asks once about an address that the provider leads to, and goes there only if agreed', async () => {
  const { lets, seen, result, page, window } = await start({ agrees: [true, false] })
  expect(await lets('https://mfa.example/')).toBe(true)
  expect(await lets('https://mfa.example/next')).toBe(true)
  expect(await lets('https://evil.example/')).toBe(false)
  expect(await lets('https://evil.example/')).toBe(false)
  expect(seen.asked).toEqual(['Go on to mfa.example?', 'Go on to evil.example?'])
  page.emit('did-fail-load', {}, -20, 'ERR_BLOCKED_BY_CLIENT', 'https://evil.example/', true)
  expect(await result).toEqual(
    fail({ code: 'sign-in-ended', user: 'zot-ci', why: 'blocked', blocked: ['https://evil.example'] }),
  )
  expect(window.destroyed).toBe(true)
})

it('names what a page was not let load, and loads it once that is agreed to', async () => {
  const { lets, page, seen } = await start({ agrees: [true] })
  expect(await lets('https://cdn.example/app.js', 'script')).toBe(false)
  page.emit('did-stop-loading')
  await eventually(() => page.reloads === 1)
  expect(seen.asked).toEqual(['Load from cdn.example?'])
  expect(await lets('https://cdn.example/app.js', 'script')).toBe(true)
  page.emit('did-stop-loading')
  expect(seen.asked).toHaveLength(1)
})

it('hands the cookies over at the registry alone, and ends empty when the key is made', async () => {
  const { at, set, seen, result, window } = await start({ answers: [{ kind: 'ended', result: ok(null) }] })
  set.cookies = [{ name: 'session', value: 's' }]
  at(`${issuer}/login`)
  at(`${registry}/zot/auth/callback/oidc?code=x`)
  expect(seen.cookies).toEqual([])
  at(keyPage)
  expect(await result).toEqual(ok(null))
  expect(seen.cookies).toEqual([['session=s']])
  expect(window.destroyed).toBe(true)
  expect(set.cookies).toEqual([])
  expect(set.emptied).toBe(2)
})

it('looks again after a page that was none yet', async () => {
  const { at, result, seen } = await start({
    answers: [{ kind: 'not-yet' }, { kind: 'ended', result: ok(null) }],
  })
  at(`${registry}/login`)
  await eventually(() => seen.cookies.length === 1)
  at(keyPage)
  expect(await result).toEqual(ok(null))
})

it('tells who signed in where that is somebody else, forgets them, and begins anew', async () => {
  const { at, set, seen, page, window } = await start({ answers: [{ kind: 'wrong-user', user: 'alice' }] })
  set.cookies = [{ name: 'session', value: 'of alice' }]
  at(keyPage)
  await eventually(() => page.url === login)
  expect(seen.told).toEqual(['That was alice, not zot-ci'])
  expect(set.cookies).toEqual([])
  expect(window.destroyed).toBe(false)
})

it('ends when it is closed, and after ten minutes, with the session emptied', async () => {
  const first = await start()
  first.set.cookies = [{ name: 'session', value: 's' }]
  first.window.close()
  expect(await first.result).toMatchObject({ error: { code: 'sign-in-ended', why: 'closed' } })
  expect(first.set.cookies).toEqual([])
  const second = await start()
  await second.clock.advance(10 * 60_000)
  expect(await second.result).toMatchObject({ error: { code: 'sign-in-ended', why: 'too-slow' } })
  expect(second.window.destroyed).toBe(true)
})

it('takes a key that is being made while the window is closed', async () => {
  const { promise, resolve } = Promise.withResolvers<SignInArrival>()
  const { at, window, result } = await start({ checkArrival: () => promise })
  at(keyPage)
  await new Promise(done => setImmediate(done))
  window.close()
  resolve({ kind: 'ended', result: ok(null) })
  expect(await result).toEqual(ok(null))
})

it('says what does not answer, and tries again when asked to', async () => {
  const { page, seen, result } = await start({ agrees: [true, false] })
  page.url = ''
  page.emit('did-fail-load', {}, -102, 'ERR_CONNECTION_REFUSED', login, true)
  await eventually(() => page.url === login)
  page.emit('did-fail-load', {}, -102, 'ERR_CONNECTION_REFUSED', login, true)
  expect(await result).toMatchObject({ error: { why: 'closed' } })
  expect(seen.asked).toEqual([`${registry} does not answer`, `${registry} does not answer`])
})

it('shows where a page is from, whatever the page calls itself', async () => {
  const { at, window } = await start()
  const renamed = anEvent()
  window.emit('page-title-updated', renamed)
  expect(renamed.prevented).toBe(true)
  at(`${issuer}/login`)
  expect(window.title).toBe('Sign in as zot-ci (https://id.example)')
})

it('is one window: a second call joins the first', async () => {
  const { signIn, wish, windows, window, result } = await start()
  const second = signIn.open(wish)
  expect(windows).toHaveLength(1)
  window.close()
  expect(await second).toEqual(await result)
})

describeWith(['openssl'], 'a certificate', () => {
  it('of the registry itself is believed, and no other one that Chromium does not', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'zotbar-sign-in-'))
    const made = makeCertificate(folder, 'own')
    const { set } = await start({ origin: 'https://127.0.0.1:5050', certificate: made.pem.toString() })
    const judged = (hostname: string, data: string): number => {
      let code = 1
      set.verify!({ hostname, certificate: { data } }, answer => {
        code = answer
      })
      return code
    }
    rmSync(folder, { recursive: true })
    const pem = made.pem.toString()
    expect(judged('127.0.0.1', pem)).toBe(0)
    expect(judged('id.example', pem)).toBe(-3)
    expect(judged('127.0.0.1', 'another')).toBe(-3)
  })
})
