import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createZotRecognizer } from '../../../core/engine/foreign-zot.ts'
import type { ProcessTable } from '../../../core/platform/process-table.ts'

let server: Server
let url: string
/** What it answers at /v2/_zot/ext/mgmt. */
let mgmt: object | undefined
let asked = 0
beforeEach(async () => {
  asked = 0
  server = createServer((_, response) => {
    asked++
    if (mgmt === undefined) return response.writeHead(404).end()
    return response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(mgmt))
  })
  await new Promise<void>(done => server.listen(0, '127.0.0.1', done))
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})
afterEach(() => {
  server.closeAllConnections()
  server.close()
})

const processes = (over: Partial<ProcessTable> = {}): ProcessTable => ({
  alive: () => true,
  startTime: async () => 1,
  executable: async () => '/opt/bin/zot',
  commandLine: async () => ['/opt/bin/zot', 'serve', '/etc/zot.json'],
  owner: async () => process.getuid?.(),
  portOwner: async () => undefined,
  holders: async () => [],
  keptBy: async () => undefined,
  ...over,
})
function recognizer(over: Partial<ProcessTable> = {}) {
  const ran: string[] = []
  const of = createZotRecognizer({
    configFile: '/c.json',
    processes: processes(over),
    roots: () => ['/data'],
    environment: {},
    inspect: async path => {
      ran.push(path)
      return { path, usable: true, version: 'v2.1.13' }
    },
  })
  return { of: (pid?: number) => of(pid === undefined ? {} : { pid }, url), ran }
}

describe('whoever owns the port', () => {
  it('is asked over HTTP whether it is a zot, once for each process', async () => {
    mgmt = { distSpecVersion: '1.1.1', binaryType: 'full', releaseTag: 'v2.1.15', commit: 'v2.1.15-0-gabc' }
    const { of, ran } = recognizer()
    const zot = { version: 'v2.1.15', program: '/opt/bin/zot', sameStore: false }
    expect([await of(7), await of(7), asked]).toEqual([zot, zot, 1])
    await of(8)
    expect([asked, ran]).toEqual([2, []])
  })

  it('tells by its program where it does not answer that, run once and only as this user and under this name', async () => {
    mgmt = undefined
    const mine = recognizer()
    expect(await mine.of(7)).toMatchObject({ version: 'v2.1.13', program: '/opt/bin/zot' })
    await mine.of(7)
    expect(mine.ran).toEqual(['/opt/bin/zot'])
    const theirs = recognizer({ owner: async () => 1 })
    const python = recognizer({ executable: async () => '/usr/bin/python3' })
    const hidden = recognizer({ executable: async () => undefined })
    for (const other of [theirs, python, hidden]) {
      expect(await other.of(7)).toBeUndefined()
      expect(other.ran).toEqual([])
    }
    expect(await mine.of()).toBeUndefined()
  })

  it('is no zot for any JSON that it answers', async () => {
    mgmt = { version: 'v2.1.15' }
    expect(await recognizer({ executable: async () => '/usr/bin/node' }).of(7)).toBeUndefined()
  })

  it('serves this store where it was started with our config.json, or has a database of ours open', async () => {
    mgmt = { distSpecVersion: '1.1.1', binaryType: 'full' }
    const byConfig = recognizer({ commandLine: async () => ['zot', 'serve', '/c.json'] })
    expect(await byConfig.of(7)).toMatchObject({ sameStore: true })
    const byFile = recognizer({ holders: async file => (file === '/data/meta.db' ? [7] : []) })
    expect(await byFile.of(7)).toEqual({ program: '/opt/bin/zot', sameStore: true })
  })
})
