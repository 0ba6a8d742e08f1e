import { existsSync } from 'node:fs'
import { chmod, lstat, mkdir, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { controlClient } from '../../../client/control-client.ts'
import type { Snapshot } from '../../../contract/snapshot.ts'
import { type ControlSocket, openControlSocket } from '../../../core/transport/control-socket.ts'
import { httpApi } from '../../../core/transport/http-api.ts'
import { eventually } from '../../fakes/eventually.ts'
import { aSnapshot, coreHello, type FakeHost, fakeHost, helloHeaders } from '../../fakes/host.ts'
import { ask } from './http.ts'

let home: string
let path: string
let host: FakeHost
const open: ControlSocket[] = []
const others: Server[] = []

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'zotbar-home-'))
  path = join(home, 'control.sock')
  host = fakeHost()
})

afterEach(async () => {
  for (const socket of open.splice(0)) await socket.close()
  for (const server of others.splice(0)) server.close()
  await chmod(home, 0o700)
  await rm(home, { recursive: true })
})

const start = async (over: { processingMs?: number; limitMs?: number; at?: string } = {}) => {
  const { processingMs = 50, limitMs = 300, at = path } = over
  const opened = await openControlSocket({
    path: at,
    home,
    api: httpApi(host, { processingMs }),
    hello: coreHello,
    limitMs,
  })
  if (opened.ok) open.push(opened.value)
  return opened
}
const client = (limitMs = 2_000) => controlClient({ socketPath: path, home, limitMs, streamLimitMs: limitMs })

async function listening(on: string, answer?: (text: string) => string): Promise<Server> {
  const server = createServer(socket => {
    socket.on('error', () => undefined)
    if (answer) socket.on('data', data => socket.end(answer(String(data))))
  })
  others.push(server)
  await new Promise<void>(resolve => server.listen(on, resolve))
  return server
}

/** A socket file whose process is gone, as a killed app leaves it. */
async function staleSocket(): Promise<void> {
  const { spawnSync } = await import('node:child_process')
  const script = `require('net').createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, 'SIGKILL'))`
  spawnSync(process.execPath, ['-e', script])
  expect((await lstat(path)).isSocket()).toBe(true)
}

describe('the control socket', () => {
  it('answers commands as the command line, with mode 0600 whatever the umask', async () => {
    const before = process.umask(0)
    const opened = await start()
    process.umask(before)
    expect(opened.ok).toBe(true)
    expect((await lstat(path)).mode & 0o777).toBe(0o600)
    expect(await readdir(home)).toEqual(['control.sock'])
    expect(await client().zotbar.registry.restart({ now: true })).toEqual({ ok: true, value: aSnapshot() })
    expect(host.calls).toEqual([{ name: 'registry.restart', input: { now: true }, caller: 'cli' }])
  })

  it('refuses as the dashboard does', async () => {
    await start()
    const call = (path_: string, headers: Record<string, string>, body: string) =>
      ask({ socketPath: path, path: path_, method: 'POST', headers }, body)
    const json = { host: 'zotbar', 'content-type': 'application/json', ...helloHeaders('cli') }
    expect((await call('/api/nothing', json, '{}')).status).toBe(404)
    expect((await call('/', json, '{}')).status).toBe(404)
    expect((await call('/api/app.snapshot', { host: 'zotbar' }, '{}')).status).toBe(415)
    expect((await call('/api/app.snapshot', json, 'x'.repeat(70_000))).status).toBe(413)
  })

  it('goes away when it is closed', async () => {
    const opened = await start()
    if (!opened.ok) throw new Error(opened.error.code)
    await opened.value.close()
    expect(existsSync(path)).toBe(false)
    expect(await client().zotbar.app.snapshot({})).toEqual({
      ok: false,
      error: { code: 'app-not-running', home },
    })
  })

  it('leaves the socket of another app that took its place', async () => {
    const opened = await start()
    if (!opened.ok) throw new Error(opened.error.code)
    await rm(path)
    await listening(path)
    await opened.value.close()
    expect(existsSync(path)).toBe(true)
  })
})

describe('what lies in the place of the socket', () => {
  it('a stale socket is replaced', async () => {
    await staleSocket()
    expect(await client().zotbar.app.snapshot({})).toMatchObject({ error: { code: 'app-not-running' } })
    expect((await start()).ok).toBe(true)
    expect((await client().zotbar.app.snapshot({})).ok).toBe(true)
  })

  it('a live one is a second app, told with its pid', async () => {
    await start()
    expect(await start()).toEqual({ ok: false, error: { code: 'already-running', pid: 77, home } })
    expect((await client().zotbar.app.snapshot({})).ok).toBe(true)
  })

  it('one that takes the call and says nothing is left alone', async () => {
    await listening(path)
    expect(await start()).toEqual({ ok: false, error: { code: 'app-not-answering', home, limitMs: 300 } })
    expect((await lstat(path)).isSocket()).toBe(true)
  })

  it('a symbolic link is neither followed nor removed', async () => {
    const elsewhere = join(home, 'victim')
    await writeFile(elsewhere, 'mine')
    for (const target of [elsewhere, join(home, 'nowhere')]) {
      await symlink(target, path)
      expect(await start()).toMatchObject({ ok: false, error: { code: 'home-unusable', path } })
      expect((await lstat(path)).isSymbolicLink()).toBe(true)
      await rm(path)
    }
    expect((await lstat(elsewhere)).isFile()).toBe(true)
    expect(existsSync(join(home, 'nowhere'))).toBe(false)
  })

  it('a file or a folder is left alone', async () => {
    await writeFile(path, 'notes')
    expect(await start()).toMatchObject({ ok: false, error: { code: 'home-unusable' } })
    await rm(path)
    await mkdir(path)
    expect(await start()).toMatchObject({ ok: false, error: { code: 'home-unusable' } })
  })

  it('a folder that others may enter, or none, is refused', async () => {
    await chmod(home, 0o755)
    expect(await start()).toMatchObject({
      error: { code: 'home-unusable', reason: 'its folder is open to other users' },
    })
    expect(await start({ at: join(home, 'none', 'control.sock') })).toMatchObject({
      error: { code: 'home-unusable', reason: 'its folder is not there' },
    })
  })

  it('a path that is too long is told', async () => {
    const deep = join(home, 'x'.repeat(100))
    await mkdir(deep, { mode: 0o700 })
    expect(await start({ at: join(deep, 'control.sock') })).toMatchObject({
      error: { code: 'home-unusable', reason: 'its path is too long' },
    })
  })
})

describe('the client', () => {
  it('asks an older core nothing that it would carry out, and tells its pid', async () => {
    const asked: string[] = []
    await listening(path, text => {
      asked.push(/ (\S+) /.exec(text)?.[1] ?? '')
      const body = JSON.stringify({ ok: true, value: aSnapshot() })
      return `HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n${body}`
    })
    expect(await client().zotbar.registry.stop({})).toEqual({
      ok: false,
      error: { code: 'core-older', pid: 77, home },
    })
    expect(asked).not.toContain('/api/registry.stop')
    expect((await client().zotbar.app.snapshot({})).ok).toBe(true)
  })

  it('tells an app that is not there from one that hangs', async () => {
    expect(await client().zotbar.app.snapshot({})).toEqual({
      ok: false,
      error: { code: 'app-not-running', home },
    })
    await listening(path)
    expect(await client(100).zotbar.app.snapshot({})).toEqual({
      ok: false,
      error: { code: 'app-not-answering', home, limitMs: 100 },
    })
    expect(await client(100).events({})).toMatchObject({ error: { code: 'app-not-answering' } })
  })

  it('waits for a command that takes long, as long as the app says that it works', async () => {
    host = fakeHost({
      registry: {
        stop: () => new Promise(resolve => setTimeout(() => resolve({ ok: true, value: aSnapshot() }), 600)),
      },
    })
    await start({ processingMs: 50 })
    expect((await client(250).zotbar.registry.stop({})).ok).toBe(true)
  })

  it('takes an app that ends in the middle as not running', async () => {
    const server = await listening(path, () => 'HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{"ok"')
    expect(await client().zotbar.app.snapshot({})).toMatchObject({ error: { code: 'app-not-running' } })
    server.close()
  })

  it('takes an answer of another shape as a fault', async () => {
    await listening(path, () => 'HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n{"hello":1}')
    expect(await client().zotbar.app.snapshot({})).toMatchObject({ error: { code: 'unexpected' } })
  })

  it('follows events until the app goes', async () => {
    const opened = await start()
    const snapshots: Snapshot[] = []
    const lines: string[] = []
    const events = await client().events({
      snapshot: value => snapshots.push(value),
      log: more => lines.push(...more),
    })
    if (!events.ok || !opened.ok) throw new Error('not open')
    await eventually(() => snapshots.length === 1)
    host.push('log', { lines: ['a', 'b'] })
    host.push('snapshot', aSnapshot({ takenAt: 5 }))
    await eventually(() => lines.length === 2 && snapshots.length === 2)
    expect(snapshots[1]?.takenAt).toBe(5)
    await opened.value.close()
    expect(await events.value.ended).toEqual({ code: 'app-not-running', home })
  })

  it('notices a stream that falls silent', async () => {
    await listening(path, () => '')
    others[0]?.close()
    await rm(path, { force: true })
    const silent = createServer(socket => {
      socket.on('error', () => undefined)
      socket.write('HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n:\n\n')
    })
    others.push(silent)
    await new Promise<void>(resolve => silent.listen(path, resolve))
    const events = await client(150).events({})
    if (!events.ok) throw new Error('not open')
    expect(await events.value.ended).toEqual({ code: 'app-not-answering', home, limitMs: 150 })
  })
})
