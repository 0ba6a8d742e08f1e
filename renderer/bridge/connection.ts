import type { ZotbarBridge } from '../../contract/contract.ts'
import type { Failure } from '../../contract/failure.ts'
import type { SignedOutReason } from './session.ts'

/** Whether the core answers this page. `since` is ms since the epoch. */
export type Link =
  | { kind: 'connecting' }
  | { kind: 'live' }
  /** `error`: why, where the page is told; `isStarting`: the menu-bar app is starting it. */
  | { kind: 'lost'; since: number; error?: Failure; isStarting?: boolean }
  | { kind: 'signed-out'; reason: SignedOutReason }

/** The page's way to the core: the commands and events, and whether they get through. */
export interface Connection {
  shell: 'electron' | 'dashboard'
  bridge: ZotbarBridge
  /** Calls back at once and at every change. */
  watch(listener: (link: Link) => void): void
  /** Has the menu-bar app start Zotbar's core; absent in a browser. */
  startCore?(): void
  /** The session of the dashboard; absent in Electron, whose pages may do everything. */
  session?: {
    /** Until when it may do everything, ms since the epoch; afterwards it looks. */
    fullUntil(): number
    /** Calls back when that may be another time. */
    watch(listener: () => void): void
    /** Ends it, in all tabs of this browser. */
    signOut(): void
  }
}
