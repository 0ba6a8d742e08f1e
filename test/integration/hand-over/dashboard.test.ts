import { afterAll, afterEach, beforeAll, expect, it } from 'vitest'
import { eventually } from '../../fakes/eventually.ts'
import { type AppRig, createAppRig } from '../app/app-rig.ts'
import { type BuildOnDisk, clientOf, coreOf, makeBuild, serves } from './second-build.ts'

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

async function post(origin: string, path: string, body: unknown, session = ''): Promise<Response> {
  return fetch(new URL(path, origin), {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-zotbar-session': session },
    body: JSON.stringify(body),
  })
}

it('a session of the dashboard goes along, at the port that the kernel chose', async () => {
  rig = await createAppRig()
  await rig.serving()
  const link = await clientOf(rig).app.dashboardLink({})
  if (!link.ok) throw new Error(link.error.code)
  const { origin, hash } = new URL(link.value.url)
  const answer = await post(origin, '/api/session', { token: hash.replace('#token=', '') })
  const { session } = ((await answer.json()) as { value: { session: string } }).value
  expect((await clientOf(rig).app.handOver(second)).ok).toBe(true)
  await serves(rig, 'second')
  await eventually(async () => (await coreOf(rig))?.dashboard?.url === `${origin}/`)
  expect((await post(origin, '/api/app.snapshot', {}, session)).status).toBe(200)
  const changed = await post(origin, '/api/session/change', {}, session)
  expect(await changed.json()).toMatchObject({ ok: true, value: { session: expect.any(String) } })
  expect(await clientOf(rig).app.revokeSessions({})).toEqual({ ok: true, value: { sessions: 1 } })
  expect((await post(origin, '/api/app.snapshot', {}, session)).status).toBe(401)
})
