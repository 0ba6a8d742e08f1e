import { createHash } from 'node:crypto'
import { existsSync, readdirSync, statSync } from 'node:fs'
import { Agent, type ClientRequest, type IncomingMessage, request } from 'node:http'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { controlClient } from '../../../client/control-client.ts'
import { eventually } from '../../fakes/eventually.ts'
import { config, digestText, imageOf } from '../../suites/image.ts'
import { targetAt } from '../app/app-rig.ts'
import { pushBlob, putManifest } from '../registry/client.ts'
import { createUpgradeRig, type UpgradeRig } from '../upgrade/upgrade-rig.ts'
import { describeWithZots, realZots } from './real-zots.ts'

interface Zot {
  /** Absent: one of ours that behaves as zot does. */
  program?: string
  /** How long a client pauses: longer than the second after which a push was given up once. */
  stallMs: number
}

/** A client with one connection of its own, which it keeps. */
function pusher(url: string) {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  const send = (method: string, path: string, headers: Record<string, string> = {}) => {
    const outgoing = request(`${url}${path}`, { method, agent, headers })
    const answer = new Promise<IncomingMessage>((resolve, reject) =>
      outgoing.on('response', response => resolve(response.resume())).on('error', reject),
    )
    // A push that is cut off has no answer.
    answer.catch(() => {})
    return { outgoing, answer }
  }
  return {
    send,
    end: () => agent.destroy(),
    async ask(method: string, path: string, body?: Buffer, headers: Record<string, string> = {}) {
      const { outgoing, answer } = send(method, path, headers)
      outgoing.end(body)
      const { statusCode = 0, headers: got } = await answer
      return { status: statusCode, location: got.location ?? '' }
    },
  }
}

function theSuite({ program, stallMs }: Zot): void {
  let rig: UpgradeRig
  beforeAll(async () => {
    rig = await createUpgradeRig(program === undefined ? {} : { program })
    // Nothing of a push stands in such a log.
    rig.configure({ ...rig.standard, log: { level: 'error' } })
    await rig.running()
  }, 120_000)
  afterAll(() => rig.end())

  const part = Buffer.alloc(1024 * 1024, 'x')
  const digest = digestText(Buffer.concat([part, part]))
  const restart = async (...more: string[]) => {
    const { code, stdout } = await rig.zotbar('restart', '--json', ...more)
    expect({ code, stdout }).toMatchObject({ code: 0 })
  }
  const newest = async () => {
    const client = controlClient({ socketPath: join(rig.home, 'control.sock'), home: rig.home })
    const shown = await client.zotbar.app.snapshot({})
    return shown.ok ? shown.value.journal[0] : undefined
  }
  /** Bytes of the uploads to a repository that are on disk. */
  const received = (repository: string): number => {
    const folder = join(rig.data, repository, '.uploads')
    const names = existsSync(folder) ? readdirSync(folder) : []
    return names.reduce((sum, name) => sum + statSync(join(folder, name)).size, 0)
  }
  const draining = () => eventually(async () => (await rig.status()).state === 'draining')
  /** Begins to send a blob, and goes on once half of it has arrived. */
  async function half(client: ReturnType<typeof pusher>, repository: string) {
    const { location } = await client.ask('POST', `/v2/${repository}/blobs/uploads/`)
    const { outgoing, answer } = client.send('PATCH', location, {
      'content-type': 'application/octet-stream',
      'content-length': String(2 * part.length),
    })
    await new Promise(resolve => outgoing.write(part, resolve))
    await eventually(() => received(repository) > 0)
    return { outgoing, answer }
  }
  const finish = async (
    client: ReturnType<typeof pusher>,
    { outgoing, answer }: { outgoing: ClientRequest; answer: Promise<IncomingMessage> },
  ): Promise<number> => {
    outgoing.end(part)
    const { location = '' } = (await answer).headers
    return (await client.ask('PUT', `${location}?digest=${digest}`)).status
  }

  it('waits for a push into a new repository that stalls, and for the manifest that follows', async () => {
    const client = pusher(rig.url)
    const image = imageOf([Buffer.concat([part, part])])
    const sending = await half(client, 'new/stalled')
    const restarting = restart()
    await draining()
    await pause(stallMs)
    expect(await finish(client, sending)).toBe(201)
    const to = targetAt(rig.url)
    expect(await pushBlob(to, 'new/stalled', config)).toBe(201)
    expect((await putManifest(to, 'new/stalled', '1', image)).status).toBe(201)
    await restarting
    expect(await newest()).toMatchObject({ cause: 'asked-restart' })
    expect(await newest()).not.toHaveProperty('pushesCut')
    client.end()
  })

  it('waits for a client that pauses between two parts', async () => {
    const client = pusher(rig.url)
    const { location } = await client.ask('POST', '/v2/new/chunked/blobs/uploads/')
    const send = (at: number, from: string) =>
      client.ask('PATCH', from, part, {
        'content-type': 'application/octet-stream',
        'content-range': `${at}-${at + part.length - 1}`,
      })
    const first = await send(0, location)
    const restarting = restart()
    await draining()
    await pause(stallMs)
    const second = await send(part.length, first.location)
    expect(second.status).toBe(202)
    expect((await client.ask('PUT', `${second.location}?digest=${digest}`)).status).toBe(201)
    client.end()
    await restarting
    expect(await newest()).not.toHaveProperty('pushesCut')
  })

  it('names the push that a restart cuts off which does not wait', async () => {
    const client = pusher(rig.url)
    await half(client, 'new/cut')
    await restart('--now')
    expect(await newest()).toMatchObject({ pushesCut: 1, cutRepositories: ['new/cut'] })
    expect((await rig.zotbar('status')).stdout).toContain('1 push was cut off: new/cut.')
    client.end()
  })

  it('does not wait for a client that has gone', async () => {
    const client = pusher(rig.url)
    await half(client, 'new/gone')
    client.end()
    const began = performance.now()
    await restart()
    // Far from the 15 s that a push may have.
    expect(performance.now() - began).toBeLessThan(10_000)
    expect(await newest()).not.toHaveProperty('pushesCut')
  })

  if (program !== undefined)
    it('waits while it reads a large upload again to hash it', async () => {
      const client = pusher(rig.url)
      const hash = createHash('sha256')
      const { location } = await client.ask('POST', '/v2/new/large/blobs/uploads/')
      const { outgoing, answer } = client.send('PATCH', location, {
        'content-type': 'application/octet-stream',
      })
      for (let sent = 0; sent < 400; sent += 1) {
        hash.update(part)
        await new Promise(resolve => outgoing.write(part, resolve))
      }
      outgoing.end()
      const { location: next = '' } = (await answer).headers
      const ending = client.ask('PUT', `${next}?digest=sha256:${hash.digest('hex')}`)
      const restarting = restart()
      expect((await ending).status).toBe(201)
      client.end()
      await restarting
      expect(await newest()).not.toHaveProperty('pushesCut')
    })
}

describe('a restart of a zot of ours, which waits for nothing by itself', { timeout: 60_000 }, () =>
  theSuite({ stallMs: 1200 }),
)
describeWithZots('a restart of real zot', ['next'], () => theSuite({ program: realZots.next, stallMs: 3000 }))
