import type { ZotbarBridge } from './contract.ts'
import type { Failure } from './failure.ts'

/** Whether the menu-bar app has a core that answers. `since` is ms since the epoch. */
export type CoreLink =
  | { kind: 'connecting' }
  | { kind: 'live' }
  /** `isStarting`: the app is starting one. */
  | { kind: 'lost'; since: number; error: Failure; isStarting: boolean }

/** What a page of the menu-bar app gets: the contract, and what its app knows of the core. */
export interface AppBridge extends ZotbarBridge {
  /** Calls back with the link as it is, and at every change; returns the end of the subscription. */
  onLink(listener: (link: CoreLink) => void): () => void
  /** Has the app look for a core again, and start one where there is none. */
  startCore(): void
}
