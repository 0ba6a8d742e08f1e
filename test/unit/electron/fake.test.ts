import { describe, expect, it } from 'vitest'
import { FakeContents, fakeElectron } from '../../fakes/electron.ts'

const box = { message: 'Go on?', buttons: ['OK'] }
const image = Object({ file: 'a.png' })

describe('the stand-in for Electron refuses what Electron refuses', () => {
  it('before it is ready: windows, icons, notifications, dialogs, sessions; and after it, what belongs before', async () => {
    const { electron, becomeReady } = fakeElectron({ ready: false })
    const attempts = [
      () => new electron.BrowserWindow({ width: 1, height: 1 }),
      () => new electron.Tray(image),
      () => new electron.Notification({ title: '', body: '' }),
      () => electron.session.fromPartition('zotbar'),
      () => electron.screen.getCursorScreenPoint(),
    ]
    for (const attempt of attempts) expect(attempt).toThrow(/before|when app is ready/)
    await expect(electron.dialog.showMessageBox(box)).rejects.toThrow('after app is ready')
    becomeReady()
    for (const attempt of attempts) expect(attempt).not.toThrow()
    expect(() => electron.app.enableSandbox()).toThrow('before app is ready')
    expect(() => electron.protocol.registerSchemesAsPrivileged([])).toThrow('before app is ready')
  })

  it('a message box without a window on macOS, where it stops the process', async () => {
    await expect(fakeElectron().electron.dialog.showMessageBox(box)).rejects.toThrow('stops the process')
    const { electron } = fakeElectron({ platform: 'linux' })
    expect(await electron.dialog.showMessageBox(box)).toMatchObject({ response: 0 })
    expect(() => new electron.Tray(image).popUpContextMenu()).toThrow('not a function')
  })

  it('the methods of what was destroyed', async () => {
    const { electron } = fakeElectron()
    const window = new electron.BrowserWindow({ width: 1, height: 1 })
    const { webContents } = window
    const tray = new electron.Tray(image)
    window.destroy()
    tray.destroy()
    for (const attempt of [
      () => window.show(),
      () => window.isVisible(),
      () => webContents.send('a'),
      () => tray.setToolTip('a'),
    ])
      expect(attempt).toThrow('Object has been destroyed')
    expect([window.isDestroyed(), tray.isDestroyed()]).toEqual([true, true])
    await expect(electron.dialog.showMessageBox(window, box)).rejects.toThrow('destroyed')
  })

  it('values that cannot be cloned, a second handler for a channel, and a scheme that is served twice', async () => {
    const { ipcMain, invoke, electron } = fakeElectron()
    ipcMain.handle('a', async () => () => {})
    await expect(invoke(new FakeContents(), 'a')).rejects.toThrow('could not be cloned')
    expect(() => ipcMain.handle('a', async () => null)).toThrow('second handler')
    expect(() => new FakeContents().send('a', () => {})).toThrow('could not be cloned')
    const { protocol } = electron.session.fromPartition('zotbar')
    const serve = () => new Response()
    protocol.handle('app', serve)
    expect(() => protocol.handle('app', serve)).toThrow('Failed to register')
  })

  it('to end where a window prevents its close; it ends with its last window otherwise', () => {
    const { electron, done, app } = fakeElectron()
    const window = new electron.BrowserWindow({ width: 1, height: 1 })
    let isHeld = true
    window.on('close', event => {
      if (isHeld) event.preventDefault()
    })
    app.quit()
    expect([done.exits, window.isDestroyed()]).toEqual([[], false])
    isHeld = false
    app.quit()
    expect([done.exits, window.isDestroyed()]).toEqual([[0], true])
  })
})
