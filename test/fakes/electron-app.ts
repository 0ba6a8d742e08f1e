import { EventEmitter } from 'node:events'
import { existsSync } from 'node:fs'
import type { App } from 'electron'
import { anEvent, type FakeWindow, type OnlyNamesOf } from './electron-window.ts'

interface Options {
  windows: readonly FakeWindow[]
  platform: NodeJS.Platform
  isReady(): boolean
  /** The process of the app ends with this code. */
  ended(code: number): void
}

/** Electron's `app` with the rules by which it ends (shell/browser/browser.cc; the same on every platform). */
export function fakeApp({ windows, platform, isReady, ended }: Options) {
  let isQuitting = false
  let isExiting = false
  let hasEnded = false
  const seen = { switches: [] as string[], focused: 0, paths: {} as Record<string, string> }
  const openWindows = () => windows.filter(window => !window.destroyed)

  function shutDown(code: number): void {
    if (hasEnded) return
    hasEnded = true
    app.emit('quit', {}, code)
    ended(code)
  }
  /** Browser::NotifyAndShutdown: `will-quit` may keep the app from ending. */
  function notifyAndShutDown(): void {
    const event = anEvent()
    app.emit('will-quit', event)
    if (event.prevented) isQuitting = false
    else shutDown(0)
  }

  const app = Object.assign(new EventEmitter(), {
    isPackaged: false,
    focus({ steal }: { steal?: boolean } = {}) {
      // docs/api/app.md: `steal` is macOS.
      if (steal && platform !== 'darwin') throw new Error('app.focus: steal is for macOS')
      seen.focused += 1
    },
    enableSandbox() {
      // shell/browser/api/electron_api_app.cc: "app.enableSandbox() can only be called before app is ready".
      if (isReady()) throw new Error('app.enableSandbox() can only be called before app is ready')
      seen.switches.push('sandbox')
    },
    commandLine: { appendSwitch: (...parts: string[]) => seen.switches.push(parts.join('=')) },
    setPath(name: string, path: string) {
      // docs/api/app.md: a folder that does not exist is an error.
      if (!existsSync(path)) throw new Error(`Failed to set path: ${path} does not exist`)
      seen.paths[name] = path
    },
    setName: () => {},
    getAppPath: () => process.cwd(),
    requestSingleInstanceLock: () => true,
    releaseSingleInstanceLock: () => {},
    whenReady: async () => {},
    /** Browser::Quit: `before-quit` may prevent it; then every window is asked to close, and one that does not cancels. */
    quit() {
      if (isQuitting || isExiting) return
      const event = anEvent()
      app.emit('before-quit', event)
      if (event.prevented) return
      isQuitting = true
      const open = openWindows()
      if (open.length === 0) return notifyAndShutDown()
      for (const window of open) if (!window.destroyed) window.close()
      // OnWindowCloseCancelled.
      if (openWindows().length > 0) isQuitting = false
    },
    /** Browser::Exit: asks nobody, and destroys what is open. */
    exit(code = 0) {
      isExiting = true
      for (const window of openWindows()) window.destroy()
      shutDown(code)
    },
  })
  const names: OnlyNamesOf<App, typeof app, never> = true
  void names
  return {
    app,
    seen,
    /** OnWindowAllClosed; without a listener the app quits (lib/browser/init.ts). */
    windowClosed(): void {
      if (isExiting || hasEnded || openWindows().length > 0) return
      if (isQuitting) notifyAndShutDown()
      else if (app.listenerCount('window-all-closed') === 0) app.quit()
      else app.emit('window-all-closed')
    },
  }
}
