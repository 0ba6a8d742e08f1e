import { afterEach, describe, expect, it } from 'vitest'
import { type AppRig, createAppRig } from './app-rig.ts'

let rig: AppRig
afterEach(() => rig.end())

const listening = (address: string, more: object = { auth: { apikey: true } }) => ({
  ...rig.standard,
  http: { address, port: String(rig.port), ...more },
})

describe('an http.address that says where to listen, not where to go', () => {
  it('is served, asked, shown and stopped at an address that works from here', async () => {
    rig = await createAppRig()
    rig.configure(listening(''))
    const app = await rig.serving()
    for (const [address, url] of [
      ['', `http://127.0.0.1:${rig.port}`],
      ['[::]', `http://127.0.0.1:${rig.port}`],
      ['[::1]', `http://[::1]:${rig.port}`],
    ] as const) {
      if (address !== '') {
        rig.configure(listening(address))
        expect((await rig.zotbar('restart')).code).toBe(0)
      }
      const { state, registry } = await rig.status()
      expect({ address, state, url: registry.url }).toEqual({ address, state: 'serving', url })
      expect((await fetch(`${registry.url}/readyz`)).status).toBe(200)
    }
    expect((await rig.zotbar('stop')).code).toBe(0)
    app.kill('SIGTERM')
    expect([await app.exited, app.stderr()]).toEqual([0, ''])
  })

  it.each([
    ['open to all without a way to sign in', '[::]', {}, 'undecided', 'Nobody is asked'],
    [
      'of no card of this machine',
      'fd00:dead::1',
      { auth: { apikey: true } },
      'backing-off',
      'Waits for its network address',
    ],
  ] as const)('%s is told, and the app goes on', async (_, address, http, state, headline) => {
    rig = await createAppRig()
    rig.configure(listening(address, http))
    const app = rig.start()
    expect((await app.reach(state)).headline).toContain(headline)
    expect((await rig.zotbar('status', '--json')).code).toBe(4)
    expect((await rig.zotbar('stop', '--json')).code).toBe(0)
    app.kill('SIGTERM')
    expect([await app.exited, app.stderr()]).toEqual([0, ''])
  })
})
