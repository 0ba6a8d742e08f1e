import { sessionHeader } from './session.ts'

/** The core sends at least a comment every 15 s; a stream that is silent for longer is dead. */
const silenceMs = 40_000

/** One event of a server-sent event stream. */
export interface StreamEvent {
  event: string
  data: string
}

/** Reads the core's events until the stream ends. */
export async function readEvents(
  session: string,
  { onOpen, onEvent }: { onOpen(): void; onEvent(event: StreamEvent): void },
): Promise<{ kind: 'refused'; body: unknown } | { kind: 'ended' } | { kind: 'no-answer' }> {
  const abort = new AbortController()
  let silence = setTimeout(() => abort.abort(), silenceMs)
  let response: Response
  try {
    response = await fetch('/api/events', {
      headers: { Accept: 'text/event-stream', [sessionHeader]: session },
      cache: 'no-store',
      signal: abort.signal,
    })
  } catch {
    return { kind: 'no-answer' }
  } finally {
    clearTimeout(silence)
  }
  if (response.status === 401) return { kind: 'refused', body: await response.json().catch(() => undefined) }
  if (!response.ok || !response.body) return { kind: 'no-answer' }
  onOpen()
  const pieces = response.body.pipeThrough(new TextDecoderStream()).getReader()
  const read = eventReader()
  try {
    for (;;) {
      silence = setTimeout(() => abort.abort(), silenceMs)
      const piece = await pieces.read()
      clearTimeout(silence)
      if (piece.done) break
      for (const event of read(piece.value)) onEvent(event)
    }
  } catch {
    // A stream that breaks off is handled as one that ended: the caller connects again.
  } finally {
    clearTimeout(silence)
  }
  return { kind: 'ended' }
}

/**
 * Reads server-sent events from text that arrives in pieces (HTML standard, section 9.2.6): fields
 * `event` and `data`, comments and other fields skipped. The browser's EventSource is not used because it
 * cannot send the session header.
 */
export function eventReader(): (chunk: string) => StreamEvent[] {
  let rest = ''
  let event = ''
  let data: string[] = []
  return chunk => {
    const lines = (rest + chunk).split(/\r\n|\n|\r(?!$)/)
    rest = lines.pop() ?? ''
    const events: StreamEvent[] = []
    for (const line of lines) {
      if (line === '') {
        if (data.length > 0) events.push({ event: event === '' ? 'message' : event, data: data.join('\n') })
        event = ''
        data = []
        continue
      }
      const colon = line.indexOf(':')
      const field = colon < 0 ? line : line.slice(0, colon)
      const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '')
      if (field === 'event') event = value
      if (field === 'data') data.push(value)
    }
    return events
  }
}
