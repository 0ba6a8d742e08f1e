import { cpSync, renameSync, rmSync, truncateSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { eventually } from '../../fakes/eventually.ts'
import { placeZot } from '../../fakes/zot/build-zot.ts'
import { pushImage } from '../registry/client.ts'
import { type AppRig, createAppRig, targetAt } from './app-rig.ts'

let rig: AppRig
afterEach(() => rig.end())

const figures = async () => (await rig.status()).storage
const counted = (repositories: number, tags: number) =>
  eventually(async () => {
    const now = await figures()
    return now?.repositories === repositories && now.tags === tags ? now : undefined
  }, 10_000)

describe('the figures, whatever config.json does to the log', () => {
  it.each([
    ['log.level error', { level: 'error' }],
    ['log.output /dev/null', { level: 'info', output: '/dev/null' }],
  ])('follow pushes and deletes with %s', async (_, log) => {
    rig = await createAppRig()
    rig.configure({ ...rig.standard, log })
    await rig.serving()
    await counted(0, 0)
    const to = targetAt(rig.url)
    for (const name of ['a', 'b/deep/er', 'c']) await pushImage(to, name, '1', `layer of ${name}`)
    await counted(3, 3)
    // The list of the last pushes and the test pull come without a line as well.
    await eventually(async () => (await rig.zotbar('status')).stdout.includes('c:1'), 10_000)
    await eventually(async () => (await rig.status()).reason?.includes('test pull matched'), 10_000)
    const before = (await figures())?.bytes
    await to.ask('/v2/c/manifests/1', { method: 'DELETE' })
    await counted(3, 2)
    expect((await figures())?.bytes).toBeLessThan(before ?? 0)
  })

  it('follow pushes when the log was renamed away, or cut short', async () => {
    rig = await createAppRig()
    const output = join(rig.folder, 'zot.log')
    rig.configure({ ...rig.standard, log: { level: 'info', output } })
    await rig.serving()
    const to = targetAt(rig.url)
    await pushImage(to, 'a', '1', 'one')
    await counted(1, 1)
    truncateSync(output)
    await pushImage(to, 'b', '1', 'two')
    await counted(2, 2)
    renameSync(output, `${output}.1`)
    await pushImage(to, 'c', '1', 'three')
    await counted(3, 3)
  })

  it('of zot are right after a restart, with what was pushed, restored by hand and taken away', async () => {
    rig = await createAppRig()
    rig.configure({ ...rig.standard, log: { level: 'error' } })
    await rig.serving()
    placeZot(join(rig.home, 'engines', 'zot', 'v2.1.15'), 'good', 'v2.1.15')
    await rig.zotbar('settings', 'set', 'gate.stableSeconds', '0')
    expect((await rig.zotbar('engine', 'use', 'zot', '--yes')).code).toBe(0)
    const to = targetAt(rig.url)
    for (const name of ['a', 'b']) await pushImage(to, name, '1', `layer of ${name}`)
    expect((await rig.zotbar('restart')).code).toBe(0)
    await counted(2, 2)
    cpSync(join(rig.data, 'a'), join(rig.data, 'restored', 'a'), { recursive: true })
    rmSync(join(rig.data, 'b'), { recursive: true })
    await pushImage(to, 'a', '2', 'another')
    expect((await rig.zotbar('restart')).code).toBe(0)
    await counted(2, 3)
  })
})
