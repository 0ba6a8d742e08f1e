import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { controlClient } from '../../../client/control-client.ts'
import type { ConnectionOptions, CoreConnection } from '../../../client/core-connection.ts'
import { fail, ok } from '../../../contract/result.ts'
import type { ShellAnswer, ShellRequest } from '../../../contract/shell.ts'
import { createBroadcast } from '../../../core/app/broadcast.ts'
import { openControlSocket } from '../../../core/transport/control-socket.ts'
import { httpApi } from '../../../core/transport/http-api.ts'
import { createShellConnections } from '../../../core/transport/shell-connections.ts'
import { systemClock } from '../../../lib/clock.ts'
import { eventually } from '../../fakes/eventually.ts'
import { aSnapshot, coreHello, fakeHost } from '../../fakes/host.ts'
import { startAppProcess } from './app-process.ts'
import { type ControlRig, createControlRig } from './control-rig.ts'

let rig: ControlRig
beforeEach(async () => {
  rig = await createControlRig()
  await rig.open()
})
afterEach(() => rig.end())

const question: ShellRequest = { kind: 'question', title: 'Sure?', body: 'It is about it.', confirm: 'Yes' }
const signIn: ShellRequest = {
  kind: 'sign-in',
  user: 'zot-ci',
  url: 'https://registry.example/login',
  origin: 'https://registry.example',
  issuers: [],
}

type Ask = Parameters<ConnectionOptions['onAsk']>[0]

/** An app that notes what it is asked and answers when the test says so. */
async function anApp(more: Partial<ConnectionOptions> = {}) {
  const asks: Ask[] = []
  const withdrawn: string[] = []
  const answers = new Map<string, (answer: ShellAnswer | undefined) => void>()
  const app = rig.connect({
    onAsk(ask) {
      asks.push(ask)
      ask.withdrawn.addEventListener('abort', () => withdrawn.push(String(ask.withdrawn.reason)))
      return new Promise(resolve => answers.set(ask.id, resolve))
    },
    ...more,
  })
  await eventually(() => app.state().kind === 'live')
  const next = (count = 1): Promise<Ask> => eventually(() => asks[count - 1])
  return {
    app,
    asks,
    withdrawn,
    next,
    answer: (ask: Ask, answer: ShellAnswer) => answers.get(ask.id)?.(answer),
  }
}

const answerBy = (app: CoreConnection, id: string, answer: ShellAnswer) =>
  app.as('app').shell.answer({ id, answer })

describe('what a run asks', () => {
  it('is offered to every app; the first answer counts, and the others hear whose it was', async () => {
    const [one, two, three] = [await anApp(), await anApp(), await anApp({ offers: ['open'] })]
    expect(rig.shells().offers()).toEqual(['open', 'question', 'sign-in'])
    const asked = rig.shells().ask(question)
    const [first, second] = [await one.next(), await two.next()]
    expect([first.request, second.request]).toEqual([question, question])
    two.answer(second, { kind: 'agreed', agreed: true })
    expect(await asked).toEqual(ok({ kind: 'agreed', agreed: true }))
    await eventually(() => one.withdrawn.length === 1)
    expect(one.withdrawn).toEqual(['an app (process 1001)'])
    expect(await answerBy(one.app, first.id, { kind: 'agreed', agreed: false })).toEqual(
      fail({ code: 'already-answered', by: 'an app (process 1001)' }),
    )
    expect([two.withdrawn, three.asks]).toEqual([[], []])
  })

  it('is answered once by an app that answers twice', async () => {
    const one = await anApp()
    const asked = rig.shells().ask(question)
    const { id } = await one.next()
    expect(await answerBy(one.app, id, { kind: 'agreed', agreed: false })).toEqual(ok(null))
    expect(await answerBy(one.app, id, { kind: 'agreed', agreed: true })).toEqual(
      fail({ code: 'already-answered', by: 'an app (process 1000)' }),
    )
    expect(await asked).toEqual(ok({ kind: 'agreed', agreed: false }))
  })

  it('is answered by none but who was asked, in a way that makes sense', async () => {
    const [one, two] = [await anApp(), await anApp({ offers: ['open'] })]
    void rig.shells().ask(question)
    const { id } = await one.next()
    expect(await answerBy(two.app, id, { kind: 'agreed', agreed: true })).toMatchObject({
      error: { code: 'not-authorised', reason: 'wrong-sender' },
    })
    expect(await answerBy(one.app, id, { kind: 'done' })).toMatchObject({ error: { code: 'bad-input' } })
    expect(await answerBy(one.app, 'made-up', { kind: 'done' })).toEqual(fail({ code: 'nothing-under-way' }))
    const { zotbar } = controlClient({ socketPath: rig.socketPath, home: rig.home })
    expect(await zotbar.shell.answer({ id, answer: { kind: 'agreed', agreed: true } })).toMatchObject({
      error: { code: 'not-authorised' },
    })
    expect(await answerBy(one.app, id, { kind: 'agreed', agreed: true })).toEqual(ok(null))
  })

  it('goes on at the other apps when one cannot do it, and at one that comes later', async () => {
    const one = await anApp({ onAsk: () => Promise.reject(new Error('no dialog')) })
    const two = await anApp()
    const asked = rig.shells().ask(question)
    const late = await anApp()
    await two.next()
    const ask = await late.next()
    late.answer(ask, { kind: 'agreed', agreed: true })
    expect(await asked).toEqual(ok({ kind: 'agreed', agreed: true }))
    expect(one.withdrawn).toEqual([])
  })

  it('fails with what could not be done, when the last one could not', async () => {
    await anApp({ onAsk: () => Promise.reject(new Error('no dialog')) })
    expect(await rig.shells().ask(question)).toEqual(ok({ kind: 'failed', where: 'Error: no dialog' }))
  })

  it('says what is missing where no app is', async () => {
    expect(await rig.shells().ask(question)).toEqual(fail({ code: 'no-screen', missing: 'question' }))
    await anApp({ offers: ['question'] })
    expect(await rig.shells().ask({ kind: 'open', what: 'keys' })).toEqual(
      fail({ code: 'no-screen', missing: 'open' }),
    )
  })
})

describe('what a page asked for', () => {
  it("is asked at that page's own app alone", async () => {
    const [one, two] = [await anApp(), await anApp()]
    const connection = await connectionOf(one.app)
    const asked = rig.shells().ask(signIn, { connection, arrived: async () => ({ kind: 'not-yet' }) })
    const ask = await one.next()
    one.answer(ask, { kind: 'ended', why: 'closed', blocked: [] })
    expect(await asked).toEqual(ok({ kind: 'ended', why: 'closed', blocked: [] }))
    expect(two.asks).toEqual([])
  })

  it('is not asked elsewhere once that app has gone', async () => {
    const [one] = [await anApp(), await anApp()]
    const connection = await connectionOf(one.app)
    const asked = rig.shells().ask(signIn, { connection })
    await one.next()
    one.app.close()
    expect(await asked).toEqual(fail({ code: 'shell-gone' }))
    expect(await rig.shells().ask(signIn, { connection })).toEqual(
      fail({ code: 'no-screen', missing: 'sign-in' }),
    )
  })
})

/** The id that the app's calls carry. */
async function connectionOf(app: CoreConnection): Promise<string> {
  const before = rig.host().calls.length
  await app.as('page').keys.signIn({ question: 'q' })
  const { connection } = rig.host().calls[before] ?? {}
  expect(connection).toMatch(/^[0-9a-f-]{36}$/)
  return connection ?? ''
}

describe('a sign-in', () => {
  it('ends with what the core made of the cookies, one look at them at a time', async () => {
    const [one, two] = [await anApp(), await anApp()]
    const looks: string[] = []
    let isLooking = false
    const asked = rig.shells().ask(signIn, {
      async arrived(cookies) {
        expect(isLooking).toBe(false)
        isLooking = true
        await new Promise(resolve => setImmediate(resolve))
        isLooking = false
        looks.push(cookies.map(({ value }) => value).join())
        return looks.length < 2 ? { kind: 'wrong-user', user: 'bob' } : { kind: 'ended', result: ok(null) }
      },
    })
    const [first, second] = [await one.next(), await two.next()]
    const arrivals = await Promise.all([
      first.arrived([{ name: 'session', value: 'a' }]),
      second.arrived([{ name: 'session', value: 'b' }]),
    ])
    expect(arrivals.map(({ kind }) => kind).sort()).toEqual(['ended', 'wrong-user'])
    expect(looks.sort()).toEqual(['a', 'b'])
    expect(await asked).toEqual(ok({ kind: 'done' }))
    const [winner, loser] = arrivals[0]?.kind === 'ended' ? [one, two] : [two, one]
    await eventually(() => loser.withdrawn.length === 1)
    expect(winner.withdrawn).toEqual([])
    expect(await first.arrived([])).toMatchObject({
      kind: 'ended',
      result: { error: { code: 'already-answered' } },
    })
  })
})

describe('what nobody waits for any more', () => {
  it('is withdrawn from every app, with who answered it otherwise', async () => {
    const [one, two] = [await anApp(), await anApp()]
    const over = new AbortController()
    const asked = rig
      .shells()
      .ask(signIn, { signal: over.signal, arrived: async () => ({ kind: 'not-yet' }) })
    const ask = await one.next()
    await two.next()
    over.abort('the command line')
    const answered = { code: 'already-answered', by: 'the command line' } as const
    expect(await asked).toEqual(fail(answered))
    await eventually(() => one.withdrawn.length + two.withdrawn.length === 2)
    expect([...one.withdrawn, ...two.withdrawn]).toEqual(['the command line', 'the command line'])
    expect(await ask.arrived([])).toEqual({ kind: 'ended', result: fail(answered) })
  })

  it('has its own answer first, where a window has just come to it', async () => {
    const one = await anApp()
    const over = new AbortController()
    const asked = rig.shells().ask(signIn, {
      signal: over.signal,
      async arrived() {
        // The key answers the question of the run, which is then open no more.
        over.abort('the window')
        return { kind: 'ended', result: ok(null) }
      },
    })
    const ask = await one.next()
    expect(await ask.arrived([])).toEqual({ kind: 'ended', result: ok(null) })
    expect(await asked).toEqual(ok({ kind: 'done' }))
  })
})

describe('an app that is killed', () => {
  it('ends what it alone was asked, and is no app any more', async () => {
    const child = startAppProcess(rig)
    await eventually(() => rig.shells().offers().includes('question'))
    const asked = rig.shells().ask(question)
    await eventually(() => child.lines().some(line => 'request' in line))
    await child.kill()
    expect(await asked).toEqual(fail({ code: 'shell-gone' }))
    expect(rig.shells().offers()).toEqual([])
  })

  it('leaves the question to the others', async () => {
    const child = startAppProcess(rig)
    const other = await anApp()
    await eventually(() => child.lines().some(line => line['state'] === 'live'))
    const asked = rig.shells().ask(question)
    await eventually(() => child.lines().some(line => 'request' in line))
    await child.kill()
    const ask = await other.next()
    other.answer(ask, { kind: 'agreed', agreed: true })
    expect(await asked).toEqual(ok({ kind: 'agreed', agreed: true }))
  })
})

it('many apps and command lines at once: each gets its own answers and every snapshot', async () => {
  const apps = await Promise.all(Array.from({ length: 8 }, () => anApp()))
  const client = () => controlClient({ socketPath: rig.socketPath, home: rig.home })
  const heard = Array.from({ length: 8 }, () => new Set<number>())
  const streams = await Promise.all(
    heard.map(set => client().events({ snapshot: ({ takenAt }) => void set.add(takenAt) })),
  )
  const lines = await Promise.all(
    Array.from({ length: 40 }, async (_, count) => {
      const { logs } =
        count % 2 === 0 ? client().zotbar : (apps[count % 8]?.app.as('page') ?? client().zotbar)
      return logs.tail({ lines: count + 1 })
    }),
  )
  expect(lines.every(({ ok: done }) => done)).toBe(true)
  rig.host().push('snapshot', aSnapshot({ takenAt: 42 }))
  await eventually(
    () => heard.every(set => set.has(42)) && apps.every(({ app }) => app.snapshot()?.takenAt === 42),
  )
  for (const stream of streams) if (stream.ok) stream.value.stop()
  for (const { app } of apps) app.close()
  await eventually(() => rig.host().listeners('snapshot') === 0 && rig.shells().offers().length === 0)
})

describe('an app that nobody looks at', () => {
  it('has health probed no more often; while somebody looks, it is', async () => {
    await rig.close()
    const watched: boolean[] = []
    const broadcast = createBroadcast({ snapshot: () => aSnapshot(), watched: is => watched.push(is) })
    const shells = createShellConnections()
    const { handlers } = fakeHost({ shell: shells.handlers })
    const host = { handlers, snapshot: () => aSnapshot(), on: broadcast.on }
    const socket = await openControlSocket({
      path: rig.socketPath,
      home: rig.home,
      api: httpApi(host, { shells }),
      hello: coreHello,
    })
    if (!socket.ok) throw new Error(socket.error.code)
    const app = rig.connect({ looking: false, clock: systemClock() })
    await eventually(() => app.state().kind === 'live')
    // The log of a window that is hidden is no look either.
    const lines: string[] = []
    const end = app.on('log', more => lines.push(...more.lines))
    await eventually(() => {
      broadcast.log(['x'])
      return lines.length > 0
    })
    const other = rig.connect({ looking: false })
    await eventually(() => other.state().kind === 'live')
    expect(watched.some(is => is)).toBe(false)
    app.setLooking(true)
    await eventually(() => watched.at(-1) === true)
    other.setLooking(true)
    other.close()
    app.setLooking(false)
    await eventually(() => watched.at(-1) === false)
    end()
    await socket.value.close()
  })
})
