import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { ConnectionState } from '../../../client/core-connection.ts'
import type { Snapshot } from '../../../contract/snapshot.ts'
import { eventually } from '../../fakes/eventually.ts'
import { aSnapshot, coreHello } from '../../fakes/host.ts'
import { type ControlRig, createControlRig } from './control-rig.ts'

let rig: ControlRig
beforeEach(async () => {
  rig = await createControlRig()
})
afterEach(() => rig.end())

const isLive = (app: { state(): ConnectionState }) => eventually(() => app.state().kind === 'live')

describe('an app that connects', () => {
  it('is live with the first snapshot, and hears each new one', async () => {
    await rig.open()
    const app = rig.connect()
    expect(app.state()).toEqual({ kind: 'connecting' })
    const seen: Snapshot[] = []
    app.on('snapshot', snapshot => seen.push(snapshot))
    await isLive(app)
    expect(app.snapshot()).toEqual(aSnapshot())
    expect(app.core()).toEqual(coreHello)
    rig.host().push('snapshot', aSnapshot({ takenAt: 5 }))
    await eventually(() => seen.length === 2)
    expect(app.snapshot()?.takenAt).toBe(5)
  })

  it('calls as itself, for a page, and after a question', async () => {
    await rig.open()
    const app = rig.connect()
    expect(await app.call('registry.stop', {}, 'app')).toMatchObject({ ok: true })
    expect(await app.as('page').registry.start({})).toMatchObject({ ok: true })
    expect(await app.as('agreed').data.accept({})).toMatchObject({ error: { code: 'nothing-to-accept' } })
    expect(await app.as('page').data.accept({})).toEqual({
      ok: false,
      error: { code: 'not-authorised', reason: 'needs-agreement' },
    })
    expect(rig.host().calls.map(({ name, caller }) => [name, caller])).toEqual([
      ['registry.stop', 'app'],
      ['registry.start', 'page'],
      ['data.accept', 'agreed'],
    ])
  })

  it("asks for the registry's output only while somebody listens", async () => {
    await rig.open()
    const app = rig.connect()
    await isLive(app)
    expect(rig.host().listeners('log')).toBe(0)
    const lines: string[] = []
    const end = app.on('log', more => lines.push(...more.lines))
    await eventually(() => rig.host().listeners('log') === 1)
    // The snapshots come over the other stream alone.
    expect(rig.host().listeners('snapshot')).toBe(1)
    rig.host().push('log', { lines: ['a', 'b'] })
    await eventually(() => lines.length === 2)
    end()
    await eventually(() => rig.host().listeners('log') === 0)
  })
})

describe('a core that is not there', () => {
  it('is waited for: the connection begins when it comes', async () => {
    const app = rig.connect()
    await eventually(() => app.state().kind === 'lost')
    expect(app.state()).toEqual({ kind: 'lost', error: { code: 'app-not-running', home: rig.home } })
    expect(await app.as('app').registry.stop({})).toEqual({
      ok: false,
      error: { code: 'app-not-running', home: rig.home },
    })
    await rig.open()
    await isLive(app)
    expect(app.snapshot()).toEqual(aSnapshot())
  })

  it('comes back: the connection is a new one, log and all, without anybody asking', async () => {
    await rig.open()
    const app = rig.connect({ looking: true })
    const states: ConnectionState['kind'][] = []
    app.on('state', ({ kind }) => states.push(kind))
    const lines: string[] = []
    app.on('log', more => lines.push(...more.lines))
    await isLive(app)
    app.setLooking(false)
    await rig.close()
    await eventually(() => app.state().kind === 'lost')
    expect(app.snapshot()).toEqual(aSnapshot())
    await rig.open()
    await isLive(app)
    await eventually(() => rig.host().listeners('log') === 1)
    rig.host().push('log', { lines: ['after'] })
    await eventually(() => lines.includes('after'))
    expect(states).toEqual(['live', 'lost', 'live'])
    expect(rig.shells().offers()).toEqual(['open', 'question', 'sign-in'])
  })

  it('is tried at once by a command, and by retry', async () => {
    // A clock whose timers never fire: nothing but these tries again.
    const clock = { now: Date.now, setTimer: () => () => {} }
    const app = rig.connect({ clock })
    await eventually(() => app.state().kind === 'lost')
    await rig.open()
    expect(await app.as('app').registry.start({})).toMatchObject({ ok: true })
    await rig.close()
    await eventually(() => app.state().kind === 'lost')
    await rig.open()
    app.retry()
    await isLive(app)
  })

  it('is left alone once the app has closed its connection', async () => {
    await rig.open()
    const app = rig.connect()
    await isLive(app)
    app.close()
    await eventually(() => rig.shells().offers().length === 0)
    expect(rig.host().listeners('snapshot')).toBe(0)
    expect(await app.as('app').app.snapshot({})).toMatchObject({ error: { code: 'app-not-running' } })
  })
})

describe('a core of another contract', () => {
  it.each([coreHello.contract + 1, coreHello.contract - 1])(
    'is shown and not commanded: contract %i',
    async contract => {
      await rig.open({ ...coreHello, contract, version: '9.9.9' })
      const app = rig.connect()
      await eventually(() => app.state().kind === 'lost')
      const error = { code: 'other-contract', ours: contract, theirs: coreHello.contract, version: '9.9.9' }
      expect(app.state()).toMatchObject({ kind: 'lost', error })
      expect(app.snapshot()).toEqual(aSnapshot())
      rig.host().push('snapshot', aSnapshot({ takenAt: 5 }))
      await eventually(() => app.snapshot()?.takenAt === 5)
      expect(await app.as('app').registry.stop({})).toMatchObject({ ok: false, error })
      expect(await app.as('app').logs.tail({ lines: 2 })).toMatchObject({ ok: true })
      expect(rig.host().calls.map(({ name }) => name)).toEqual(['logs.tail'])
    },
  )

  it('is commanded again after it was replaced by one of ours', async () => {
    await rig.open({ ...coreHello, contract: 99 })
    const app = rig.connect()
    await eventually(() => app.state().kind === 'lost')
    await rig.close()
    await rig.open()
    await isLive(app)
    expect(await app.as('app').registry.stop({})).toMatchObject({ ok: true })
  })
})

describe('a core from before there were hellos', () => {
  it('is told with its pid, shown, and never given a command', async () => {
    const asked: string[] = []
    const answer = (request: IncomingMessage, response: ServerResponse): void => {
      asked.push(request.url ?? '')
      if (!request.url?.startsWith('/api/events'))
        return void response.end(JSON.stringify({ ok: true, value: aSnapshot() }))
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      response.write(`event: snapshot\ndata: ${JSON.stringify(aSnapshot())}\n\n`)
    }
    const older = createServer(answer)
    await new Promise<void>(resolve => older.listen(rig.socketPath, resolve))
    const app = rig.connect()
    await eventually(() => app.state().kind === 'lost')
    const error = { code: 'core-older', home: rig.home, pid: 77 }
    expect(app.state()).toEqual({ kind: 'lost', error })
    expect(app.snapshot()).toEqual(aSnapshot())
    expect(await app.as('agreed').registry.stop({})).toEqual({ ok: false, error })
    expect(asked.filter(url => !url.startsWith('/api/events'))).toEqual([])
    older.closeAllConnections()
    await new Promise(resolve => older.close(resolve))
  })
})
