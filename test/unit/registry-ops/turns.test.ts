import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { type QueuedRequest, RequestQueue } from '../../../registry/http/request-queue.ts'
import { eventually } from '../../fakes/eventually.ts'

let server: Server | undefined
afterEach(() => {
  server?.closeAllConnections()
  server?.close()
})

type Answer = (req: IncomingMessage, res: ServerResponse) => boolean

/** `answer` says whether the handler has ended. */
async function start(answer: Answer, max?: number) {
  const turns = new RequestQueue<QueuedRequest & { req: IncomingMessage }>(
    (req, res) => ({ req, res, isSettled: answer(req, res) }),
    max,
  )
  const listening = createServer((req, res) => turns.take(req, res))
  server = listening
  listening.listen(0, '127.0.0.1')
  await once(listening, 'listening')
  const socket = connect((listening.address() as AddressInfo).port, '127.0.0.1')
  socket.on('error', () => {})
  let heard = ''
  socket.on('data', bytes => {
    heard += bytes.toString()
  })
  return { turns, socket, heard: () => heard }
}

const get = (path: string | number): string => `GET /${path} HTTP/1.1\r\nHost: x\r\n\r\n`
const post = (path: string, body: string): string =>
  `POST /${path} HTTP/1.1\r\nHost: x\r\nContent-Length: ${body.length}\r\n\r\n${body}`

describe('requests that are sent ahead', () => {
  it('wait for the one before, and are answered in their order', async () => {
    const begun: ServerResponse[] = []
    const { turns, socket, heard } = await start((_req, res) => {
      begun.push(res)
      return false
    })
    socket.write(get(1) + get(2) + get(3))
    await eventually(() => begun.length === 1)
    const settle = (peer: Socket | null): void => turns.settled(turns.of(peer as Socket)!, peer as Socket)
    for (const at of [1, 2, 3]) {
      expect(begun).toHaveLength(at)
      const res = begun[at - 1]!
      const peer = res.socket
      res.end(`answer ${at}`)
      // Its answer is out, and its handler is still at it.
      await eventually(() => res.closed && heard().includes(`answer ${at}`))
      expect(begun).toHaveLength(at)
      settle(peer)
      if (at < 3) await eventually(() => begun.length === at + 1)
    }
    expect(heard().match(/answer \d/g)).toEqual(['answer 1', 'answer 2', 'answer 3'])
    // And the connection goes on.
    socket.write(get(4))
    await eventually(() => begun.length === 4)
  })

  it('bring their bodies along', async () => {
    const { socket, heard } = await start((req, res) => {
      let body = ''
      req.on('data', bytes => {
        body += bytes.toString()
      })
      req.on('end', () => res.end(`<${req.url}:${body}>`))
      return true
    })
    const large = 'x'.repeat(300_000)
    socket.write(post('a', 'one') + get('b') + post('c', large) + post('d', 'two'))
    await eventually(() => heard().includes('</d:two>'))
    expect(heard().match(/<\/[a-d]:/g)).toEqual(['</a:', '</b:', '</c:', '</d:'])
    expect(heard()).toContain(`</c:${large}>`)
  })

  it('are all answered, however many, and few are parsed at a time', async () => {
    let begun = 0
    const { socket, heard } = await start((_req, res) => {
      begun++
      res.end(`answer ${begun};`)
      return true
    })
    socket.write(Array.from({ length: 20_000 }, (_, at) => get(at)).join(''))
    await eventually(() => heard().includes('answer 20000;'), 20_000)
    expect(begun).toBe(20_000)
  })

  it('end their connection where too many wait', async () => {
    const { socket } = await start(() => false, 10)
    socket.write(Array.from({ length: 100 }, (_, at) => get(at)).join(''))
    await eventually(() => socket.closed)
  })

  it('are forgotten with their connection', async () => {
    const begun: ServerResponse[] = []
    const { turns, socket } = await start((_req, res) => {
      begun.push(res)
      return false
    })
    socket.write(get(1) + get(2))
    await eventually(() => begun.length === 1)
    const peer = begun[0]!.socket!
    peer.destroy()
    await eventually(() => socket.closed && begun[0]!.closed)
    turns.settled(turns.of(peer)!, peer)
    expect(begun).toHaveLength(1)
  })
})
