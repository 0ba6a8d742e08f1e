import type * as electron from 'electron'

/**
 * The part of Electron that the shell uses, passed by the entry: so tests run the shell against a small stand-in, and
 * the shell reaches nothing that is not in this list. Raw IPC has its own file.
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
  | 'systemPreferences'
  | 'Tray'
>
