import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, expect, it } from 'vitest'
import { eventually } from '../../fakes/eventually.ts'
import { writeHtpasswd } from '../registry/people.ts'
import { createUpgradeRig, type UpgradeRig } from '../upgrade/upgrade-rig.ts'
import { describeWithZots, realZots, zotVersionOf } from './real-zots.ts'

let rig: UpgradeRig
afterEach(() => rig.end())

const killed = async (): Promise<void> => {
  const { pid } = (await rig.status()).registry
  process.kill(pid ?? 0, 'SIGKILL')
  await eventually(async () => {
    const { state, registry } = await rig.status()
    return state === 'serving' && registry.pid !== pid
  })
}

describeWithZots('config.json with keys that only its zot knows', ['main'], () => {
  it('is served, and after a crash again', async () => {
    rig = await createUpgradeRig({ program: realZots.main })
    const htpasswd = { path: writeHtpasswd(rig.data, 'a') }
    const conditions = [{ expression: 'req.method == "GET"', message: 'read only' }]
    const policies = [{ users: ['a'], actions: ['read'], conditions }]
    rig.configure({
      ...rig.standard,
      storage: { ...rig.standard.storage, redirectBlobURL: false },
      http: {
        ...rig.standard.http,
        auth: { htpasswd },
        accessControl: { repositories: { '**': { policies, anonymousPolicy: ['read'] } } },
      },
    })
    await rig.running()
    expect(await rig.version()).toBe(zotVersionOf(realZots.main))
    await killed()
    expect((await rig.zotbar('restart')).code).toBe(0)
  })
})

describeWithZots('config files as zot reads them', ['next'], () => {
  it('are served: other types, one value for a list, keys in any case, and what this build of zot has not', async () => {
    rig = await createUpgradeRig({ program: realZots.next })
    rig.configure({
      Storage: { RootDirectory: rig.data, gc: 'true', dedupe: 'false' },
      HTTP: { Address: '127.0.0.1', port: rig.port },
      log: { level: 'info' },
      extensions: {
        search: { enable: 'true' },
        sync: {
          registries: [
            { urls: 'http://127.0.0.1:1', onDemand: 'true', content: { prefix: '**', destination: '/up' } },
          ],
        },
      },
    })
    await rig.running()
    await killed()
  })

  it('are served in YAML', async () => {
    rig = await createUpgradeRig({ program: realZots.next })
    const yaml = join(rig.folder, 'config.yaml')
    writeFileSync(
      yaml,
      `storage:\n  rootDirectory: ${rig.data}\nhttp:\n  address: 127.0.0.1\n  port: ${rig.port}\nlog:\n  level: info\n`,
    )
    await rig.running('serving', ['--config', yaml])
    await (await rig.pushed())()
    await killed()
  })

  it('are waited for while they are being written, and no version is to blame', async () => {
    rig = await createUpgradeRig({ program: realZots.next })
    const app = await rig.running()
    const text = readFileSync(rig.configFile, 'utf8')
    const seen = app.lines.length
    writeFileSync(rig.configFile, text.slice(0, 20))
    process.kill((await rig.status()).registry.pid ?? 0, 'SIGKILL')
    await app.reach('starting', seen)
    // As an editor on a slow disk: piece by piece.
    for (let length = 30; length < text.length; length += 30) {
      await new Promise(done => setTimeout(done, 500))
      writeFileSync(rig.configFile, text.slice(0, length))
    }
    writeFileSync(rig.configFile, text)
    await app.reach('serving', seen)
    expect(app.lines.map(({ state }) => state)).not.toContain('failed')
    expect(rig.bad()).toEqual({})
  })
})
