import { cpSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, expect, it } from 'vitest'
import { eventually } from '../../fakes/eventually.ts'
import { client } from '../../fakes/identity-provider.ts'
import { LyingProvider } from '../../fakes/lying-provider.ts'
import { pushImage } from './client.ts'
import { as, basic, writeHtpasswd } from './people.ts'
import { startRegistry, temporaryFolder } from './registry-process.ts'

const built = fileURLToPath(new URL('../../../dist/registry', import.meta.url))
const folder = temporaryFolder()
afterAll(() => folder.dispose())

it('serves everything also when an update has taken its program away under it', async () => {
  const program = join(folder.path, 'program')
  cpSync(built, program, { recursive: true })
  const root = join(folder.path, 'root')
  const idp = await LyingProvider.start()
  const { id: clientid, secret: clientsecret } = client
  const oidc = { issuer: idp.issuer, clientid, clientsecret, scopes: ['openid', 'email'] }
  const auth = {
    htpasswd: { path: writeHtpasswd(root, 'root') },
    apikey: true,
    openid: { providers: { oidc } },
  }
  const config = {
    http: { address: '127.0.0.1', port: '0', auth },
    extensions: { metrics: { enable: true, prometheus: { path: '/metrics' } } },
  }
  const registry = await startRegistry(root, config, join(program, 'zotbar-registry.mjs'))
  try {
    rmSync(program, { recursive: true })
    const admin = as(registry, basic('root'))
    // A password, a key, pulls that are counted, figures, and the way to an identity provider.
    expect((await admin.ask('/v2/')).status).toBe(200)
    const body = JSON.stringify({ label: 'ci', scopes: [] })
    const made = await admin.ask('/zot/auth/apikey', { method: 'POST', body })
    expect([made.status, made.body.toString()]).toEqual([201, expect.stringContaining('apiKey')])
    await pushImage(admin, 'app', 'v1', 'one')
    expect((await admin.ask('/v2/app/manifests/v1')).status).toBe(200)
    expect((await admin.ask('/metrics')).status).toBe(200)
    const away = await eventually(async () => {
      const begun = await registry.ask('/zot/auth/login?provider=oidc&callback_ui=/user/apikey')
      return begun.status === 302 ? begun.headers.location : undefined
    })
    expect(away).toContain(idp.issuer)
  } finally {
    const { code } = await registry.stop()
    await idp.stop()
    expect(code).toBe(0)
  }
})
