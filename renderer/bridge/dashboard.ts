import {
  clientOver,
  type EventName,
  type Events,
  eventNames,
  type ZotbarBridge,
} from '../../contract/contract.ts'
import { fail, type Result } from '../../contract/result.ts'
import type { Connection, Link } from './connection.ts'
import { consumeToken, forgetSession, sessionHeader, signIn } from './session.ts'

const firstWaitMs = 500
const longestWaitMs = 5_000
/** The app sends at least a comment every 15 s; a stream that says nothing for longer is dead. */
const silenceMs = 40_000

/** The contract over HTTP on loopback: commands by POST, events by one streamed GET that reconnects. */
export function dashboardConnection(): Connection {
  let link: Link = { kind: 'connecting' }
  let session: string | undefined
  const watchers: ((link: Link) => void)[] = []
  const listeners: { [E in EventName]: Set<(value: Events[E]) => void> } = {
    snapshot: new Set(),
    log: new Set(),
  }

  const become = (next: Link): void => {
    // The moment of the loss is kept over all the tries that follow it.
    if (next.kind === 'lost' && link.kind === 'lost') return
    link = next
    for (const watcher of watchers) watcher(link)
  }
  let settle: () => void = () => {}
  const signedIn = new Promise<void>(resolve => {
    settle = resolve
  })
  const signedOut = (why: 'no-session' | 'refused' | 'ended'): void => {
    session = undefined
    forgetSession()
    settle()
    become({ kind: 'signed-out', why })
  }

  async function call(name: string, input: unknown): Promise<Result<unknown>> {
    // A click may come before the page is signed in; it waits for that, not the user.
    await signedIn
    if (session === undefined) return fail({ code: 'not-authorised', reason: 'no-session' })
    let response: Response
    try {
      response = await fetch(`/api/${name}`, {
        method: 'POST',
        headers: { 'Content-Type': 'application/json', [sessionHeader]: session },
        body: JSON.stringify(input ?? {}),
      })
    } catch {
      return fail({ code: 'app-not-running', home: location.host })
    }
    if (response.status === 401) signedOut('ended')
    const body: unknown = await response.json().catch(() => undefined)
    return isResult(body) ? body : fail({ code: 'unexpected', where: `the answer to ${name}` })
  }

  /** Reads events until the stream ends; says whether it ever began. */
  async function listen(held: string): Promise<'refused' | 'ended' | 'no-answer'> {
    const ending = new AbortController()
    let silence = setTimeout(() => ending.abort(), silenceMs)
    let response: Response
    try {
      response = await fetch('/api/events', {
        headers: { Accept: 'text/event-stream', [sessionHeader]: held },
        cache: 'no-store',
        signal: ending.signal,
      })
    } catch {
      return 'no-answer'
    } finally {
      clearTimeout(silence)
    }
    if (response.status === 401) return 'refused'
    if (!response.ok || !response.body) return 'no-answer'
    become({ kind: 'live' })
    const pieces = response.body.pipeThrough(new TextDecoderStream()).getReader()
    const read = eventReader()
    try {
      for (;;) {
        silence = setTimeout(() => ending.abort(), silenceMs)
        const piece = await pieces.read()
        clearTimeout(silence)
        if (piece.done) break
        for (const { event, data } of read(piece.value)) deliver(event, data)
      }
    } catch {
      // A stream that breaks off is the same as one that ends: both are followed by a new try.
    } finally {
      clearTimeout(silence)
    }
    return 'ended'
  }

  function deliver(event: string, text: string): void {
    const name = eventNames.find(known => known === event)
    if (name !== undefined) for (const listener of listeners[name]) listener(JSON.parse(text))
  }

  async function run(): Promise<void> {
    const token = consumeToken()
    for (let wait = firstWaitMs; session === undefined; wait = Math.min(wait * 2, longestWaitMs)) {
      const signed = await signIn(token)
      if (signed.kind === 'session') session = signed.session
      else if (signed.kind === 'none') return signedOut('no-session')
      else if (signed.kind === 'refused') return signedOut('refused')
      else {
        become({ kind: 'lost', since: Date.now() })
        await pause(wait)
      }
    }
    settle()
    let wait = firstWaitMs
    while (session !== undefined) {
      const end = await listen(session)
      if (end === 'refused') return signedOut('ended')
      if (end === 'ended') {
        // It may only be restarting: one try at once, before the page says that nothing answers.
        wait = firstWaitMs
        continue
      }
      become({ kind: 'lost', since: Date.now() })
      await pause(wait)
      wait = Math.min(wait * 2, longestWaitMs)
    }
  }

  const bridge: ZotbarBridge = {
    ...clientOver(call),
    on(event, listener) {
      listeners[event].add(listener)
      return () => listeners[event].delete(listener)
    },
  }
  // A fresh link pasted into this tab changes only the fragment, and loads nothing by itself.
  window.addEventListener('hashchange', () => {
    if (location.hash.includes('token=')) location.reload()
  })
  void run()
  return {
    shell: 'dashboard',
    bridge,
    watch(listener) {
      watchers.push(listener)
      listener(link)
    },
  }
}

const isResult = (body: unknown): body is Result<unknown> =>
  typeof body === 'object' && body !== null && 'ok' in body && typeof body.ok === 'boolean'

/** Waits `ms`, or less when the page comes back into view. */
function pause(ms: number): Promise<void> {
  return new Promise(resolve => {
    const done = (): void => {
      clearTimeout(timer)
      document.removeEventListener('visibilitychange', onVisible)
      resolve()
    }
    const onVisible = (): void => {
      if (document.visibilityState === 'visible') done()
    }
    const timer = setTimeout(done, ms)
    document.addEventListener('visibilitychange', onVisible)
  })
}

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
