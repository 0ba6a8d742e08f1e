import type { ElectronApi } from './electron-api.ts'

interface Deps {
  electron: Pick<ElectronApi, 'app' | 'powerMonitor'>
  /** Resolves when the core has released everything. */
  quitCore(): Promise<void>
  closeWindows(): void
  clearSecrets(): void
  log(message: string, error?: unknown): void
}

/** Lets the core end before Electron, whatever asks the app to quit. */
export function connectQuit({ electron, quitCore, closeWindows, clearSecrets, log }: Deps): void {
  const { app, powerMonitor } = electron
  let quitting: Promise<void> | undefined
  let sessionEnds = false

  function quit(): void {
    clearSecrets()
    quitting ??= quitCore().then(
      () => app.exit(0),
      error => {
        log('Quitting failed', error)
        app.exit(1)
      },
    )
  }

  app.on('before-quit', event => {
    // Holding up the end of the user's session would cancel the logout; the registry is asked to stop in any case.
    if (sessionEnds) return quit()
    event.preventDefault()
    if (quitting) return
    closeWindows()
    quit()
  })
  powerMonitor.on('shutdown', () => {
    sessionEnds = true
  })
  // Without a listener Electron quits with its last window; this app lives in the menu bar.
  app.on('window-all-closed', () => {})
}
