import type { ZotbarBridge } from '../../contract/contract.ts'
import { dashboardConnection } from './dashboard.ts'

/** Whether the app answers this page. `since` is ms since the epoch. */
export type Link =
  | { kind: 'connecting' }
  | { kind: 'live' }
  | { kind: 'lost'; since: number }
  | { kind: 'signed-out'; why: 'no-session' | 'refused' | 'ended' }

/** The page's way to the app: the commands and events, and whether they get through. */
export interface Connection {
  shell: 'electron' | 'dashboard'
  bridge: ZotbarBridge
  /** Calls back at once and at every change. */
  watch(listener: (link: Link) => void): void
}

declare global {
  interface Window {
    /** Exposed by the preload in Electron; absent in a browser. */
    zotbar?: ZotbarBridge
  }
}

/** Electron's bridge where there is one, otherwise the dashboard's over HTTP. */
export function connect(): Connection {
  const bridge = window.zotbar
  if (!bridge) return dashboardConnection()
  return { shell: 'electron', bridge, watch: listener => listener({ kind: 'live' }) }
}
