import type { ZotbarBridge } from '../../contract/contract.ts'
import type { Failure } from '../../contract/failure.ts'

/** Whether the app answers this page. `since` is ms since the epoch. */
export type Link =
  | { kind: 'connecting' }
  | { kind: 'live' }
  /** `error`: why, where the page is told; `isStarting`: the menu-bar app is starting it. */
  | { kind: 'lost'; since: number; error?: Failure; isStarting?: boolean }
  | { kind: 'signed-out'; reason: 'no-session' | 'refused' | 'ended' }

/** The page's way to the app: the commands and events, and whether they get through. */
export interface Connection {
  shell: 'electron' | 'dashboard'
  bridge: ZotbarBridge
  /** Calls back at once and at every change. */
  watch(listener: (link: Link) => void): void
  /** Has the menu-bar app start Zotbar's core; absent in a browser. */
  startCore?(): void
}
