import type { CoreConnection } from '../client/core-connection.ts'
import type { KeptCore } from '../client/keep-core.ts'
import type { EventName, Events } from '../contract/contract.ts'
import type { CoreLink } from '../contract/core-link.ts'
import type { Clock } from '../lib/clock.ts'
import { createEmitter } from '../lib/emitter.ts'

/** The core as the parts of the app see it: one that may not be there. */
export interface AppCore extends Pick<CoreConnection, 'as' | 'call' | 'setLooking' | 'snapshot'> {
  /** Returns the end of the subscription. */
  on<E extends EventName>(event: E, listener: (value: Events[E]) => void): () => void
  link(): CoreLink
  /** Returns the end of the subscription. */
  onLink(listener: (link: CoreLink) => void): () => void
  /** Finds a core, or has one started, where none answers. */
  start(): void
  /** The app quits: that the core goes is no news any more. */
  leave(): void
}

interface Options {
  kept: Pick<KeptCore, 'state' | 'onChange' | 'ready' | 'coreLost'>
  connection: CoreConnection
  clock: Pick<Clock, 'now'>
}

/** Joins the connection to the core and its keeping into one link: what is shown while there is no core. */
export function createAppCore({ kept, connection, clock }: Options): AppCore {
  const events = createEmitter<{ link: CoreLink }>()
  let lostSince: number | undefined
  /** Until the first look for a core has ended, its absence is nothing to show. */
  let isFirst = true
  let isLeaving = false

  function link(): CoreLink {
    const state = connection.state()
    const keeping = kept.state()
    if (state.kind === 'live') return { kind: 'live' }
    const isStarting = keeping.kind === 'looking' || keeping.kind === 'starting' || keeping.kind === 'up'
    const error = keeping.kind === 'failed' ? keeping.error : state.kind === 'lost' ? state.error : undefined
    if (error === undefined) return { kind: 'connecting' }
    // One that answers, and is of another version, is not waited for.
    const answers = error.code === 'core-older' || error.code === 'other-contract'
    if (isFirst && isStarting && !answers) return { kind: 'connecting' }
    return { kind: 'lost', since: lostSince ?? clock.now(), error, isStarting: isStarting && !answers }
  }
  let shown = ''
  function changed(): void {
    const next = link()
    if (next.kind === 'live') isFirst = false
    const text = JSON.stringify(next)
    if (text === shown || isLeaving) return
    shown = text
    events.emit('link', next)
  }

  connection.on('state', state => {
    lostSince = state.kind === 'lost' ? (lostSince ?? clock.now()) : undefined
    // The keeper starts one that died; one that was ended on purpose stays away. Before the first there is none to lose.
    if (state.kind === 'lost' && !isFirst) kept.coreLost()
    // It answers after all, later than its start may take: kept like any other from now on.
    if (state.kind === 'live' && kept.state().kind === 'failed') void kept.ready()
    changed()
  })
  kept.onChange(state => {
    if (state.kind === 'up') connection.retry()
    changed()
  })

  return {
    as: caller => connection.as(caller),
    call: (name, input, caller) => connection.call(name, input, caller),
    setLooking: looking => connection.setLooking(looking),
    snapshot: () => connection.snapshot(),
    on: (event, listener) => connection.on(event, listener),
    link,
    onLink: listener => events.on('link', listener),
    start: () => void kept.ready(),
    leave() {
      isLeaving = true
    },
  }
}
