/** One event of a server-sent event stream. */
export interface StreamEvent {
  event: string
  data: string
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
