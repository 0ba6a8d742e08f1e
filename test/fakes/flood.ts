// A hostile client, as a process of its own: node flood.ts '{"kind":"connections","port":5050,...}'
import { connect, type Socket } from 'node:net'

export type Flood = { port: number; from: string } & (
  | { kind: 'pipelining'; path: string; requests: number }
  | { kind: 'connections'; count: number }
  | { kind: 'requests'; paths: string[]; authorization: string; at: number }
)

/** Goes on until the process is ended. */
function flood(order: Flood): void {
  const open = (onOpen: (socket: Socket) => void, again?: () => void): void => {
    const socket = connect({ port: order.port, host: '127.0.0.1', localAddress: order.from })
    socket.on('connect', () => onOpen(socket))
    socket.on('error', () => {})
    if (again) socket.on('close', () => setTimeout(again, 200))
  }
  switch (order.kind) {
    case 'pipelining':
      // Sends everything, reads nothing.
      open(socket => {
        socket.pause()
        socket.write(`GET ${order.path} HTTP/1.1\r\nHost: x\r\n\r\n`.repeat(order.requests))
        begun()
      })
      return
    case 'connections': {
      let opened = 0
      const one = (): void =>
        open(socket => {
          socket.write('GET /v2/ HTTP/1.1\r\n')
          if (++opened === order.count) begun()
        }, one)
      for (let at = 0; at < order.count; at++) one()
      return
    }
    case 'requests': {
      let at = 0
      const one = (): void =>
        open(socket => {
          const ask = (): void => {
            const path = order.paths[at++ % order.paths.length]
            socket.write(`GET ${path} HTTP/1.1\r\nHost: x\r\nAuthorization: ${order.authorization}\r\n\r\n`)
          }
          socket.on('data', ask)
          ask()
          begun()
        }, one)
      for (let count = 0; count < order.at; count++) one()
    }
  }
}

let said = false
function begun(): void {
  if (!said) console.log('begun')
  said = true
}

const order = process.argv[2]
if (order !== undefined) {
  flood(JSON.parse(order))
  // A connection that is only held keeps nothing running.
  setInterval(() => {}, 60_000)
}
