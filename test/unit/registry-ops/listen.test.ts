import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { listenAtSocket } from '../../../registry/admin/admin-server.ts'
import { listen } from '../../../registry/http/node-server.ts'

it('an error of a single connection does not end a server that listens', async () => {
  const server = createServer()
  try {
    expect(await listen(server, '127.0.0.1', 0)).toMatchObject({ ok: true })
    for (let times = 0; times < 3; times++) server.emit('error', new Error('accept EMFILE'))
    expect(server.listening).toBe(true)
  } finally {
    server.close()
  }
})

it('a socket that cannot be made is told, never thrown', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'listen-'))
  try {
    const server = createServer()
    expect(await listenAtSocket(server, join(folder, 'x'.repeat(300), 'socket'))).toEqual({
      ok: false,
      message: expect.stringContaining('ENAMETOOLONG'),
    })
    expect(await listenAtSocket(server, join(folder, 'none', 'socket'))).toEqual({
      ok: false,
      message: expect.stringContaining('is not there'),
    })
    expect(server.listening).toBe(false)
  } finally {
    await rm(folder, { recursive: true })
  }
})
