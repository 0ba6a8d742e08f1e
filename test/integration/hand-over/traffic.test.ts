import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest'
import { createAppRig, targetAt } from '../app/app-rig.ts'
import { pushImage } from '../registry/client.ts'
import { basic, threeTiers, writeHtpasswd } from '../registry/people.ts'
import { type BuildOnDisk, clientOf, firstBuild, makeBuild, serves } from './second-build.ts'
import { startTraffic, watchControlSocket } from './traffic.ts'

let second: BuildOnDisk & { remove(): void }
let third: BuildOnDisk & { remove(): void }
beforeAll(() => {
  second = makeBuild('second')
  third = makeBuild('third')
})
afterAll(() => {
  second.remove()
  third.remove()
})
let rig: Awaited<ReturnType<typeof createAppRig>>
afterEach(() => rig.end())

it('no request of a client with a password fails through two hand-overs', async () => {
  rig = await createAppRig()
  const people = threeTiers(writeHtpasswd(rig.data, 'robot', 'root'), { metrics: { users: ['root'] } }) as {
    http: object
  }
  rig.configure({
    ...rig.standard,
    http: { ...people.http, port: String(rig.port) },
    extensions: { metrics: {} },
  })
  await rig.serving()
  const { process: before } = await serves(rig, firstBuild.build)
  const registry = targetAt(rig.url)
  const root = {
    ask: (path: string, { headers = {}, ...rest } = {}) =>
      registry.ask(path, { ...rest, headers: { authorization: basic('root'), ...headers } }),
  }
  for (const name of ['team/app', 'team/pushed'])
    await pushImage(root as typeof registry, name, '1', 'a layer')
  const made = await clientOf(rig).keys.create({ user: 'robot', label: '', scopes: [] })
  if (!made.ok) throw new Error(made.error.code)

  const traffic = startTraffic(rig.url, made.value.apiKey ?? '')
  const socket = watchControlSocket(join(rig.home, 'control.sock'))
  for (const next of [second, third]) {
    const answer = await clientOf(rig).app.handOver(next)
    expect(answer.ok ? answer.value.build : answer.error).toBe(next.build)
    await serves(rig, next.build)
  }
  const counted = await traffic.stop()
  const gapMs = await socket.stop()
  const { process: after } = await serves(rig, 'third')
  expect(after.kind === 'serving' && before.kind === 'serving' && after.pid === before.pid).toBe(true)
  for (const name of ['pull', 'push', 'token', 'metrics']) {
    expect(counted[name]?.failed, name).toEqual([])
    expect(counted[name]?.sent, name).toBeGreaterThan(10)
  }
  const figures = process.env['ZOTBAR_FIGURES']
  const sent = Object.fromEntries(Object.entries(counted).map(([name, count]) => [name, count.sent]))
  if (figures) writeFileSync(figures, JSON.stringify({ sent, gapMs }))
})
