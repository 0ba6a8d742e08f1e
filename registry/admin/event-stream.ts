import type { ServerResponse } from 'node:http'
import type { EventLog } from '../events/event-log.ts'
import { refuse, send } from './reply.ts'

/** Streams at a time. */
const maxStreams = 8
/** A client with so much unread is disconnected; its next connection learns whether it missed something. */
const maxUnreadBytes = 1024 * 1024

export interface EventStreams {
  /** Answers `GET /events`, and goes on answering. */
  open(response: ServerResponse, query: URLSearchParams): void
  close(): void
}

/**
 * Events as lines of JSON, for as long as somebody reads them. The first line says where the stream begins:
 * {"kind":"begin","log":ID,"seq":N,"gap":BOOL}, docs/admin-socket.md.
 */
export function eventStreams(events: EventLog): EventStreams {
  const open = new Set<ServerResponse>()
  return {
    open(response, query) {
      if (open.size >= maxStreams) return send(response, refuse(503, `${maxStreams} listen already`))
      const wanted = query.get('after')
      const after = wanted === null ? undefined : Number(wanted)
      if (after !== undefined && !(Number.isSafeInteger(after) && after >= 0))
        return send(response, refuse(400, 'after is not the number of an event'))
      const isContinued = after !== undefined && query.get('log') === events.id
      const { lines, gap } = isContinued ? events.after(after) : { lines: [], gap: true }
      response.writeHead(200, { 'content-type': 'application/x-ndjson', 'cache-control': 'no-store' })
      const write = (text: string): void => {
        if (response.destroyed) return
        response.write(text)
        if (response.writableLength > maxUnreadBytes) response.destroy()
      }
      open.add(response)
      const unlisten = events.listen(({ text }) => write(text))
      response.on('close', () => {
        unlisten()
        open.delete(response)
      })
      const seq = gap ? events.seq : (after ?? events.seq)
      write(`${JSON.stringify({ kind: 'begin', log: events.id, seq, gap })}\n`)
      for (const { text } of lines) write(text)
    },
    close() {
      for (const response of open) response.destroy()
    },
  }
}
