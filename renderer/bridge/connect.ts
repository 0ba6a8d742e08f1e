import type { AppBridge } from '../../contract/core-link.ts'
import type { Connection } from './connection.ts'
import { dashboardConnection } from './dashboard.ts'

declare global {
  interface Window {
    /** Exposed by the preload in Electron; absent in a browser. */
    zotbar?: AppBridge
  }
}

/** Electron's bridge where there is one, otherwise the dashboard's over HTTP. */
export function connect(): Connection {
  const bridge = window.zotbar
  if (!bridge) return dashboardConnection()
  return {
    shell: 'electron',
    bridge,
    watch(listener) {
      listener({ kind: 'connecting' })
      bridge.onLink(listener)
    },
    startCore: bridge.startCore,
  }
}
