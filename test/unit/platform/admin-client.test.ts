import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { adminClient } from '../../../core/platform/admin-client.ts'

let folder: string
let server: Server | undefined
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'zotbar-admin-'))
})
afterEach(async () => {
  await new Promise<void>(done => (server ? server.close(() => done()) : done()))
  server = undefined
  rmSync(folder, { recursive: true })
})

/** A socket whose connections are given to `on`. */
async function socket(on: Parameters<typeof createServer>[1]): Promise<string> {
  const path = join(folder, 's')
  server = createServer(on)
  await new Promise<void>(done => server?.listen(path, done))
  return path
}

describe('the administration of a registry', () => {
  it('is absent where nobody listens', async () => {
    expect(await adminClient(join(folder, 'none')).ask('GET', '/keys')).toEqual({ kind: 'absent' })
  })

  it('is not absent where it says nothing', async () => {
    const path = await socket(connection => void connection.on('error', () => {}).resume())
    expect(await adminClient(path, 100).ask('GET', '/keys')).toMatchObject({
      kind: 'failed',
      reason: expect.stringMatching(/^Its administration said nothing for/),
    })
  })

  it('is not absent where it breaks off', async () => {
    const path = await socket(connection => void connection.on('data', () => connection.destroy()))
    expect(await adminClient(path).ask('GET', '/keys')).toEqual({
      kind: 'failed',
      reason: 'The connection to its administration broke (ECONNRESET)',
    })
  })
})
