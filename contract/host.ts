import type { Events, ZotbarHandlers } from './contract.ts'
import type { Snapshot } from './snapshot.ts'

/** What every transport needs of the app: the handlers, the state of now, and what is pushed. */
export interface Host {
  readonly handlers: ZotbarHandlers
  snapshot(): Snapshot
  /**
   * Calls back for every event from now on; returns the end of the subscription. Somebody who listens for snapshots
   * is taken to look at them, and health is probed more often; a tray that is always there says `looking: false`.
   */
  on<E extends keyof Events>(
    event: E,
    listener: (value: Events[E]) => void,
    options?: { looking: boolean },
  ): () => void
}
