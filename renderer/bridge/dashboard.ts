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
import {
  consumeToken,
  openSession,
  refusalIn,
  type Session,
  type SignedOutReason,
  sessionHeader,
} from './session.ts'

const firstWaitMs = 500
const longestWaitMs = 5_000
/** How often a page looks whether the token is due for a change. */
const renewLookMs = 60_000

/** The contract over HTTP on loopback: commands by POST, events by one streamed GET that reconnects. */
export function dashboardConnection(): Connection {
  const session = openSession()
  const link = linkState()
  const listeners: { [E in EventName]: Set<(value: Events[E]) => void> } = {
    snapshot: new Set(),
    log: new Set(),
  }

  const { signedIn, isSignedOut, signOut, refused, enter, renew } = signInWith(session, link)

  async function call(name: string, input: unknown, isSecond = false): Promise<Result<unknown>> {
    // A call that comes before the page is signed in waits for it.
    await signedIn
    const token = session.token()
    if (token === undefined || isSignedOut()) return fail({ code: 'not-authorised', reason: 'no-session' })
    let response: Response
    try {
      response = await fetch(`/api/${name}`, {
        method: 'POST',
        headers: { 'Content-Type': 'application/json', [sessionHeader]: token },
        body: JSON.stringify(input ?? {}),
      })
    } catch {
      return fail({ code: 'app-not-running', home: location.host })
    }
    const body: unknown = await response.json().catch(() => undefined)
    if (response.status === 401 && !refused(token, body) && !isSecond) return call(name, input, true)
    return isResult(body) ? body : fail({ code: 'unexpected', where: `the answer to ${name}` })
  }

  function deliver({ event, data }: StreamEvent): void {
    const name = eventNames.find(known => known === event)
    if (name !== undefined) for (const listener of listeners[name]) listener(JSON.parse(data))
  }

  async function run(): Promise<void> {
    // Under another name a program on the IPv6 address of the same port could read what is stored.
    if (['localhost', '[::1]'].includes(location.hostname)) {
      location.replace(location.href.replace(location.host, `127.0.0.1:${location.port}`))
      return
    }
    if (!(await enter())) return
    setInterval(() => void renew(), renewLookMs)
    let wait = firstWaitMs
    /** After an end of the events nobody knows who had the port meanwhile, and read the token. */
    let hasEnded = false
    while (!isSignedOut()) {
      await renew({ always: hasEnded })
      hasEnded = true
      const token = session.token()
      if (token === undefined) return signOut(session.endedBecause())
      const end = await readEvents(token, { onOpen: () => link.set({ kind: 'live' }), onEvent: deliver })
      if (end.kind === 'refused' && refused(token, end.body)) return
      if (end.kind !== 'no-answer') {
        // It may only be restarting: one try at once, before the page says that nothing answers.
        wait = firstWaitMs
        continue
      }
      link.set({ kind: 'lost', since: Date.now() })
      await pause(wait)
      wait = Math.min(wait * 2, longestWaitMs)
    }
  }

  const bridge: ZotbarBridge = {
    ...clientOver((name, input) => call(name, input)),
    on(event, listener) {
      listeners[event].add(listener)
      return () => listeners[event].delete(listener)
    },
  }
  // A fresh link pasted into this tab changes only the fragment, and loads nothing by itself.
  window.addEventListener('hashchange', () => {
    if (location.hash.includes('token=')) location.reload()
  })
  session.watch(() => {
    if (session.token() === undefined) signOut(session.endedBecause())
    // Another tab opened a link: what this one showed before is shown again.
    else if (isSignedOut()) location.reload()
  })
  void run()
  return {
    shell: 'dashboard',
    bridge,
    watch: link.watch,
    session: {
      fullUntil: session.fullUntil,
      watch: session.watch,
      signOut() {
        void session.leave()
        signOut('left')
      },
    },
  }
}

/** How a page gets its session, keeps it and loses it. */
function signInWith(session: Session, link: LinkState) {
  const { promise: signedIn, resolve: signInEnded } = Promise.withResolvers<void>()
  const isSignedOut = (): boolean => link.now().kind === 'signed-out'
  const signOut = (reason: SignedOutReason): void => {
    if (isSignedOut()) return
    session.forget(reason)
    signInEnded()
    link.set({ kind: 'signed-out', reason })
  }
  /** Signs out after the core refused `token`, unless another tab has begun a new session meanwhile. */
  const refused = (token: string, body: unknown): boolean => {
    const isOver = session.token() === token
    if (isOver) signOut(refusalIn(body))
    return isOver
  }

  /** Signs in, however long the core takes to answer; false when it refuses. */
  async function enter(): Promise<boolean> {
    const token = consumeToken()
    for (let wait = firstWaitMs; ; wait = Math.min(wait * 2, longestWaitMs)) {
      const entered = await session.enter(token)
      if (entered.kind === 'session') {
        signInEnded()
        return true
      }
      if (entered.kind === 'none') {
        signOut(entered.reason)
        return false
      }
      link.set({ kind: 'lost', since: Date.now() })
      await pause(wait)
    }
  }

  /** The token changes every ten minutes; the first tab that finds it due does it for all. */
  async function renew(options = { always: false }): Promise<void> {
    const renewed = await session.renew(options)
    if (renewed.kind === 'none') signOut(renewed.reason)
  }

  return { signedIn, isSignedOut, signOut, refused, enter, renew }
}

interface LinkState {
  now(): Link
  set(next: Link): void
  watch(listener: (link: Link) => void): void
}

function linkState(): LinkState {
  let link: Link = { kind: 'connecting' }
  const watchers: ((link: Link) => void)[] = []
  return {
    now: () => link,
    set(next) {
      // `since` stays the time of the loss, however often connecting fails after it.
      if (next.kind === 'lost' && link.kind === 'lost') return
      link = next
      for (const watcher of watchers) watcher(link)
    },
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
