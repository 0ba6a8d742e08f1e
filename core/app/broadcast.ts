import type { Events } from '../../contract/contract.ts'
import type { Host } from '../../contract/host.ts'
import type { Snapshot } from '../../contract/snapshot.ts'
import { createEmitter } from '../../lib/emitter.ts'

export interface Broadcast {
  /** Several changes in one turn of the event loop make one snapshot. */
  changed(): void
  log(lines: string[]): void
  on: Host['on']
}

interface Options {
  snapshot(): Snapshot
  /** Whether somebody looks at what the app shows. */
  watched(isWatched: boolean): void
}

/** Hands snapshots and new lines of the log to every client that listens. */
export function createBroadcast({ snapshot, watched }: Options): Broadcast {
  const events = createEmitter<Events>()
  let planned = false
  let viewers = 0

  function addViewers(change: 1 | -1): void {
    viewers += change
    watched(viewers > 0)
  }

  return {
    changed() {
      if (planned) return
      planned = true
      setImmediate(() => {
        planned = false
        if (events.has('snapshot')) events.emit('snapshot', snapshot())
      })
    },
    log: lines => events.emit('log', { lines }),
    on(event, listener, { looking } = { looking: event === 'snapshot' }) {
      const unsubscribe = events.on(event, listener)
      let subscribed = true
      if (looking) addViewers(1)
      return () => {
        if (!subscribed) return
        subscribed = false
        unsubscribe()
        if (looking) addViewers(-1)
      }
    },
  }
}
