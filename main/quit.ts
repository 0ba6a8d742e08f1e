import type { Clock } from '../lib/clock.ts'
import type { ElectronApi } from './electron-api.ts'

interface Deps {
  electron: Pick<ElectronApi, 'app' | 'powerMonitor'>
  clock: Pick<Clock, 'now' | 'setTimer'>
  core: {
    /** Ends the core where the app keeps it; resolves when that is done. */
    quit(): Promise<void>
    /** The session of the user may end soon; returns what tells the core in the turn in which it does, and what forgets it. */
    prepareSessionEnd(): { notify(): void; close(): void }
  }
  closeWindows(): void
  clearSecrets(): void
  log(message: string, error?: unknown): void
}

/** A logout that another program cancelled is forgotten after this time, in ms. */
const sessionEndMs = 60_000

/**
 * Lets the core end before Electron where somebody quits, and lets the session of the user end at once: a logout is never
 * held up, and windows, which could hold it up too, are destroyed first.
 */
export function connectQuit({ electron, clock, core, closeWindows, clearSecrets, log }: Deps): void {
  const { app, powerMonitor } = electron
  let isQuitting = false
  let ending: { notify(): void; close(): void } | undefined

  async function quit(): Promise<void> {
    await core.quit().catch(error => log('Quitting failed', error))
    app.exit(0)
  }

  app.on('before-quit', event => {
    closeWindows()
    clearSecrets()
    // A prevented event would cancel the logout.
    if (ending !== undefined) return ending.notify()
    event.preventDefault()
    if (isQuitting) return
    isQuitting = true
    void quit()
  })
  powerMonitor.on('shutdown', () => {
    closeWindows()
    if (ending !== undefined) return
    const prepared = core.prepareSessionEnd()
    ending = prepared
    clock.setTimer(
      clock.now() + sessionEndMs,
      () => {
        ending = undefined
        prepared.close()
      },
      { unref: true },
    )
  })
  // Without a listener Electron quits with its last window; this app lives in the menu bar.
  app.on('window-all-closed', () => {})
}
