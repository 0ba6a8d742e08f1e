import type { ZotbarBridge } from '../../contract/contract.ts'

/** Whether the app answers this page. `since` is ms since the epoch. */
export type Link =
  | { kind: 'connecting' }
  | { kind: 'live' }
  | { kind: 'lost'; since: number }
  | { kind: 'signed-out'; reason: 'no-session' | 'refused' | 'ended' }

/** The page's way to the app: the commands and events, and whether they get through. */
export interface Connection {
  shell: 'electron' | 'dashboard'
  bridge: ZotbarBridge
  /** Calls back at once and at every change. */
  watch(listener: (link: Link) => void): void
}
