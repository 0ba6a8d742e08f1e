import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { controlClient } from '../../../client/control-client.ts'
import type { Caller } from '../../../contract/caller.ts'
import { commandNames } from '../../../contract/dispatch.ts'
import { callerHeader, openToAll, readHello } from '../../../contract/hello.ts'
import type { Dashboard } from '../../../core/dashboard/dashboard.ts'
import { httpApi } from '../../../core/transport/http-api.ts'
import { startTestDashboard } from '../../fakes/dashboard.ts'
import { everyCaller, inputs, mayCall } from '../../fakes/every-command.ts'
import { coreHello, fakeHost, helloHeaders } from '../../fakes/host.ts'
import { type ControlRig, createControlRig } from './control-rig.ts'
import { ask, type Reply } from './http.ts'

let rig: ControlRig
let dashboard: Dashboard
let session = ''
let folder = ''
const overHttp = fakeHost()

beforeAll(async () => {
  rig = await createControlRig()
  await rig.open()
  folder = await mkdtemp(join(tmpdir(), 'zotbar-pages-'))
  dashboard = await startTestDashboard({ home: folder, folder, api: httpApi(overHttp) })
  const token = new URL(dashboard.createLink() ?? '').hash.slice('#token='.length)
  const answer = await overDashboard('session', { token })
  session = (answer.json() as { value: { session: string } }).value.session
})
afterAll(async () => {
  await rig.end()
  await dashboard.close()
  await rm(folder, { recursive: true })
})

const json = { 'content-type': 'application/json' }
const overSocket = (name: string, input: unknown, headers: Record<string, string>): Promise<Reply> =>
  ask(
    {
      socketPath: rig.socketPath,
      path: `/api/${name}`,
      method: 'POST',
      headers: { host: 'zotbar', ...json, ...headers },
    },
    JSON.stringify(input),
  )
const overDashboard = (name: string, input: unknown): Promise<Reply> => {
  const port = dashboard.port()
  const host = `127.0.0.1:${port}`
  const headers = { host, ...json, ...(session === '' ? {} : { 'x-zotbar-session': session }) }
  return ask(
    { host: '127.0.0.1', port, path: `/api/${name}`, method: 'POST', headers },
    JSON.stringify(input),
  )
}

/** How each of them reaches the core; a session that may only look has a test of its own where sessions are. */
const ways: Record<Exclude<Caller, 'looking'>, (name: string) => Promise<Reply>> = {
  cli: name => overSocket(name, inputs[name], helloHeaders('cli')),
  app: name => overSocket(name, inputs[name], helloHeaders('app')),
  page: name => overSocket(name, inputs[name], { ...helloHeaders('app'), [callerHeader]: 'page' }),
  agreed: name => overSocket(name, inputs[name], { ...helloHeaders('app'), [callerHeader]: 'agreed' }),
  full: name => overDashboard(name, inputs[name]),
}

const refusalOf = (reply: Reply): string | undefined => {
  const result = reply.json() as { ok: boolean; error?: { code: string } }
  return result.error?.code
}

describe('every command', () => {
  it.each(commandNames())('%s is for those who may call it, whatever way they come', async name => {
    const before = rig.host().calls.length + overHttp.calls.length
    const got: Caller[] = []
    for (const [caller, call] of Object.entries(ways)) {
      const reply = await call(name)
      expect(reply.status).toBe(200)
      if (refusalOf(reply) !== 'not-authorised') got.push(caller as Caller)
    }
    const allowed = everyCaller.filter(caller => caller in ways && mayCall(caller, name))
    expect(got.sort()).toEqual([...allowed].sort())
    // What is refused reaches no handler; the callers are those that the core made of the headers, not others.
    const calls = [...rig.host().calls, ...overHttp.calls]
    expect(calls.length - before).toBe(allowed.length)
    const seen = calls.filter(call => call.name === name).map(({ caller }) => caller)
    expect(seen.sort()).toEqual([...allowed].sort())
  })
})

describe('a caller that claims too much', () => {
  it.each([
    ['full', 'app'],
    ['cli', 'app'],
    ['looking', 'app'],
  ])('an app that calls itself %s is the %s', async (claim, caller) => {
    await overSocket('registry.stop', {}, { ...helloHeaders('app'), [callerHeader]: claim })
    expect(rig.host().calls.at(-1)).toMatchObject({ name: 'registry.stop', caller })
  })

  it('a page that asks for what the command line alone gets is refused, and told why', async () => {
    const reply = await ways.page('admin.show')
    expect(reply.json()).toEqual({ ok: false, error: { code: 'not-authorised', reason: 'wrong-sender' } })
    expect(reply.text).not.toContain('secret-word')
  })

  it("the dashboard's headers make nothing else of it", async () => {
    const port = dashboard.port()
    const headers = {
      host: `127.0.0.1:${port}`,
      ...json,
      'x-zotbar-session': session,
      ...helloHeaders('cli'),
      [callerHeader]: 'agreed',
    }
    const reply = await ask(
      { host: '127.0.0.1', port, path: '/api/admin.show', method: 'POST', headers },
      '{}',
    )
    expect(reply.json()).toMatchObject({ error: { code: 'not-authorised' } })
  })
})

describe('a client of another contract', () => {
  const { contract } = coreHello
  const told = (theirs: number) => ({
    code: 'other-contract',
    ours: contract,
    theirs,
    version: coreHello.version,
    pid: process.pid,
  })
  /** As 0.1.0 can say it. */
  const toOlder = {
    code: 'file-unusable',
    path: 'This zotbar',
    reason: `a newer Zotbar (${coreHello.version}, process ${process.pid}) runs: use the command that came with it`,
  }
  const others: [string, Record<string, string>, object][] = [
    ['none', {}, toOlder],
    ['something that is no hello', { 'x-zotbar-hello': '{"contract":' }, toOlder],
    ['a lower one', helloHeaders('app', { contract: contract - 1 }), told(contract - 1)],
    ['a higher one', helloHeaders('cli', { contract: contract + 1 }), told(contract + 1)],
  ]

  it.each(others)(
    '%s: gets the snapshot and the logs, and of everything else the reason',
    async (...other) => {
      const [, headers, error] = other
      const before = rig.host().calls.length
      for (const name of commandNames()) {
        const result = (await overSocket(name, inputs[name], headers)).json()
        if (openToAll.has(name)) expect(result).toMatchObject({ ok: true })
        else expect(result).toEqual({ ok: false, error })
      }
      expect(
        rig
          .host()
          .calls.slice(before)
          .map(({ name }) => name),
      ).toEqual(['app.snapshot', 'logs.tail'])
    },
  )

  it('is told with every answer whom it talks to', async () => {
    for (const name of ['app.snapshot', 'registry.stop', 'no.command']) {
      const { headers } = await overSocket(name, {}, {})
      expect(readHello(headers['x-zotbar-hello'])).toEqual(coreHello)
    }
  })

  it('is a command line that says what to do', async () => {
    const other = await createControlRig()
    await other.open({ ...coreHello, contract: contract + 1, version: '9.9.9' })
    const { zotbar } = controlClient({ socketPath: other.socketPath, home: other.home })
    expect(await zotbar.registry.stop({})).toMatchObject({
      error: { code: 'other-contract', ours: contract + 1, theirs: contract, version: '9.9.9' },
    })
    expect(await zotbar.app.snapshot({})).toMatchObject({ ok: true })
    expect(other.host().calls.map(({ name }) => name)).toEqual(['app.snapshot'])
    await other.end()
  })
})
