import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Status } from '../../../contract/messages/status.ts'
import { IdentityProvider } from '../../fakes/identity-provider.ts'
import { freePort } from '../../setup/free-port.ts'
import { type AppProcess, type AppRig, createAppRig } from '../app/app-rig.ts'

const zot = process.env['ZOTBAR_TEST_ZOT_NEW'] ?? ''

let rig: AppRig
let app: AppProcess
let provider: IdentityProvider
beforeAll(async () => {
  if (zot === '') return
  rig = await createAppRig()
  provider = await IdentityProvider.start()
  mkdirSync(rig.home, { recursive: true, mode: 0o700 })
  mkdirSync(rig.data, { recursive: true, mode: 0o700 })
  const settings = { engine: 'zot', 'engine.path': zot, 'releases.check': false }
  writeFileSync(join(rig.home, 'settings.json'), JSON.stringify(settings), { mode: 0o600 })
}, 60_000)
afterAll(async () => {
  await rig?.end()
  await provider?.stop()
})

const signingInAt = (issuer: string) => ({
  auth: {
    openid: {
      providers: { oidc: { clientid: 'zotbar', clientsecret: 'hush', issuer, scopes: ['openid'] } },
    },
  },
})

/** What a real zot says of its end, found in all that it prints. */
describe.skipIf(zot === '')(
  'why a real zot does not run (needs ZOTBAR_TEST_ZOT_NEW)',
  { timeout: 90_000 },
  () => {
    /** Starts with this config, and answers the first status of this state. */
    async function ends(state: Status['state'], http: object, log: object = {}): Promise<Status> {
      rig.configure({ ...rig.standard, http: { ...rig.standard.http, ...http }, log })
      const from = app?.lines.length ?? 0
      if (app === undefined) app = rig.start()
      else await rig.zotbar('restart')
      const found = await app.reach(state, from)
      if (found.state !== 'failed') expect((await rig.zotbar('stop')).code).toBe(0)
      return found
    }

    it('names the identity provider that nobody reaches, wherever its log goes', async () => {
      const issuer = `http://127.0.0.1:${await freePort()}`
      for (const log of [{}, { output: join(rig.folder, 'zot.log') }]) {
        const found = await ends('backing-off', signingInAt(issuer), log)
        expect(found.headline).toBe('Waits for the identity provider')
        expect(found.reason).toMatch(
          /failed to initialize new relying party oidc: .*127\.0\.0\.1:\d+.*connection refused\./,
        )
        expect(found.reason).not.toMatch(/goroutine|main\.go|hush/)
      }
    })

    it('waits for an identity provider that comes late, and serves within 12 s of it', async () => {
      const from = app.lines.length
      rig.configure({ ...rig.standard, http: { ...rig.standard.http, ...signingInAt(provider.issuer) } })
      const started = await rig.zotbar('restart')
      expect(started.stderr).toContain('Waits for the identity provider: it is started again by itself')
      await app.reach('backing-off', from)
      provider.serve(rig.url)
      const cameAt = Date.now()
      await app.reach('serving', from)
      expect(Date.now() - cameAt).toBeLessThan(12_000)
      expect((await rig.zotbar('status')).stdout).toMatch(/Last\s+Did not start .*relying party oidc/)
      await rig.zotbar('stop')
    })

    it('names a file that is not there before a start, and what is wrong with one that is', async () => {
      const htpasswd = join(rig.folder, 'none', 'htpasswd')
      const missing = await ends('failed', { auth: { htpasswd: { path: htpasswd } } })
      expect(missing.reason).toContain(`http.auth.htpasswd.path names ${htpasswd}: it does not exist.`)
      const output = join(rig.folder, 'none', 'zot.log')
      expect((await ends('failed', {}, { output })).reason).toContain(
        `the folder ${join(rig.folder, 'none')}`,
      )
      const noPem = join(rig.folder, 'no.pem')
      writeFileSync(noPem, 'x')
      const { reason } = await ends('backing-off', { tls: { cert: noPem, key: noPem } })
      expect(reason).toContain('exit code 0: ')
      expect(reason).toContain('tls: failed to find any PEM data in certificate input.')
    })

    it('names an address that this machine has not yet', async () => {
      const found = await ends('backing-off', { address: '192.0.2.7' })
      expect(found.headline).toBe('Waits for its network address')
      expect(found.reason).toContain('listen tcp 192.0.2.7')
    })
  },
)
