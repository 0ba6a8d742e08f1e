import type { IncomingMessage, ServerResponse } from 'node:http'

/** Requests whose client waits for 100 before it sends the body. */
const waiting = new WeakSet<IncomingMessage>()
/** Requests that expect something else, which nobody here does. */
const unmet = new WeakSet<IncomingMessage>()

/**
 * `Expect: 100-continue` is answered when somebody begins to read the body: after rights, limits and the upload have
 * been looked at, so that a client that may not push hears so before it has sent gigabytes.
 * https://www.rfc-editor.org/rfc/rfc9110#section-10.1.1
 */
export function continueWhenRead(req: IncomingMessage, res: ServerResponse): void {
  waiting.add(req)
  const read = req._read
  req._read = size => {
    req._read = read
    waiting.delete(req)
    if (!res.headersSent && !res.destroyed) res.writeContinue()
    read.call(req, size)
  }
}

/** Notes an Expect header with anything but `100-continue`. */
export function noteUnmet(req: IncomingMessage): void {
  unmet.add(req)
}

export const isUnmet = (req: IncomingMessage): boolean => unmet.has(req)

/** Whether its client has not been told to send the body: it may never come. */
export const awaitsContinue = (req: IncomingMessage): boolean => waiting.has(req) || unmet.has(req)
