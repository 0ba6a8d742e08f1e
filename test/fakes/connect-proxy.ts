import { createServer } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'

export interface ConnectProxy {
  url: string
  /** "host:port" of each CONNECT. */
  asked: string[]
  /** Answers every CONNECT with this status instead of connecting. */
  refuse(status: number | undefined): void
  close(): Promise<void>
}

/** A real HTTP proxy that knows CONNECT alone. */
export async function startConnectProxy(): Promise<ConnectProxy> {
  const asked: string[] = []
  const sockets = new Set<Socket>()
  let refused: number | undefined
  const server = createServer((_, response) => void response.writeHead(405).end())
  const keep = (socket: Socket): void => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
    socket.on('error', () => {})
  }
  server.on('connection', keep)
  server.on('connect', (request, socket, head) => {
    const target = request.url ?? ''
    asked.push(target)
    if (refused !== undefined) return void socket.end(`HTTP/1.1 ${refused} No\r\ncontent-length: 0\r\n\r\n`)
    const [host = '', port = ''] = target.split(':')
    const onward = connect(Number(port), host, () => {
      socket.write('HTTP/1.1 200 Connected\r\n\r\n')
      onward.write(head)
      onward.pipe(socket)
      socket.pipe(onward)
    })
    keep(onward)
    onward.on('error', () => socket.destroy())
    socket.on('error', () => onward.destroy())
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    refuse(status) {
      refused = status
    },
    async close() {
      for (const socket of sockets) socket.destroy()
      await new Promise<void>(resolve => server.close(() => resolve()))
    },
  }
}
