import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { homeFormat } from '../../../lib/home-format.ts'
import { readKeeper } from '../../../lib/keeper-file.ts'
import { filesIn } from '../../setup/earlier-home.ts'
import { type AppRig, createAppRig } from './app-rig.ts'

let rig: AppRig
let copyRig: AppRig | undefined
afterEach(async () => {
  await copyRig?.end()
  copyRig = undefined
  await rig.end()
})

const alive = (pid: number): boolean => {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

describe('a home', () => {
  it('that a newer Zotbar changed is refused with both numbers before anything in it is touched', async () => {
    rig = await createAppRig()
    const app = await rig.serving()
    app.kill('SIGTERM')
    expect(await app.exited).toBe(0)
    expect(JSON.parse(readFileSync(join(rig.home, 'home.json'), 'utf8'))).toMatchObject({
      format: homeFormat,
    })
    writeFileSync(join(rig.home, 'home.json'), '{"format":99}')
    const before = filesIn(rig.home)
    const refused = rig.start()
    expect(await refused.exited).toBe(1)
    expect(refused.error()).toEqual({
      code: 'home-newer',
      home: rig.home,
      format: 99,
      known: homeFormat,
    })
    expect(filesIn(rig.home)).toEqual(before)
  })

  it('that was copied while its core ran has a core of its own, which leaves the processes of the first alone', async () => {
    rig = await createAppRig()
    const first = await rig.serving()
    const registry = first.lines.at(-1)!.registry.pid!
    copyRig = await createAppRig()
    execFileSync('cp', ['-a', `${rig.home}/.`, copyRig.home])
    expect(readKeeper(rig.home)).toMatchObject({ pid: first.pid })
    expect(readKeeper(copyRig.home)).toBeUndefined()
    // The same config.json, as a copied home has it: the port belongs to the first registry.
    const copy = copyRig.start(['--config', rig.configFile])
    await copy.reach('foreign')
    const client = await copyRig.zotbar('status', '--json')
    expect(JSON.parse(client.stdout)).toMatchObject({ state: 'foreign' })
    expect((await rig.status()).state).toBe('serving')
    copy.kill('SIGTERM')
    expect(await copy.exited).toBe(0)
    expect(alive(registry)).toBe(true)
    expect((await rig.status()).registry.pid).toBe(registry)
    first.kill('SIGTERM')
    expect(await first.exited).toBe(0)
    expect(alive(registry)).toBe(false)
  })
})
