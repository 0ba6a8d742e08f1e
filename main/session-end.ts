import { connect, type Socket } from 'node:net'
import { type ClientHello, helloHeader, helloText } from '../contract/hello.ts'

/** Notifies the core that the session of the user ends, in the very turn of the event loop in which the app ends. */
export interface SessionEnd {
  /** Writes it now. False where no connection is there yet, so that it may not arrive. */
  notify(): boolean
  /** The session goes on: gives the connection up. */
  close(): void
}

/**
 * Connects ahead of the end: what is written to a connection that is there is with the core before this process ends,
 * and a connection that is only made then would not be.
 */
export function prepareSessionEnd(options: { socketPath: string; hello: ClientHello }): SessionEnd {
  const { socketPath, hello } = options
  let isOver = false
  let socket = open()

  function open(): Socket {
    const opened = connect(socketPath)
    // Where nobody listens nobody is to be notified.
    opened.on('error', () => {})
    // The core closes a connection that asks nothing for half a minute.
    opened.on('end', () => {
      opened.destroy()
      if (!isOver) socket = open()
    })
    return opened
  }

  return {
    notify() {
      isOver = true
      const { readyState } = socket
      socket.write(
        [
          'POST /api/app.sessionEnds HTTP/1.1',
          'host: localhost',
          'connection: close',
          'content-type: application/json',
          'content-length: 2',
          `${helloHeader}: ${helloText(hello)}`,
          '',
          '{}',
        ].join('\r\n'),
      )
      return readyState === 'open'
    },
    close() {
      isOver = true
      socket.destroy()
    },
  }
}
