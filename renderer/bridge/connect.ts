import type { ZotbarBridge } from '../../contract/contract.ts'
import type { Connection } from './connection.ts'
import { dashboardConnection } from './dashboard.ts'

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
