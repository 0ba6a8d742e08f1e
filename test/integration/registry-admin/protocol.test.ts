import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { adminClient } from '../../../core/platform/admin-client.ts'
import { askLines } from '../../../core/platform/admin-lines.ts'
import {
  createRegistryEvents,
  type RegistryEvent,
  type RegistryEvents,
} from '../../../core/platform/registry-events.ts'
import { storedImages } from '../../../core/registry-client/images/stored-images.ts'
import { systemClock } from '../../../lib/clock.ts'
import { type AdminDeps, type AdminServer, startAdminServer } from '../../../registry/admin/admin-server.ts'
import { EventLog } from '../../../registry/events/event-log.ts'
import { FactStore, openFactsDatabase } from '../../../registry/metadata/manifest-facts.ts'
import { adminParts } from '../../fakes/admin-parts.ts'
import { eventually } from '../../fakes/eventually.ts'
import { StoreTree } from '../../fakes/store-tree.ts'
import { config, imageOf, indexOf } from '../../suites/image.ts'

let folder: string
let path: string
let tree: StoreTree
let admin: AdminServer | undefined
let server: Server | undefined
let followed: RegistryEvents | undefined
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'zotbar-proto-'))
  await mkdir(join(folder, 'run'), { mode: 0o700 })
  path = join(folder, 'run', 'admin.sock')
  tree = new StoreTree(join(folder, 'data'))
  await mkdir(tree.root)
})
afterEach(async () => {
  followed?.close()
  await admin?.close()
  server?.closeAllConnections()
  server?.close()
  admin = undefined
  server = undefined
  await rm(folder, { recursive: true })
})

async function serve(over: Partial<AdminDeps> = {}): Promise<void> {
  const started = await startAdminServer({ ...adminParts(tree.root), ...over, path })
  if (!started.ok) throw new Error(started.message)
  admin = started.admin
}

const push = (tag: string) => ({
  kind: 'push' as const,
  repository: 'team/app',
  tags: [tag],
  digest: 'sha256:1',
  mediaType: 'm',
  bytes: 3,
})

function follow() {
  const seen: RegistryEvent[] = []
  const state = { gaps: 0 }
  followed = createRegistryEvents({
    socketPath: path,
    clock: systemClock(),
    onEvent: event => seen.push(event),
    onGap: () => {
      state.gaps += 1
    },
    onConnected: () => {},
  })
  followed.follow(true)
  const tags = (): string[] => seen.flatMap(event => (event.kind === 'push' ? event.tags : []))
  return { seen, state, tags, connected: () => followed?.connected() ?? false }
}

async function linesOf(query: string): Promise<unknown[]> {
  const lines: unknown[] = []
  const { done } = askLines(path, query, line => {
    lines.push(line)
    return 'more'
  })
  expect(await done).toEqual({ kind: 'ended' })
  return lines
}

describe('the stream of events', () => {
  it('goes on after a lost connection without a gap, and says so where it cannot', async () => {
    const events = new EventLog({ maxEvents: 3 })
    await serve({ events })
    const { state, tags, connected } = follow()
    await eventually(connected)
    // Nothing was known before, so everything has to be looked at once.
    expect(state.gaps).toBe(1)
    events.emit(push('1'))
    await eventually(() => tags().length === 1)
    await admin?.close()
    await eventually(() => !connected())
    events.emit(push('2'))
    events.emit(push('3'))
    await serve({ events })
    await eventually(() => tags().length === 3)
    expect(state.gaps).toBe(1)
    await admin?.close()
    await eventually(() => !connected())
    for (const tag of ['4', '5', '6', '7']) events.emit(push(tag))
    await serve({ events })
    await eventually(() => state.gaps === 2)
    events.emit(push('8'))
    await eventually(() => tags().includes('8'))
    expect(tags()).toEqual(['1', '2', '3', '8'])
  })

  it('of another process begins with a gap', async () => {
    await serve()
    const { state, connected } = follow()
    await eventually(connected)
    await admin?.close()
    await serve()
    await eventually(() => state.gaps === 2)
  })

  it('is cut off where nobody reads it, and memory stays as it was', async () => {
    const events = new EventLog()
    await serve({ events })
    const socket = connect(path)
    socket.write('GET /events HTTP/1.1\r\nhost: admin\r\n\r\n')
    await new Promise(resolve => socket.once('readable', resolve))
    const long = 'x'.repeat(100_000)
    // Nothing is read: the kernel's buffers fill up, then ours.
    for (let n = 0; n < 40; n += 1) events.emit({ ...push('1'), mediaType: long })
    await eventually(() => {
      while (socket.read() !== null);
      return socket.destroyed || socket.readableEnded
    })
  })

  it('is there for a few at once, and never in the way of a sign of life', async () => {
    await serve()
    const streams = Array.from({ length: 12 }, () => askLines(path, '/events', () => 'more'))
    const refused = await Promise.all(streams.slice(8).map(({ done }) => done))
    expect(refused).toEqual(Array.from({ length: 4 }, () => ({ kind: 'refused', status: 503 })))
    expect(await adminClient(path).ask('GET', '/')).toMatchObject({ kind: 'answered', status: 200 })
    for (const { stop } of streams) stop()
  })

  it('passes over a kind that it does not know, and begins anew where numbers do not follow', async () => {
    const sent: string[] = []
    let answers = 0
    server = createServer((_request, response) => {
      answers += 1
      response.writeHead(200)
      const lines = [
        { kind: 'begin', log: 'a', seq: 4, gap: true },
        { seq: 5, at: 1, kind: 'new-kind', more: {} },
        { seq: 6, at: 1, ...push('six') },
        { seq: 9, at: 1, ...push('nine') },
      ]
      for (const line of lines) response.write(`${JSON.stringify(line)}\n`)
      sent.push(_request.url ?? '')
    })
    await new Promise<void>(resolve => server?.listen(path, resolve))
    const { state, tags } = follow()
    await eventually(() => answers >= 2 && state.gaps >= 2)
    expect(new Set(tags())).toEqual(new Set(['six']))
    expect(sent[1]).toBe('/events')
  })
})

describe('the list of repositories', () => {
  const image = imageOf(['layer'])
  const put = (name: string, bytes: Buffer, tag?: string): string => {
    const digest = tree.blob(name, bytes)
    if (tag !== undefined) tree.tag(name, tag, digest)
    return digest
  }
  const fill = async (): Promise<void> => {
    for (const blob of [config, Buffer.from('layer'), Buffer.from('other')]) put('team/app', blob)
    put('team/app', image.bytes, 'v2')
    put('team/app', image.bytes, 'v1')
    put('b', config)
    put('b', image.bytes, 'half')
    tree.repository('broken')
    await writeFile(join(tree.root, 'broken', 'index.json'), '')
  }
  const size = image.bytes.length + config.length + 'layer'.length

  it('has all tags with their facts, the damaged by name, and an end', async () => {
    await fill()
    await serve({
      pulls: { list: () => new Map([['v1', { pulls: 3, lastPulled: 5, pushedAt: 4, pushedBy: 'ci' }]]) },
    })
    const { digest } = image
    const mediaType = 'application/vnd.oci.image.manifest.v1+json'
    const platforms = ['linux/amd64']
    expect(await linesOf('/repositories')).toEqual([
      {
        repository: 'b',
        // Its layer is not there: the manifest says its size all the same.
        tags: [{ tag: 'half', digest, mediaType, size, platforms }],
        children: 0,
        untagged: 0,
      },
      { repository: 'broken', unreadable: expect.stringContaining('index.json') },
      {
        repository: 'team/app',
        tags: [
          {
            tag: 'v1',
            digest,
            mediaType,
            size,
            platforms,
            pulls: 3,
            lastPulled: 5,
            pushedAt: 4,
            pushedBy: 'ci',
          },
          { tag: 'v2', digest, mediaType, size, platforms },
        ],
        children: 0,
        untagged: 0,
      },
      { end: true, repositories: 3 },
    ])
    expect(await linesOf('/repositories?from=c')).toHaveLength(2)
    expect(await linesOf('/repositories?repository=b')).toHaveLength(2)
    expect(await linesOf('/repositories?repository=none')).toEqual([{ end: true, repositories: 0 }])
    const bad = await adminClient(path).ask('GET', '/repositories?repository=../etc')
    expect(bad).toMatchObject({ status: 400 })
    expect(await adminClient(path).ask('GET', '/damaged')).toMatchObject({
      body: { damaged: [{ repository: 'broken' }] },
    })
  })

  it('ends in the middle where a fault in the registry keeps it from its end', async () => {
    await fill()
    const { storage } = adminParts(tree.root)
    const first = Promise.withResolvers<never>()
    const entries = (name: string) => (name === 'b' ? storage.manifests.entries(name) : first.promise)
    const { get } = storage.manifests
    const manifests = { ...storage.manifests, get: get.bind(storage.manifests), entries }
    await serve({ storage: { ...storage, manifests } })
    const seen: unknown[] = []
    const { done } = askLines(path, '/repositories', line => {
      seen.push(line)
      first.reject(new Error('a fault'))
      return 'more'
    })
    expect(await done).toEqual({ kind: 'broken' })
    expect(seen).toMatchObject([{ repository: 'b' }])
  })

  it('that falls silent in the middle is a failure of its own, and one that moves is none', async () => {
    server = createServer((request, response) => {
      response.writeHead(200)
      const tags = `{"repository":"a","tags":[{"tag":"v1","digest":"sha256:1","platforms":[]}]}\n`
      if (request.url?.includes('repository=')) {
        // A line that comes in pieces, each within the limit, and altogether later than it.
        const pieces = [...`${tags}{"end":true}\n`.matchAll(/.{1,12}\n?/g)].map(([piece]) => piece)
        const next = setInterval(() => {
          const piece = pieces.shift()
          if (piece !== undefined) return response.write(piece)
          clearInterval(next)
          response.end()
        }, 40)
      } else response.write(tags)
    })
    await new Promise<void>(resolve => server?.listen(path, resolve))
    expect(await storedImages(path, { limit: 10 }, 250)).toEqual({
      ok: false,
      error: { code: 'registry-silent', what: 'list the images', limitMs: 250 },
    })
    expect(await storedImages(path, { repository: 'a', limit: 10 }, 250)).toMatchObject({
      ok: true,
      value: { images: [{ repository: 'a', tag: 'v1' }] },
    })
    // Enough was said for a page: what comes after it is not waited for.
    expect(await storedImages(path, { limit: 0 }, 250)).toMatchObject({ ok: true })
  })

  it('counts children and what has no tag, and each blob of an index once', async () => {
    const one = imageOf(['layer'])
    const two = imageOf(['layer', 'other'])
    const index = indexOf([one, two])
    for (const blob of [config, Buffer.from('layer'), Buffer.from('other')]) put('multi', blob)
    tree.untagged('multi', put('multi', one.bytes))
    tree.untagged('multi', put('multi', two.bytes))
    put('multi', imageOf(['other']).bytes)
    tree.untagged('multi', imageOf(['other']).digest)
    put('multi', index.bytes, 'all')
    const opened = openFactsDatabase(join(folder, 'meta'))
    if (!opened.ok) throw new Error(opened.message)
    await serve({ facts: new FactStore(opened.database) })
    const blobs = config.length + 'layer'.length + 'other'.length
    const manifests = one.bytes.length + two.bytes.length + index.bytes.length
    const expected = { repository: 'multi', children: 2, untagged: 1, tags: [{ size: blobs + manifests }] }
    const [first] = await linesOf('/repositories')
    expect(first).toMatchObject(expected)
    const rows = opened.database.prepare('SELECT count(*) AS n FROM facts').get()
    expect(rows).toEqual({ n: 4 })
    // The second time from what was remembered: the manifests need not even be there.
    for (const digest of [one.digest, two.digest]) tree.removeBlob('multi', digest)
    expect((await linesOf('/repositories'))[0]).toEqual(first)
    opened.database.close()
  })
})
