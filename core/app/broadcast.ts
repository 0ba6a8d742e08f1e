import type { EventName, Events } from '../../contract/contract.ts'
import type { Host } from '../../contract/host.ts'
import type { Snapshot } from '../../contract/snapshot.ts'

export interface Broadcast {
  /** Several changes in one turn of the event loop make one snapshot. */
  changed(): void
  log(lines: string[]): void
  on: Host['on']
}

interface Options {
  snapshot(): Snapshot
  /** Whether somebody looks at what the app shows. */
  watched(looking: boolean): void
}

/** Everybody who hears of changes and of new lines of the log. */
export function createBroadcast({ snapshot, watched }: Options): Broadcast {
  const listeners: { [E in EventName]: Set<(value: Events[E]) => void> } = {
    snapshot: new Set(),
    log: new Set(),
  }
  let planned = false
  let lookers = 0

  function looked(change: 1 | -1): void {
    lookers += change
    watched(lookers > 0)
  }

  return {
    changed() {
      if (planned) return
      planned = true
      setImmediate(() => {
        planned = false
        if (listeners.snapshot.size === 0) return
        const now = snapshot()
        for (const listener of listeners.snapshot) listener(now)
      })
    },
    log(lines) {
      for (const listener of listeners.log) listener({ lines })
    },
    on(event, listener, { looking } = { looking: event === 'snapshot' }) {
      const all: Set<typeof listener> = listeners[event]
      all.add(listener)
      if (looking) looked(1)
      return () => {
        if (all.delete(listener) && looking) looked(-1)
      }
    },
  }
}
