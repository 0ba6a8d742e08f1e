import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { connectCore } from '../../../client/core-connection.ts'
import { clientHello } from '../../../client/hello.ts'
import { systemClock } from '../../../lib/clock.ts'
import { eventually } from '../../fakes/eventually.ts'
import { type AppRig, createAppRig, targetAt } from '../app/app-rig.ts'
import { pushImage } from '../registry/client.ts'
import { policies } from '../rotation/rotation-rig.ts'
import {
  type BuildOnDisk,
  clientOf,
  coreOf,
  firstBuild,
  isAlive,
  makeBroken,
  makeBuild,
  serves,
} from './second-build.ts'

let second: BuildOnDisk & { remove(): void }
beforeAll(() => {
  second = makeBuild('second')
})
afterAll(() => second.remove())
let rig: AppRig
afterEach(async () => {
  const pid = (await coreOf(rig))?.app.pid
  if (pid !== undefined) process.kill(pid, 'SIGKILL')
  await rig.end()
})

const must = async <T>(
  asked: Promise<{ ok: true; value: T } | { ok: false; error: unknown }>,
): Promise<T> => {
  const answer = await asked
  if (!answer.ok) throw new Error(JSON.stringify(answer.error))
  return answer.value
}

/** A registry with API keys, an image in team/app, and a core that serves it. */
async function withKeys(args: string[] = []) {
  rig = await createAppRig()
  rig.configure({
    ...rig.standard,
    http: { ...rig.standard.http, auth: { apikey: true }, accessControl: { repositories: policies } },
  })
  const first = await rig.serving(args)
  const { apiKey = '' } = await must(clientOf(rig).keys.create({ user: 'pusher', label: '', scopes: [] }))
  const registry = targetAt(rig.url)
  const headers = { authorization: `Basic ${Buffer.from(`pusher:${apiKey}`).toString('base64')}` }
  const pusher = {
    ask: (path: string, { headers: more = {}, ...rest } = {}) =>
      registry.ask(path, { ...rest, headers: { ...headers, ...more } }),
  }
  await pushImage(pusher as typeof registry, 'team/app', '1', 'a layer')
  return first
}

const passphrase = 'correct horse battery staple'

describe('with a hand-over', () => {
  it('the passphrase goes along, through nothing that others could read, and a rotation works without unlocking', async () => {
    await withKeys()
    const file = join(rig.folder, 'key-of-ci')
    await must(clientOf(rig).keys.unlock({ passphrase }))
    await must(
      clientOf(rig).keys.manage({ user: 'zot-ci', sinks: [`file:${file}`], proveRepository: 'team/app' }),
    )
    const before = readFileSync(file, 'utf8')
    await must(clientOf(rig).app.handOver(second))
    const { app } = await serves(rig, 'second')
    const seen = [
      readFileSync(`/proc/${app.pid}/cmdline`, 'utf8'),
      readFileSync(`/proc/${app.pid}/environ`, 'utf8'),
      ...readdirSync(rig.home, { recursive: true, withFileTypes: true })
        .filter(entry => entry.isFile())
        .map(entry => readFileSync(join(entry.parentPath, entry.name), 'latin1')),
    ]
    expect(seen.some(text => text.includes(passphrase))).toBe(false)
    const begun = await must(
      clientOf(rig).keys.rotate({ user: 'zot-ci', yes: true, overlap: '0', leaked: false, dryRun: false }),
    )
    const run = 'run' in begun ? begun.run : ''
    const ended = await eventually(async () => {
      const shown = await must(clientOf(rig).runbooks.show({ run }))
      return shown.result === undefined ? undefined : shown
    })
    expect(ended.result).toBe('done')
    expect(readFileSync(file, 'utf8')).not.toBe(before)
  })

  it('a key that a window created and has not asked for yet is there once, as before', async () => {
    await withKeys()
    const window = connectCore({
      socketPath: join(rig.home, 'control.sock'),
      home: rig.home,
      hello: clientHello('app'),
      offers: [],
      looking: false,
      clock: systemClock(),
      onAsk: async () => undefined,
    })
    const { uuid } = await must(
      window.as('page').keys.create({ user: 'zot-ci', label: 'from a window', scopes: [] }),
    )
    await must(clientOf(rig).app.handOver(second))
    await serves(rig, 'second')
    expect(await must(window.as('page').keys.reveal({ uuid }))).toEqual({
      apiKey: expect.stringMatching(/^zak_/),
    })
    expect(await window.as('page').keys.reveal({ uuid })).toMatchObject({ error: { code: 'secret-gone' } })
    window.close()
  })

  it('a registry that somebody stopped stays stopped, and starts when asked', async () => {
    rig = await createAppRig()
    await rig.serving()
    await must(clientOf(rig).registry.stop({}))
    await must(clientOf(rig).app.handOver(second))
    const core = await eventually(async () => {
      const found = await coreOf(rig)
      const isDecided = found?.process.kind !== 'stopped' || found.process.why !== 'never-started'
      return found?.app.build === 'second' && isDecided ? found : undefined
    })
    expect(core.process).toMatchObject({ kind: 'stopped', why: 'asked' })
    expect((await must(clientOf(rig).registry.start({}))).process.kind).toBe('serving')
  })

  it('a run under way refuses it, and goes on', async () => {
    await withKeys()
    const file = join(rig.folder, 'key-of-ci')
    await must(clientOf(rig).keys.unlock({ passphrase }))
    await must(
      clientOf(rig).keys.manage({ user: 'zot-ci', sinks: [`file:${file}`], proveRepository: 'team/app' }),
    )
    await must(
      clientOf(rig).keys.rotate({ user: 'zot-ci', yes: false, overlap: '0', leaked: false, dryRun: false }),
    )
    const waiting = await eventually(async () => (await coreOf(rig))?.runbook?.question)
    expect(await clientOf(rig).app.handOver(second)).toMatchObject({ ok: false, error: { code: 'busy' } })
    expect((await coreOf(rig))?.app.build).toBe(firstBuild.build)
    await must(clientOf(rig).runbooks.answer({ question: waiting.id, agreed: false }))
    await eventually(async () => (await coreOf(rig))?.runbook === undefined)
    await must(clientOf(rig).app.handOver(second))
    await serves(rig, 'second')
  })

  it('one hand-over at a time: of many, one is done and the others are told', async () => {
    rig = await createAppRig()
    await rig.serving()
    const answers = await Promise.all(Array.from({ length: 8 }, () => clientOf(rig).app.handOver(second)))
    expect(answers.filter(({ ok }) => ok)).toHaveLength(1)
    for (const answer of answers)
      if (!answer.ok) expect(answer.error).toEqual({ code: 'busy', with: 'another hand-over' })
    await serves(rig, 'second')
  })

  it('no descriptor of it reaches the registry, and what stands in for the core holds no socket', async () => {
    rig = await createAppRig()
    const first = await rig.serving()
    await must(clientOf(rig).app.handOver(second))
    const { app, process: state } = await serves(rig, 'second')
    const sockets = (pid: number): string[] =>
      readdirSync(`/proc/${pid}/fd`)
        // The first three are the test's own.
        .filter(name => Number(name) > 2)
        .map(name => {
          try {
            return readlinkSync(`/proc/${pid}/fd/${name}`)
          } catch {
            return ''
          }
        })
        .filter(target => target.startsWith('socket:'))
    const channel = readlinkSync(`/proc/${app.pid}/fd/3`)
    // The registry is started anew by the new core.
    const registry = state.kind === 'serving' ? state.pid : 0
    process.kill(registry, 'SIGKILL')
    const next = await eventually(async () => {
      const found = await coreOf(rig)
      return found?.process.kind === 'serving' && found.process.pid !== registry
        ? found.process.pid
        : undefined
    })
    expect(sockets(next)).not.toContain(channel)
    // Its end of the channel alone: it listens nowhere, and is connected to nobody.
    expect(sockets(first.pid)).toHaveLength(1)
    expect(existsSync(join(rig.home, 'app.lock'))).toBe(true)
    expect(JSON.parse(readFileSync(join(rig.home, 'app.lock'), 'utf8'))).toMatchObject({ pid: app.pid })
  })
})

describe('a signal during a hand-over', () => {
  it('ends whoever has the home, and the registry with it', async () => {
    rig = await createAppRig()
    const first = await rig.serving()
    const before = await serves(rig, firstBuild.build)
    const registry = before.process.kind === 'serving' ? before.process.pid : 0
    const hangs = makeBroken(
      rig.folder,
      'hangs',
      `say(loaded); await heard; process.kill(process.ppid, 'SIGTERM'); await new Promise(() => setInterval(() => {}, 1000))`,
    )
    await must(clientOf(rig).app.handOver(hangs))
    expect(await first.exited).toBe(0)
    expect(isAlive(registry)).toBe(false)
  })
})
