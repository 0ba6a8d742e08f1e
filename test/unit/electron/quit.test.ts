import { describe, expect, it } from 'vitest'
import { createPopover } from '../../../main/popover.ts'
import { connectQuit } from '../../../main/quit.ts'
import { fakeClock } from '../../fakes/clock.ts'
import { fakeElectron } from '../../fakes/electron.ts'

function start(quit: () => Promise<void> = async () => {}) {
  const fake = fakeElectron()
  const clock = fakeClock()
  const seen = { quits: 0, told: [] as string[], cleared: 0, logged: [] as string[] }
  const { electron, sessions } = fake
  const popover = createPopover({
    electron,
    session: Object(sessions.get('zotbar')),
    preload: '/p.cjs',
    packaged: true,
    log: () => {},
    platform: 'darwin',
    clock,
    isAsked: () => false,
  })
  connectQuit({
    electron,
    clock,
    core: {
      quit() {
        seen.quits += 1
        return quit()
      },
      prepareSessionEnd() {
        seen.told.push('prepared')
        return { notify: () => void seen.told.push('told'), close: () => void seen.told.push('forgotten') }
      },
    },
    closeWindows: () => popover.destroy(),
    clearSecrets: () => {
      seen.cleared += 1
    },
    log: message => void seen.logged.push(message),
  })
  return {
    ...fake,
    clock,
    seen,
    openPopover() {
      popover.toggle({ x: 700, y: 0, width: 24, height: 24 })
      fake.windows.at(-1)!.emit('ready-to-show')
    },
  }
}
const settled = () => new Promise(resolve => setImmediate(resolve))

describe('quitting', () => {
  it('waits for the core, happens once, and takes secrets off the clipboard', async () => {
    const ended = Promise.withResolvers<void>()
    const { app, done, seen } = start(() => ended.promise)
    app.quit()
    app.quit()
    await settled()
    expect([seen.quits, done.exits]).toEqual([1, []])
    ended.resolve()
    await settled()
    expect(done.exits).toEqual([0])
    expect(seen.cleared).toBeGreaterThan(0)
  })

  it('ends with 0 where the core could not be ended, so that launchd does not start the app again', async () => {
    const { app, done, seen } = start(() => Promise.reject(new Error('no')))
    app.quit()
    await settled()
    expect([done.exits, seen.logged]).toEqual([[0], ['Quitting failed']])
  })

  it('closes the popover, which only hides when it is asked to close', async () => {
    const { app, done, windows, openPopover } = start()
    openPopover()
    app.quit()
    await settled()
    expect([windows[0]!.destroyed, done.exits]).toEqual([true, [0]])
  })

  it('is not what closing the last window means', () => {
    const { app, seen, electron, done } = start()
    new electron.BrowserWindow({ width: 960, height: 640 }).close()
    expect(app.listenerCount('window-all-closed')).toBe(1)
    expect([seen.quits, done.exits]).toEqual([0, []])
  })
})

describe('the end of the session of the user', () => {
  it('is not held up by an open popover: windows go first, the core is told, the app ends in the same turn', () => {
    const { app, power, done, seen, windows, openPopover } = start()
    openPopover()
    power.emit('shutdown')
    expect(windows[0]!.destroyed).toBe(true)
    // Somebody clicks on the icon while other apps are asked.
    openPopover()
    app.quit()
    expect(done.exits).toEqual([0])
    expect([seen.told, seen.quits]).toEqual([['prepared', 'told'], 0])
  })

  it('is not held up by a popover that was closed a moment ago', async () => {
    const { app, power, done, clock, windows, openPopover } = start()
    openPopover()
    windows[0]!.close()
    await clock.advance(5_000)
    expect(windows[0]!.destroyed).toBe(false)
    power.emit('shutdown')
    app.quit()
    expect(done.exits).toEqual([0])
  })

  it('is forgotten a minute after another program cancelled it: Quit is Quit again', async () => {
    const { app, power, done, clock, seen } = start()
    power.emit('shutdown')
    power.emit('shutdown')
    await clock.advance(61_000)
    expect(seen.told).toEqual(['prepared', 'forgotten'])
    app.quit()
    expect(done.exits).toEqual([])
    await settled()
    expect([seen.quits, done.exits]).toEqual([1, [0]])
  })
})
