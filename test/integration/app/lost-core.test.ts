import { afterEach, describe, expect, it } from 'vitest'
import { type AppRig, createAppRig } from './app-rig.ts'

let rig: AppRig
afterEach(() => rig.end())

describe('a core that hangs', () => {
  it('is named with what helps, and the registry is taken over then', async () => {
    rig = await createAppRig()
    const core = await rig.serving()
    const { pid } = (await rig.status()).registry
    core.kill('SIGSTOP')
    const [status, quit, json] = await Promise.all([
      rig.zotbar('status'),
      rig.zotbar('quit'),
      rig.zotbar('status', '--json'),
    ])
    for (const said of [status, quit]) {
      expect([said.code, said.stdout]).toEqual([1, ''])
      expect(said.stderr).toContain(`kill -9 ${core.pid} ends it, then zotbar start`)
    }
    expect(JSON.parse(json.stdout)).toMatchObject({ error: { code: 'app-not-answering', pid: core.pid } })
    core.kill('SIGKILL')
    await core.exited
    await rig.serving()
    expect((await rig.status()).registry).toMatchObject({ pid })
  })
})
