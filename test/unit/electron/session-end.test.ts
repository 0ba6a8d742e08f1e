import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, type IncomingMessage } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { helloHeader, readClientHello } from '../../../contract/hello.ts'

const root = join(import.meta.dirname, '../../..')
let folder = ''
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'zotbar-end-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

it('arrives although the app ends in the same turn of its event loop', async () => {
  const socketPath = join(folder, 's.sock')
  const received = Promise.withResolvers<{ request: IncomingMessage; body: string }>()
  const server = createServer(async (request, response) => {
    let body = ''
    for await (const piece of request) body += String(piece)
    received.resolve({ request, body })
    response.end('{}')
  })
  const connected = once(server, 'connection')
  await new Promise<void>(resolve => server.listen(socketPath, resolve))
  const hello = { contract: 1, build: 'source', version: '0.1.0', home: 1, as: 'app', pid: 7 }
  const code = `
    import { prepareSessionEnd } from ${JSON.stringify(join(root, 'main/session-end.ts'))}
    const end = prepareSessionEnd(${JSON.stringify({ socketPath, hello })})
    process.stdin.once('data', () => {
      process.stdout.write(String(end.notify()))
      process.exit(0)
    })`
  const app = spawn(process.execPath, ['--input-type=module', '-e', code], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  let out = ''
  app.stdout.on('data', data => {
    out += String(data)
  })
  await connected
  app.stdin.write('end\n')
  expect(await once(app, 'close')).toEqual([0, null])
  expect(out).toBe('true')
  const { request, body } = await received.promise
  expect([request.method, request.url, body]).toEqual(['POST', '/api/app.sessionEnds', '{}'])
  expect(readClientHello(request.headers[helloHeader])).toEqual(hello)
  server.close()
})

it('says where nobody was connected, so that the core is ended by a signal', async () => {
  const code = `
    import { prepareSessionEnd } from ${JSON.stringify(join(root, 'main/session-end.ts'))}
    const end = prepareSessionEnd({ socketPath: ${JSON.stringify(join(folder, 'none.sock'))}, hello: {} })
    setTimeout(() => { process.stdout.write(String(end.notify())); end.close() }, 0)`
  const app = spawn(process.execPath, ['--input-type=module', '-e', code], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let out = ''
  app.stdout.on('data', data => {
    out += String(data)
  })
  expect(await once(app, 'close')).toEqual([0, null])
  expect(out).toBe('false')
})
