import type { ProcessState } from '../../contract/registry-state.ts'
import type { Clock } from '../../lib/clock.ts'
import { step } from './machine.ts'
import type { Policy } from './policy.ts'
import { publicState } from './public-state.ts'
import { type Effect, type Event, firstState, type State, type UntimedEvent } from './state.ts'

interface Options {
  clock: Clock
  policy: Policy
  drainsItself(): boolean
  log(message: string, data?: Record<string, unknown>): void
}

interface Connections {
  /** Answers with the event that has to come before all others, where there is one. */
  perform(effect: Effect): UntimedEvent | undefined
  /** Every event that had arrived is handled. */
  onIdle(state: State, shown: ProcessState): void
}

/** Feeds events to the machine one after the other, has its effects performed, and notifies listeners. */
export interface EventLoop {
  /** Events that arrive while one is handled wait. The event gets no earlier time than `notBefore`. */
  dispatch(event: UntimedEvent, notBefore?: number): void
  /** To be called once, before the first event. */
  connect(connections: Connections): void
  state(): State
  shown(): ProcessState
  /** Notifies listeners soon; several changes at once make one call. */
  changed(): void
  onChange(listener: () => void): () => void
  /** Resolves once the shown state satisfies the condition. */
  waitUntil(condition: (shown: ProcessState) => boolean): Promise<void>
  removeListeners(): void
}

export function createEventLoop({ clock, policy, drainsItself, log }: Options): EventLoop {
  const queue: Event[] = []
  const listeners = new Set<() => void>()
  let state: State = firstState(clock.now())
  let shown: ProcessState = publicState(state, policy)
  let connections: Connections = { perform: () => undefined, onIdle: () => {} }
  let isHandling = false
  let isNotifying = false

  const timed = (event: UntimedEvent, notBefore = 0): Event =>
    ({ ...event, at: Math.max(clock.now(), notBefore) }) as Event

  function handle(event: Event) {
    const before = state.stage.kind
    const next = step(state, event, policy, drainsItself())
    state = next.state
    for (const effect of next.effects) {
      const answer = connections.perform(effect)
      if (answer !== undefined) queue.unshift(timed(answer))
    }
    if (state.stage.kind !== before) log(`registry: ${before} -> ${state.stage.kind}`, { after: event.kind })
    const now = publicState(state, policy)
    if (JSON.stringify(now) === JSON.stringify(shown)) return
    shown = now
    changed()
  }

  function changed() {
    if (isNotifying) return
    isNotifying = true
    queueMicrotask(() => {
      isNotifying = false
      for (const listener of listeners) listener()
    })
  }

  function dispatch(event: UntimedEvent, notBefore?: number) {
    queue.push(timed(event, notBefore))
    if (isHandling) return
    isHandling = true
    try {
      for (let next = queue.shift(); next !== undefined; next = queue.shift()) handle(next)
    } finally {
      isHandling = false
    }
    connections.onIdle(state, shown)
  }

  return {
    dispatch,
    connect(next) {
      connections = next
    },
    state: () => state,
    shown: () => shown,
    changed,
    onChange(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    waitUntil: condition =>
      new Promise(resolve => {
        const check = () => {
          if (!condition(shown)) return
          listeners.delete(check)
          resolve()
        }
        listeners.add(check)
        check()
      }),
    removeListeners: () => listeners.clear(),
  }
}
