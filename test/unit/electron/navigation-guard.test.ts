import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Session } from 'electron'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  guardApp,
  guardContents,
  guardedSession,
  isOwn,
  pagePreferences,
} from '../../../main/navigation-guard.ts'
import { createPageServer, type PageServer } from '../../../main/page-server.ts'
import { anEvent, FakeContents, fakeElectron } from '../../fakes/electron.ts'

let folder = ''
let serve: PageServer
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'zotbar-fence-'))
  await mkdir(join(folder, 'pages/assets'), { recursive: true })
  await writeFile(join(folder, 'secret.html'), 'secret')
  await writeFile(join(folder, 'pages/window.html'), '<!doctype html>')
  await writeFile(join(folder, 'pages/assets/window-abc.js'), 'export {}')
  await writeFile(join(folder, 'pages/notes.txt'), 'no')
  serve = await createPageServer(join(folder, 'pages'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

const get = (url: string, method = 'GET') => serve({ url, method })

describe('the pages', () => {
  it('come with their type and a policy that lets them reach nothing', async () => {
    const page = await get('app://zotbar/window.html')
    expect(page.status).toBe(200)
    expect(page.headers.get('content-type')).toBe('text/html; charset=utf-8')
    expect(page.headers.get('content-security-policy')).toContain("default-src 'none'")
    expect(page.headers.get('content-security-policy')).toContain("connect-src 'none'")
    expect(page.headers.get('content-security-policy')).not.toContain('unsafe')
    const script = await get('app://zotbar/assets/window-abc.js')
    expect(script.headers.get('content-type')).toBe('text/javascript; charset=utf-8')
    expect(await script.text()).toBe('export {}')
  })

  it.each([
    'app://zotbar/',
    'app://zotbar/notes.txt',
    'app://zotbar/../secret.html',
    'app://zotbar/%2e%2e/secret.html',
    'app://zotbar/..%2fsecret.html',
    'app://zotbar//etc/passwd',
    'app://other/window.html',
    'file:///etc/passwd',
    'not a url',
  ])('%s is not one', async url => {
    const answer = await get(url)
    expect(answer.status).toBe(404)
    expect(await answer.text()).toBe('')
    expect(answer.headers.get('content-security-policy')).toContain("default-src 'none'")
  })

  it('are only read', async () => {
    expect((await get('app://zotbar/window.html', 'POST')).status).toBe(405)
  })
})

describe('the session of the pages', () => {
  const fake = fakeElectron()
  beforeAll(() => {
    guardedSession(fake.electron, serve, true)
  })
  const { set } = fake.session
  const cancelled = (url: string): boolean => {
    let answer = false
    set.before!({ url }, ({ cancel }) => {
      answer = cancel
    })
    return answer
  }

  it('has no way to the network, not even for names', () => {
    expect(set.proxy).toBe('http://127.0.0.1:9')
  })

  it('is kept in memory', () => {
    expect(fake.done.partition).not.toContain('persist:')
  })

  it('lets a page load our files and nothing else', () => {
    expect(cancelled('app://zotbar/window.html')).toBe(false)
    for (const url of [
      'https://example.com/',
      'http://127.0.0.1:5050/v2/',
      'ws://127.0.0.1/',
      'file:///etc/passwd',
      'data:text/html,x',
      'blob:app://zotbar/1',
      'app://zotbar.evil/x',
      'devtools://devtools/x',
    ])
      expect(cancelled(url), url).toBe(true)
  })

  it('grants nothing but writing text to the clipboard, and that to our pages only', () => {
    const ask = (url: string, permission: string): boolean => {
      const contents = new FakeContents()
      contents.url = url
      let granted = false
      set.ask!(contents, permission, answer => {
        granted = answer
      })
      return granted
    }
    expect(ask('app://zotbar/window.html', 'clipboard-sanitized-write')).toBe(true)
    expect(ask('https://example.com/', 'clipboard-sanitized-write')).toBe(false)
    for (const permission of ['media', 'geolocation', 'notifications', 'clipboard-read', 'openExternal'])
      expect(ask('app://zotbar/window.html', permission), permission).toBe(false)
    expect(set.check!(null, 'clipboard-sanitized-write', 'app://zotbar/')).toBe(true)
    expect(set.check!(null, 'clipboard-sanitized-write', 'app://zotbar')).toBe(true)
    expect(set.check!(null, 'clipboard-sanitized-write', 'https://example.com')).toBe(false)
    expect(set.check!(null, 'media', 'app://zotbar')).toBe(false)
    expect(set.device!()).toBe(false)
  })

  it('downloads nothing', () => {
    const event = anEvent()
    fake.session.emit('will-download', event)
    expect(event.prevented).toBe(true)
  })
})

describe('every page', () => {
  const fake = fakeElectron()
  guardContents(fake.electron)
  const contents = new FakeContents()
  fake.app.emit('web-contents-created', {}, contents)

  it.each(['will-frame-navigate', 'will-redirect', 'will-attach-webview'])('is refused: %s', name => {
    const event = anEvent()
    contents.emit(name, event)
    expect(event.prevented).toBe(true)
  })

  it('opens no other window', () => {
    expect(contents.openHandler!({ url: 'https://example.com' })).toEqual({ action: 'deny' })
    expect(contents.webRtc).toBe('disable_non_proxied_udp')
  })

  it('runs in the sandbox, apart from the preload, without Node, and without tools when packaged', () => {
    const preferences = pagePreferences(fake.session as unknown as Session, '/p.cjs', true)
    expect(preferences).toMatchObject({
      sandbox: true,
      contextIsolation: true,
      nodeIntegration: false,
      nodeIntegrationInWorker: false,
      nodeIntegrationInSubFrames: false,
      webSecurity: true,
      webviewTag: false,
      devTools: false,
    })
  })

  it('is ours only on our origin', () => {
    expect(isOwn('app://zotbar/popover.html')).toBe(true)
    expect(isOwn('app://zotbar.example/popover.html')).toBe(false)
    expect(isOwn('https://zotbar/popover.html')).toBe(false)
  })
})

it('a page of the sign-in may move, but opens no window', () => {
  const fake = fakeElectron()
  const contents = new FakeContents()
  guardContents(fake.electron, one => Object.is(one, contents))
  fake.app.emit('web-contents-created', {}, contents)
  const moves = anEvent()
  contents.emit('will-frame-navigate', moves)
  expect(moves.prevented).toBe(false)
  const view = anEvent()
  contents.emit('will-attach-webview', view)
  expect(view.prevented).toBe(true)
  expect(contents.openHandler!({ url: 'https://example.com' })).toEqual({ action: 'deny' })
})

it('before it is ready, the app is sandboxed, and no session reaches anything', () => {
  const fake = fakeElectron({ ready: false })
  guardApp(fake.electron)
  expect(fake.done.schemes).toMatchObject([{ scheme: 'app' }])
  expect(fake.seenOfApp.switches).toContain('sandbox')
  const made = fake.sessions.get('zotbar')!
  fake.app.emit('session-created', made)
  let answer = {}
  made.set.before!({ url: 'https://example.com/' }, to => {
    answer = to
  })
  expect(answer).toEqual({ cancel: true })
})
