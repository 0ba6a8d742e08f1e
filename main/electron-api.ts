import type * as electron from 'electron'

/**
 * The parts of Electron that the shell uses, handed in by the entry: so the shell runs in tests against a
 * small stand-in, and everything it can reach is in this list. Raw IPC is not: it has its own file.
 */
export type ElectronApi = Pick<
  typeof electron,
  | 'app'
  | 'BrowserWindow'
  | 'clipboard'
  | 'dialog'
  | 'Menu'
  | 'nativeImage'
  | 'Notification'
  | 'powerMonitor'
  | 'protocol'
  | 'screen'
  | 'session'
  | 'shell'
  | 'Tray'
>
