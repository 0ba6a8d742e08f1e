import { expect, it } from 'vitest'
import type { ConnectionState, CoreConnection } from '../../../client/core-connection.ts'
import type { Hello } from '../../../contract/hello.ts'
import { fail, ok, type Result } from '../../../contract/result.ts'
import type { RunbookProgress } from '../../../contract/runbook.ts'
import type { Snapshot } from '../../../contract/snapshot.ts'
import { createEmitter } from '../../../lib/emitter.ts'
import { offerHandOver } from '../../../main/hand-over.ts'
import { fakeCore } from '../../fakes/core.ts'
import { aSnapshot, coreHello, fakeHost } from '../../fakes/host.ts'

const own = { build: 'b2b2', version: '0.2.0' }
const older: Hello = { ...coreHello, build: 'b1b1', version: '0.1.0' }
const kept = (over: Partial<Snapshot> = {}) =>
  aSnapshot({ app: { ...aSnapshot().app, keeper: 'app' }, ...over })

function start(
  running: Hello,
  answer: () => Result<{ pid: number; build: string }> = () => ok({ pid: 9, build: 'b2b2' }),
) {
  const host = fakeHost({ app: { handOver: async () => answer() } })
  const core = fakeCore(host)
  const events = createEmitter<{ state: ConnectionState; snapshot: Snapshot }>()
  const logged: string[] = []
  const connection: Pick<CoreConnection, 'state' | 'core' | 'snapshot' | 'on' | 'as'> = {
    state: () => ({ kind: 'live' }),
    core: () => running,
    snapshot: host.snapshot,
    on: (event, listener) => events.on(event as 'snapshot', listener as (snapshot: Snapshot) => void),
    as: core.as,
  }
  const program = ok({ node: '/n/node', args: ['--disable-sigusr1', '/d/core/main.mjs'] })
  offerHandOver({ connection, build: own, program, log: message => void logged.push(message) })
  return {
    logged,
    show: async (snapshot: Snapshot) => {
      host.push('snapshot', snapshot)
      events.emit('snapshot', snapshot)
      await new Promise(resolve => setImmediate(resolve))
    },
    asked: () => host.calls.map(({ name, input, caller }) => [name, input, caller]),
  }
}
const request = ['app.handOver', { node: '/n/node', main: '/d/core/main.mjs', ...own }, 'app']

it('is asked of a core of the build before, once', async () => {
  const { show, asked, logged } = start(older)
  await show(kept())
  await show(kept())
  expect([asked(), logged]).toEqual([[request], ['The core of build b1b1 handed over to process 9']])
})

it.each<[string, Hello, Snapshot]>([
  ['of the same build', { ...older, ...own }, kept()],
  ['of a newer version', { ...older, version: '0.10.0' }, kept()],
  ['that somebody started in a terminal', older, aSnapshot()],
  ['that quits', older, kept({ quitting: true })],
])('is not asked of a core %s', async (_, running, snapshot) => {
  const { show, asked } = start(running)
  await show(snapshot)
  expect(asked()).toEqual([])
})

it('waits for a run that is under way, or that begins meanwhile', async () => {
  let busy = true
  const { show, asked } = start(older, () =>
    busy ? fail({ code: 'busy', with: 'Upgrade zot' }) : ok({ pid: 9, build: 'b2b2' }),
  )
  const runbook = Object.freeze({}) as RunbookProgress
  await show(kept({ runbook }))
  expect(asked()).toEqual([])
  await show(kept())
  busy = false
  await show(kept())
  await show(kept())
  expect(asked()).toEqual([request, request])
})

it('is not tried again where it failed', async () => {
  const { show, asked, logged } = start(older, () => fail({ code: 'unexpected', where: 'the successor' }))
  await show(kept())
  await show(kept())
  expect([asked().length, logged]).toEqual([1, ['The core of build b1b1 did not hand over: unexpected']])
})
