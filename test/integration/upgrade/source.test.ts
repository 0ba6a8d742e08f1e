import { cpSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { type Sshd, startSshd } from '../../fakes/sshd.ts'
import { describeWith } from '../../setup/need.ts'
import { createUpgradeRig, type UpgradeRig } from './upgrade-rig.ts'

let rig: UpgradeRig
let sshd: Sshd
beforeEach(async () => {
  rig = await createUpgradeRig()
  sshd = await startSshd()
})
afterEach(async () => {
  await rig.end()
  await sshd.stop()
})

describeWith(['sshd'], 'an upgrade to what a recipe builds', () => {
  it('fails with the last lines of the build, refuses another host key, and else upgrades over SSH and here', async () => {
    const app = await rig.running()
    const check = await rig.pushed()
    await rig.set('build.folder', join(rig.folder, 'source'))
    await rig.set('build.output', 'bin/zot')
    const from = ['--from', 'source', '--to', 'v2.1.15', '--yes']

    await rig.set('build.recipe', 'echo compiling {version}\necho "cannot compile" >&2; exit 3')
    const failed = await rig.upgrade(...from)
    expect(failed.code).toBe(1)
    expect(failed.last.result).not.toBe('done')
    expect(failed.last.error).toMatchObject({ code: 'build-failed' })
    expect(JSON.stringify(failed.last.error)).toContain('cannot compile')
    expect(failed.lines.map(({ label }) => label)).toContain('compiling v2.1.15')

    const program = rig.program('good', 'v2.1.15')
    await rig.set('build.recipe', JSON.stringify(['mkdir -p bin', `cp '${program}' bin/zot`]))
    await rig.set('build.host', sshd.target)
    const unknown = await rig.upgrade(...from)
    expect(unknown.last.error).toMatchObject({ code: 'host-key-unknown' })
    expect(JSON.stringify(unknown.last.error)).toContain(sshd.fingerprint)
    expect(await rig.version()).toBe('v2.1.13')

    cpSync(join(sshd.home, '.ssh'), join(rig.folder, '.ssh'), { recursive: true })
    const built = await rig.upgrade(...from)
    expect(built.last, app.stderr()).toMatchObject({ result: 'done' })
    expect(await rig.version()).toBe('v2.1.15')
    await check()

    const newer = rig.program('good', 'v2.1.16')
    await rig.set('build.recipe', `mkdir -p bin\ncp '${newer}' bin/zot`)
    await rig.set('build.host', '')
    const here = await rig.upgrade('--from', 'source', '--to', 'v2.1.16', '--yes')
    expect(here.last, app.stderr()).toMatchObject({ result: 'done' })
    expect(await rig.version()).toBe('v2.1.16')
    await check()
  }, 300_000)
})
