import type { Events, ZotbarHandlers } from './contract.ts'
import type { Snapshot } from './snapshot.ts'

/** What every transport needs of the app: the handlers, the current snapshot, and the events. */
export interface Host {
  readonly handlers: ZotbarHandlers
  snapshot(): Snapshot
  /**
   * Calls back for every event from now on; returns what ends the subscription. Health is probed more often while
   * somebody listens for snapshots; a tray, which always listens, passes `looking: false`.
   */
  on<E extends keyof Events>(
    event: E,
    listener: (value: Events[E]) => void,
    options?: { looking: boolean },
  ): () => void
}
