import {
  clientOver,
  type EventName,
  type Events,
  eventNames,
  type ZotbarBridge,
} from '../../contract/contract.ts'
import { fail, type Result } from '../../contract/result.ts'
import type { Connection, Link } from './connection.ts'
import { readEvents, type StreamEvent } from './event-stream.ts'
import { consumeToken, forgetSession, sessionHeader, signIn } from './session.ts'

const firstWaitMs = 500
const longestWaitMs = 5_000
/** The contract over HTTP on loopback: commands by POST, events by one streamed GET that reconnects. */
export function dashboardConnection(): Connection {
  let link: Link = { kind: 'connecting' }
  let session: string | undefined
  const watchers: ((link: Link) => void)[] = []
  const listeners: { [E in EventName]: Set<(value: Events[E]) => void> } = {
    snapshot: new Set(),
    log: new Set(),
  }

  const setLink = (next: Link): void => {
    // `since` stays the time of the loss, however often connecting fails after it.
    if (next.kind === 'lost' && link.kind === 'lost') return
    link = next
    for (const watcher of watchers) watcher(link)
  }
  const { promise: signedIn, resolve: signInEnded } = Promise.withResolvers<void>()
  const signOut = (reason: 'no-session' | 'refused' | 'ended'): void => {
    session = undefined
    forgetSession()
    signInEnded()
    setLink({ kind: 'signed-out', reason })
  }

  async function call(name: string, input: unknown): Promise<Result<unknown>> {
    // A call that comes before the page is signed in waits for it.
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
    if (response.status === 401) signOut('ended')
    const body: unknown = await response.json().catch(() => undefined)
    return isResult(body) ? body : fail({ code: 'unexpected', where: `the answer to ${name}` })
  }

  function deliver({ event, data }: StreamEvent): void {
    const name = eventNames.find(known => known === event)
    if (name !== undefined) for (const listener of listeners[name]) listener(JSON.parse(data))
  }

  async function run(): Promise<void> {
    const token = consumeToken()
    for (let wait = firstWaitMs; session === undefined; wait = Math.min(wait * 2, longestWaitMs)) {
      const signed = await signIn(token)
      if (signed.kind === 'session') session = signed.session
      else if (signed.kind === 'none') return signOut('no-session')
      else if (signed.kind === 'refused') return signOut('refused')
      else {
        setLink({ kind: 'lost', since: Date.now() })
        await pause(wait)
      }
    }
    signInEnded()
    let wait = firstWaitMs
    while (session !== undefined) {
      const end = await readEvents(session, { onOpen: () => setLink({ kind: 'live' }), onEvent: deliver })
      if (end === 'refused') return signOut('ended')
      if (end === 'ended') {
        // It may only be restarting: one try at once, before the page says that nothing answers.
        wait = firstWaitMs
        continue
      }
      setLink({ kind: 'lost', since: Date.now() })
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
