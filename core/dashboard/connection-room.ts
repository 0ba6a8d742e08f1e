import type { Server, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'

export interface ConnectionRoom {
  /** This answer belongs to a session: its connection stays until it is complete. */
  hold(response: ServerResponse): void
}

/**
 * Room for so many connections. One more takes the place of the one that is idle longest, as any user of the
 * computer can open them; what a session waits for (its event stream) never goes.
 */
export function limitConnections(server: Server, max: number): ConnectionRoom {
  const open = new Set<Socket>()
  /** Longest idle first; requests without a session do not count. */
  const idle = new Set<Socket>()
  const forget = (socket: Socket): void => {
    open.delete(socket)
    idle.delete(socket)
  }
  server.on('connection', socket => {
    if (open.size >= max) {
      const [longest] = idle
      if (longest === undefined) return void socket.destroy()
      forget(longest)
      longest.destroy()
    }
    open.add(socket)
    idle.add(socket)
    socket.once('close', () => forget(socket))
  })
  return {
    hold(response) {
      const { socket } = response
      if (socket === null) return
      idle.delete(socket)
      response.once('close', () => {
        if (open.has(socket)) idle.add(socket)
      })
    },
  }
}
