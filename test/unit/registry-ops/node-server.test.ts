import { once } from 'node:events'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { Connections } from '../../../registry/http/connections.ts'
import { createNodeServer, type NodeServer } from '../../../registry/http/node-server.ts'
import type { RequestContext } from '../../../registry/http/request-context.ts'
import { eventually } from '../../fakes/eventually.ts'

let node: NodeServer | undefined
let connections: Connections
const clients: Socket[] = []
afterEach(() => {
  for (const client of clients.splice(0)) client.destroy()
  node?.server.close()
  node?.server.closeAllConnections()
})

interface Options {
  readTimeout?: number
  writeTimeout?: number
}

async function start(
  { readTimeout = 500, writeTimeout = 500 }: Options,
  answer: (context: RequestContext) => void,
) {
  connections = new Connections({
    clientOf: () => ({ address: '127.0.0.1', key: '127.0.0.1', isExempt: true }),
    onLimit: () => {},
  })
  const busy = new WeakMap<Socket, RequestContext>()
  const server = createNodeServer(
    {
      limits: { readTimeout, writeTimeout },
      certificate: undefined,
      connections,
      contextOf: socket => busy.get(socket),
    },
    (req, res) => {
      const context = { req, res } as unknown as RequestContext
      busy.set(req.socket, context)
      answer(context)
    },
  )
  node = server
  server.server.listen(0, '127.0.0.1')
  await once(server.server, 'listening')
  const { port } = server.server.address() as AddressInfo
  return async (): Promise<Socket> => {
    const socket = connect(port, '127.0.0.1')
    socket.on('error', () => {})
    clients.push(socket)
    await once(socket, 'connect')
    return socket
  }
}

describe("the server's limits", () => {
  it('do not count the time that this side needs', async () => {
    let release: (() => void) | undefined
    const open = await start({}, ({ req, res }) => {
      req.resume()
      release = () => res.end('done')
    })
    const socket = await open()
    let heard = ''
    socket.on('data', bytes => {
      heard += bytes.toString()
    })
    const startedAt = Date.now()
    socket.write('POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\nx')
    await eventually(() => release !== undefined && Date.now() - startedAt > 1500)
    expect(socket.closed).toBe(false)
    release!()
    await eventually(() => heard.includes('done'))
  })

  it('do not count the time in which bytes lie here unread', async () => {
    let context: RequestContext | undefined
    const open = await start({}, given => {
      context = given
      given.req.pause()
    })
    const socket = await open()
    const startedAt = Date.now()
    socket.write('POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nxxx')
    await eventually(() => context !== undefined && Date.now() - startedAt > 1500)
    expect(socket.closed).toBe(false)
    // Taken; now it is the client's turn, and it is still.
    context!.req.resume()
    await eventually(() => socket.closed)
  })

  it('give each direction its own time', async () => {
    const open = await start({ readTimeout: 500, writeTimeout: 0 }, ({ res }) => {
      res.write(Buffer.alloc(64 * 1024 * 1024))
    })
    const reader = await open()
    reader.pause()
    reader.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n')
    const silent = await open()
    await eventually(() => silent.closed)
    expect(connections.sockets.size).toBe(1)
  })

  it('take long heads while connections are few, as those that never end stay in memory', async () => {
    const open = await start({ readTimeout: 5000 }, ({ res }) => res.end('done'))
    const answered = async (socket: Socket): Promise<string> => {
      let heard = ''
      socket.on('data', bytes => {
        heard += bytes.toString()
      })
      socket.write(`GET / HTTP/1.1\r\nHost: x\r\nX: ${'y'.repeat(100_000)}\r\n\r\n`)
      await eventually(() => heard.includes('\r\n\r\n'))
      return heard.slice(0, 12)
    }
    expect(await answered(await open())).toBe('HTTP/1.1 200')
    for (let at = 0; at < 260; at++) await open()
    expect(await answered(await open())).toBe('HTTP/1.1 431')
    for (const client of clients) client.destroy()
    await eventually(() => connections.sockets.size === 0)
    // Decided as the one before comes.
    await open()
    expect(await answered(await open())).toBe('HTTP/1.1 200')
  })
})
