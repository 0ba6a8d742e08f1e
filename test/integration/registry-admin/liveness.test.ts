import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer as createHttpServer } from 'node:http'
import { createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { askLiveness } from '../../../core/platform/admin-liveness.ts'
import { request } from '../../../lib/node-http.ts'
import { type AdminServer, startAdminServer } from '../../../registry/admin/admin-server.ts'
import { adminParts } from '../../fakes/admin-parts.ts'

let folder: string
let path: string
let admin: AdminServer | undefined
const servers: Server[] = []
const sockets = new Set<Socket>()
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'zotbar-live-'))
  await mkdir(join(folder, 'run'), { mode: 0o700 })
  path = join(folder, 'run', 'admin.sock')
})
afterEach(async () => {
  await admin?.close()
  admin = undefined
  for (const socket of sockets) socket.destroy()
  for (const server of servers.splice(0)) server.close()
  await rm(folder, { recursive: true })
})

async function serve(): Promise<void> {
  const started = await startAdminServer({ ...adminParts(join(folder, 'data')), path })
  if (!started.ok) throw new Error(started.message)
  admin = started.admin
}

/** Something else at the end of the socket. */
async function standIn(server: Server): Promise<void> {
  servers.push(server)
  server.on('connection', socket => sockets.add(socket))
  await new Promise<void>(resolve => server.listen(path, resolve))
}

const ask = (): ReturnType<typeof askLiveness> => askLiveness(path, 5_000)

describe('a sign of life on the administration socket', () => {
  it('is the number of its protocol', async () => {
    await serve()
    expect(await ask()).toEqual({ kind: 'alive', protocol: 1 })
  })

  it('says what the registry is, and reads no body for it', async () => {
    await serve()
    const answer = await new Promise<{ status: number; text: string }>((resolve, reject) => {
      // More is announced than ever comes.
      const headers = { 'content-length': 1_000_000 }
      const call = request({ socketPath: path, path: '/', agent: false, headers }, response => {
        response.setEncoding('utf8')
        let text = ''
        response.on('data', piece => {
          text += piece
        })
        response.on('end', () => resolve({ status: response.statusCode ?? 0, text }))
      })
      call.on('error', reject)
      call.write('{')
    })
    expect(answer.status).toBe(200)
    expect(JSON.parse(answer.text)).toMatchObject({
      protocol: 1,
      engine: 'zotbar-registry',
      version: 'dev',
      pid: process.pid,
      startedAt: 1_772_366_400_000,
      features: expect.arrayContaining(['keys', 'activity']),
    })
  })

  it('comes from a registry that has no number yet, too', async () => {
    await standIn(
      createHttpServer((_request, response) => {
        response.writeHead(404, { 'content-type': 'application/json' })
        response.end('{"error":"there is no such path"}')
      }),
    )
    expect(await ask()).toEqual({ kind: 'alive', protocol: 0 })
  })

  it('is a connection that is closed, or an answer that makes no sense', async () => {
    await standIn(createServer(socket => socket.destroy()))
    expect(await ask()).toEqual({ kind: 'alive', protocol: 0 })
    servers.pop()?.close()
    await standIn(createServer(socket => socket.end('no HTTP at all')))
    expect(await ask()).toEqual({ kind: 'alive', protocol: 0 })
  })

  it('is missing where somebody listens and says nothing', async () => {
    await standIn(createServer(() => {}))
    expect(await askLiveness(path, 50)).toEqual({ kind: 'silent' })
  })

  it('cannot be had where nobody listens', async () => {
    expect(await ask()).toEqual({ kind: 'refused' })
    await writeFile(path, '')
    expect(await ask()).toEqual({ kind: 'refused' })
  })
})
