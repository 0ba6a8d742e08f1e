import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { eventually } from '../../fakes/eventually.ts'
import { digestOf, digestText } from '../../suites/image.ts'
import { pushBlob, pushImage } from '../registry/client.ts'
import {
  type Registry,
  run,
  startRegistry,
  temporaryFolder,
  writeConfig,
} from '../registry/registry-process.ts'

let folder: ReturnType<typeof temporaryFolder>
let root: string
let registry: Registry | undefined
beforeEach(() => {
  folder = temporaryFolder()
  root = join(folder.path, 'root')
})
afterEach(async () => {
  await registry?.stop()
  registry = undefined
  folder.dispose()
})

function flip(repo: string, bytes: string): void {
  const path = join(root, repo, 'blobs/sha256', digestOf(bytes).hex)
  const content = readFileSync(path)
  content[0] = (content[0] ?? 0) ^ 1
  writeFileSync(path, content)
}
const quarantined = (repo: string, bytes: string): boolean =>
  existsSync(join(root, '_zotbar/quarantine', repo, digestText(bytes)))
const rows = (table: string): string[][] =>
  table
    .trim()
    .split('\n')
    .slice(1)
    .map(line => line.split(/ {2,}/))

async function store(): Promise<void> {
  const to = await startRegistry(root)
  await pushImage(to, 'team/app', 'v1', 'one')
  await pushImage(to, 'team/app', 'v2', 'two')
  await pushImage(to, 'team/copy', 'v2', 'two')
  await to.stop()
}

describe('zotbar-registry scrub', () => {
  it('finds a flipped bit, names the images, takes the blob out of the way and ends with 0', async () => {
    await store()
    flip('team/app', 'two')
    const { code, stdout, stderr } = await run('scrub', writeConfig(root))
    expect(code).toBe(0)
    expect(stdout.split('\n')[0]?.split(/ {2,}/)).toEqual([
      'REPOSITORY',
      'TAG',
      'STATUS',
      'AFFECTED BLOB',
      'ERROR',
    ])
    expect(rows(stdout).find(row => row[0] === 'team/app' && row[1] === 'v1')).toEqual([
      'team/app',
      'v1',
      'ok',
    ])
    expect(rows(stdout)).toContainEqual(['team/app', 'v2', 'affected', digestText('two'), 'bad blob digest'])
    expect(stderr).toContain('quarantine')
    expect(quarantined('team/app', 'two')).toBe(true)
    const to = await startRegistry(root)
    registry = to
    expect((await to.ask(`/v2/team/app/blobs/${digestText('two')}`)).code).toBe('BLOB_UNKNOWN')
    expect((await to.ask(`/v2/team/app/blobs/${digestText('one')}`)).status).toBe(200)
    // Pushing it again heals.
    expect(await pushBlob(to, 'team/app', 'two')).toBe(201)
    expect((await to.ask(`/v2/team/app/blobs/${digestText('two')}`)).body.toString()).toBe('two')
  })

  it('will not begin while the registry serves, or anything else answers on its port', async () => {
    registry = await startRegistry(root)
    const port = String(registry.port)
    const there = await run('scrub', writeConfig(root, { http: { address: '127.0.0.1', port } }))
    expect([there.code, there.stdout]).toEqual([1, expect.stringContaining('server is running')])
    // On another port the lock of the folder says it.
    const locked = await run('scrub', writeConfig(root, { http: { address: '127.0.0.1', port: '0' } }))
    expect([locked.code, locked.stdout]).toEqual([1, expect.stringContaining('server is running')])
    const other = createServer((_, res) => res.end('hello')).listen(0, '127.0.0.1')
    await eventually(() => other.listening)
    const address = other.address()
    const taken = typeof address === 'object' && address ? String(address.port) : ''
    await registry.stop()
    const refused = await run('scrub', writeConfig(root, { http: { address: '127.0.0.1', port: taken } }))
    other.close()
    expect([refused.code, refused.stdout]).toEqual([1, expect.stringContaining('server is running')])
  })

  it('wants one path', async () => {
    expect((await run('scrub')).code).toBe(2)
    expect((await run('scrub', join(folder.path, 'absent.json'))).code).toBe(1)
  })
})

describe('scrub in the background', () => {
  it('finds a flipped bit while serving, and does not begin again after a restart', async () => {
    await store()
    flip('team/app', 'two')
    const extensions = { scrub: { enable: true, interval: '24h' } }
    const to = await startRegistry(root, { extensions })
    registry = to
    expect((await to.ask(`/v2/team/app/blobs/${digestText('two')}`)).status).toBe(200)
    await eventually(() => to.log().find(line => line['message'] === 'scrub completed'), 30_000)
    // As zot v2.1.15 writes them about the same store.
    const ofApp = (text: string): boolean => text.endsWith('team/app')
    const zots = to
      .log()
      .filter(
        ({ message, image }) =>
          image === 'team/app' || (/scrub/.test(String(message)) && ofApp(String(message))),
      )
    const image = { image: 'team/app', module: 'scrub', component: 'scrub', time: expect.any(String) }
    const affected = { level: 'warn', message: 'blobs/manifest affected', status: 'affected', ...image }
    const folder = join(root, 'team/app')
    expect(zots).toEqual([
      expect.objectContaining({
        level: 'info',
        message: `executing scrub to check manifest/blob integrity for ${folder}`,
      }),
      { level: 'info', message: 'blobs/manifest ok', tag: 'v1', status: 'ok', ...image },
      { ...affected, tag: 'v2', 'affected blob': digestText('two').slice(7), error: 'bad blob digest' },
      expect.objectContaining({ level: 'info', message: `scrub successfully completed for ${folder}` }),
    ])
    const blob = { level: 'error', module: 'scrub', repository: 'team/app', blob: digestText('two') }
    expect(to.log()).toContainEqual(expect.objectContaining(blob))
    expect((await to.ask(`/v2/team/app/blobs/${digestText('two')}`)).code).toBe('BLOB_UNKNOWN')
    expect(quarantined('team/app', 'two')).toBe(true)
    const { finishedAt } = JSON.parse(readFileSync(join(root, '_zotbar/scrub.json'), 'utf8'))
    expect(Date.now() - finishedAt).toBeLessThan(60_000)
  })
})
