import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { controlClient } from '../../../client/control-client.ts'
import { connectCore } from '../../../client/core-connection.ts'
import { clientHello } from '../../../client/hello.ts'
import { systemClock } from '../../../lib/clock.ts'
import { eventually } from '../../fakes/eventually.ts'
import { type AppRig, createAppRig } from '../app/app-rig.ts'

let rig: AppRig
beforeAll(async () => {
  rig = await createAppRig()
})
afterAll(() => rig?.end())

it('a core that is killed and started again has its apps back, with its own new state', async () => {
  const first = await rig.serving()
  const socketPath = join(rig.home, 'control.sock')
  const app = connectCore({
    socketPath,
    home: rig.home,
    hello: clientHello('app'),
    offers: ['open', 'question', 'sign-in', 'notify', 'clipboard'],
    looking: false,
    clock: systemClock(),
    onAsk: async ({ request }) => (request.kind === 'open' ? { kind: 'done' } : undefined),
  })
  try {
    await eventually(() => app.state().kind === 'live')
    const { zotbar } = controlClient({ socketPath, home: rig.home })
    // A dashboard's page would be answered by this app's screen.
    expect(await zotbar.app.open({ what: 'keys' })).toEqual({ ok: true, value: null })
    const before = app.snapshot()?.app
    expect(before).toMatchObject({ pid: first.pid, keeper: 'terminal' })
    await eventually(() => app.snapshot()?.app.offers.length === 5)

    first.kill('SIGKILL')
    await first.exited
    await eventually(() => app.state().kind === 'lost')
    expect(app.snapshot()?.app.pid).toBe(first.pid)
    const second = await rig.serving()
    await eventually(() => app.state().kind === 'live' && app.snapshot()?.app.pid === second.pid)
    await eventually(() => app.snapshot()?.app.offers.length === 5)
    expect(await zotbar.app.open({ what: 'window' })).toEqual({ ok: true, value: null })
    expect(app.snapshot()?.process).toMatchObject({ kind: 'serving', adopted: true })
    // What a command line reads is what the app was sent.
    const asked = await zotbar.app.snapshot({})
    expect(asked.ok && asked.value.app).toEqual(app.snapshot()?.app)
  } finally {
    app.close()
  }
})

it('where no app is, what needs a screen says what is missing', async () => {
  const { zotbar } = controlClient({ socketPath: join(rig.home, 'control.sock'), home: rig.home })
  await eventually(async () => {
    const now = await zotbar.app.snapshot({})
    return now.ok && now.value.app.offers.length === 0
  })
  expect(await zotbar.app.open({ what: 'log-folder' })).toEqual({
    ok: false,
    error: { code: 'no-screen', missing: 'open', path: join(rig.home, 'logs') },
  })
})
