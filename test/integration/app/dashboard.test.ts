import { createServer, type Server } from 'node:http'
import { afterEach, describe, expect, it } from 'vitest'
import { eventually } from '../../fakes/eventually.ts'
import { freePort } from '../../setup/free-port.ts'
import { type AppRig, createAppRig } from './app-rig.ts'

let rig: AppRig
let other: Server | undefined
afterEach(async () => {
  await free()
  await rig.end()
})

const take = (port: number): Promise<void> =>
  new Promise((resolve, reject) => {
    other = createServer((_, response) => response.end('another program'))
    other.on('error', reject).listen(port, '127.0.0.1', resolve)
  })
const free = (): Promise<void> =>
  new Promise(resolve => {
    if (other === undefined) return resolve()
    other.close(() => resolve())
    other.closeAllConnections()
    other = undefined
  })
const set = (port: number) => rig.zotbar('settings', 'set', 'dashboard.port', String(port), '--json')

async function call(url: string, path: string, body: unknown, session = ''): Promise<Response> {
  return fetch(new URL(path, url), {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-zotbar-session': session },
    body: JSON.stringify(body),
  })
}
/** A session by a fresh link of the command line. */
async function signIn(): Promise<{ url: string; session: string }> {
  const { url } = JSON.parse((await rig.zotbar('open', '--print', '--json')).stdout) as { url: string }
  const { origin, hash } = new URL(url)
  const answer = await call(origin, '/api/session', { token: hash.replace('#token=', '') })
  const { value } = (await answer.json()) as { value: { session: string } }
  return { url: origin, session: value.session }
}
const works = async ({ url, session }: { url: string; session: string }): Promise<number> =>
  (await call(url, '/api/app.snapshot', {}, session)).status

describe("the dashboard's port", () => {
  it('that another program has keeps nothing from starting, and is named; then it is taken', async () => {
    rig = await createAppRig()
    const port = await freePort()
    await take(port)
    const app = rig.start(['--dashboard-port', String(port)])
    const line = await app.reach('serving')
    expect(line.dashboard).toBeUndefined()
    await eventually(async () => (await rig.zotbar('status')).stdout.includes(`port ${port} is taken`))
    const { stdout, code } = await rig.zotbar('status')
    expect(code).toBe(0)
    expect(stdout).toContain(`(process ${process.pid}) has it`)
    expect(stdout).toContain('zotbar settings set dashboard.port N')
    expect(await rig.status()).not.toHaveProperty('dashboard')
    const opened = await rig.zotbar('open', '--print', '--json')
    expect([opened.code, JSON.parse(opened.stdout)]).toMatchObject([
      1,
      { error: { code: 'port-taken', what: 'dashboard', port, pid: process.pid } },
    ])

    // The setting takes effect at once, also against the command line of the start.
    const next = await freePort()
    expect(JSON.parse((await set(next)).stdout)).toMatchObject({ takesEffect: 'now' })
    await eventually(async () => (await rig.status()).dashboard?.url === `http://127.0.0.1:${next}/`)
    expect((await rig.zotbar('status')).stdout).not.toContain('is taken')
    expect(await works(await signIn())).toBe(200)

    await set(port)
    await free()
    await eventually(async () => (await rig.status()).dashboard?.url === `http://127.0.0.1:${port}/`, 20_000)
  })

  it('is never the registry’s own: that is refused, and left free at a start', async () => {
    rig = await createAppRig()
    const taken = ['--dashboard-port', String(rig.port)]
    const line = await rig.start(taken).reach('serving')
    expect(line.dashboard).toBeUndefined()
    expect((await rig.zotbar('status')).stdout).toContain("It is the registry's own.")
    const refused = await set(rig.port)
    expect([refused.code, JSON.parse(refused.stdout)]).toMatchObject([
      1,
      { error: { code: 'bad-setting', key: 'dashboard.port', wrong: String(rig.port) } },
    ])
    const next = await freePort()
    await set(next)
    await eventually(async () => (await rig.status()).dashboard?.url === `http://127.0.0.1:${next}/`)
  })

  it('never moves by itself: it is 5051 unless it is set', async () => {
    rig = await createAppRig()
    await rig.serving()
    expect(
      JSON.parse((await rig.zotbar('settings', 'get', 'dashboard.port', '--json')).stdout),
    ).toMatchObject({
      value: 5051,
      default: 5051,
    })
  })
})

describe('a session of the dashboard', () => {
  it('survives a restart and a kill of the core, and ends with --revoke-all', async () => {
    rig = await createAppRig()
    const port = await freePort()
    const args = ['--dashboard-port', String(port)]
    const first = await rig.serving(args)
    const session = await signIn()
    expect(await works(session)).toBe(200)
    first.kill('SIGTERM')
    await first.exited
    const second = await rig.serving(args)
    expect(await works(session)).toBe(200)
    second.kill('SIGKILL')
    await second.exited
    await rig.serving(args)
    expect(await works(session)).toBe(200)
    expect(JSON.parse((await rig.zotbar('open', '--revoke-all', '--json')).stdout)).toEqual({ sessions: 1 })
    expect(await works(session)).toBe(401)
  })

  it('ends where another program has the port while the core starts', async () => {
    rig = await createAppRig()
    const port = await freePort()
    const args = ['--dashboard-port', String(port)]
    const first = await rig.serving(args)
    const session = await signIn()
    first.kill('SIGKILL')
    await first.exited
    await take(port)
    await rig.serving(args)
    await eventually(async () => (await rig.zotbar('status')).stdout.includes(`port ${port} is taken`))
    await free()
    await eventually(async () => (await rig.status()).dashboard !== undefined, 20_000)
    expect(await works(session)).toBe(401)
    expect(await works(await signIn())).toBe(200)
  })
})
