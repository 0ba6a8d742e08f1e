import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { eventually } from '../../fakes/eventually.ts'
import type { AppProcess } from '../app/app-rig.ts'
import { createRotationRig, type RotationRig } from '../rotation/rotation-rig.ts'

let rig: RotationRig
let app: AppProcess
let hook: Server
let status = 200
const posted: { id: string; event: string; user: string; uuid: string; daysLeft: number }[] = []
const text: string[] = []

beforeAll(async () => {
  hook = createServer((request, response) => {
    let body = ''
    request.setEncoding('utf8').on('data', (part: string) => {
      body += part
    })
    request.on('end', () => {
      text.push(body)
      posted.push(JSON.parse(body) as (typeof posted)[number])
      response.writeHead(status).end()
    })
  })
  await new Promise<void>(done => hook.listen(0, '127.0.0.1', done))
  rig = await createRotationRig({}, { image: false })
  app = await rig.begin()
  await rig.zotbar(
    'settings',
    'set',
    'notices.webhook',
    `http://127.0.0.1:${(hook.address() as AddressInfo).port}/hook`,
  )
})
afterAll(async () => {
  await rig.end()
  await new Promise(done => hook.close(done))
})

const notices = async (): Promise<string[]> => {
  const snapshot = await rig.client.app.snapshot({})
  if (!snapshot.ok) throw new Error(JSON.stringify(snapshot.error))
  return snapshot.value.notices.filter(notice => notice.kind === 'key-expiring').map(({ id }) => id)
}

describe('a key that is near its end', () => {
  it('is notified once, here and by the webhook, over a start of the app, until it is rotated', async () => {
    const { apiKey, uuid } = await rig.newKey('zot-ci', { expires: '6d' })
    await rig.manage(apiKey)
    const id = `key-expiring:${uuid}:7`
    await eventually(async () => posted.length > 0 && (await notices()).includes(id))
    expect(posted).toEqual([
      expect.objectContaining({ id, event: 'key-expiring', user: 'zot-ci', uuid, daysLeft: 6 }),
    ])
    expect(text.join()).not.toContain(apiKey)
    expect((await rig.zotbar('status')).stdout).toContain('zot-ci')

    app.kill('SIGTERM')
    await app.exited
    app = await rig.serving()
    await eventually(async () => (await rig.client.keys.managed({})).ok)
    expect(posted).toHaveLength(1)

    expect((await rig.rotate('--overlap', '0', '--yes')).last.result).toBe('done')
    expect(await notices()).toEqual([])
    expect(posted).toHaveLength(1)
  })

  it('is not notified while it is snoozed, and a wrong time is refused', async () => {
    const refused = await rig.zotbar('keys', 'snooze', 'zot-ci', '--for', 'soon', '--json')
    expect(refused.code).toBe(1)
    expect(JSON.parse(refused.stdout)).toMatchObject({ error: { code: 'bad-input', field: 'for' } })
    expect(JSON.parse((await rig.zotbar('keys', 'snooze', 'nobody', '--json')).stdout)).toMatchObject({
      error: { code: 'no-key-of-user', user: 'nobody', known: ['zot-ci'] },
    })
    const snoozed = await rig.json<{ until: string }>('keys', 'snooze', 'zot-ci', '--for', '2d')
    expect(Date.parse(snoozed.until) - Date.now()).toBeGreaterThan(86_400_000)
  })

  it('is told too where nobody rotates it, from its creation to its revocation', async () => {
    posted.length = 0
    const { uuid } = await rig.json<{ uuid: string }>(
      ...['keys', 'create', '--user', 'eve', '--label', 'nightly', '--expires', '12h'],
    )
    const id = `key-expiring:${uuid}:1`
    await eventually(async () => posted.length > 0 && (await notices()).includes(id))
    expect(posted).toEqual([
      expect.objectContaining({ id, event: 'key-expiring', user: 'eve', label: 'nightly', more: 0, uuid }),
    ])
    const clock = /ends (today|tomorrow) \d\d:\d\d/
    const status = await rig.zotbar('status')
    const words = clock.exec(status.stdout)?.[0] ?? ''
    expect(status.stdout).toMatch(clock)
    expect(status.stdout).toContain(`eve (nightly): ${words}`)
    expect(status.stdout).toMatch(/^State {6}Serving, \S+ things? to do/m)
    const listed = await rig.zotbar('keys', 'list')
    expect(listed.stdout.split('\n').find(line => line.startsWith(uuid))).toMatch(
      words.includes('today') ? / today / : / 1 /,
    )
    const { keys } = await rig.json<{ keys: { uuid: string; managed: boolean }[] }>('status')
    expect(keys).toContainEqual(expect.objectContaining({ uuid, managed: false, label: 'nightly' }))

    expect((await rig.zotbar('keys', 'snooze', 'eve')).code).toBe(0)
    await rig.zotbar('keys', 'revoke', uuid)
    await eventually(async () => !(await rig.zotbar('status')).stdout.includes('eve'))
    expect(await notices()).not.toContain(id)
  })

  it('waits for a webhook that refuses, and says so', async () => {
    status = 503
    const { apiKey } = await rig.newKey('zot-ci', { expires: '20h' })
    await rig.client.keys.unmanage({ user: 'zot-ci' })
    await rig.manage(apiKey)
    const waits = await eventually(async () => {
      const snapshot = await rig.client.app.snapshot({})
      return snapshot.ok ? snapshot.value.notices.find(({ kind }) => kind === 'webhook-waits') : undefined
    })
    expect(waits).toMatchObject({ reason: 'it answers 503' })
  })
})
