import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, expect, it } from 'vitest'
import { type AppRig, createAppRig } from './app-rig.ts'

let rig: AppRig
afterEach(() => rig.end())

it('why the registry does not run is told in one message, or in its own last words', async () => {
  rig = await createAppRig()
  const htpasswd = join(rig.folder, 'htpasswd')
  const http = { ...rig.standard.http, auth: { htpasswd: { path: htpasswd } } }
  rig.configure({ ...rig.standard, http })
  const app = rig.start()
  const missing = await app.reach('failed')
  expect(missing.headline).toBe('A file that config.json names cannot be read')
  expect(missing.reason).toContain(`http.auth.htpasswd.path names ${htpasswd}: it does not exist.`)
  expect((await rig.zotbar('restart')).stderr).toContain(htpasswd)

  writeFileSync(htpasswd, '')
  const noPem = join(rig.folder, 'no.pem')
  writeFileSync(noPem, 'x')
  rig.configure({ ...rig.standard, http: { ...http, tls: { cert: noPem, key: noPem } } })
  expect((await rig.zotbar('restart')).stderr).toContain(
    `http.tls.cert names ${noPem}: this is not a certificate in PEM.`,
  )

  rig.configure({ ...rig.standard, http: { ...http, address: '198.51.100.7' } })
  const lastWord = `failed to start: cannot listen on 198.51.100.7:${rig.port}: this machine has no such address.`
  const restarted = await rig.zotbar('restart')
  expect({ code: restarted.code, said: restarted.stderr }).toMatchObject({
    code: 1,
    said: expect.stringContaining(lastWord),
  })
  expect((await app.reach('backing-off')).reason).toContain(lastWord)
  expect((await rig.zotbar('status')).stdout).toMatch(
    /Last\s+Did not start .*this machine has no such address/,
  )

  rig.configure({ ...rig.standard, http })
  expect((await rig.zotbar('restart')).code).toBe(0)
  expect((await rig.status()).state).toBe('serving')
})
