import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmdirSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { controlClient } from '../../../client/control-client.ts'
import type { Status } from '../../../contract/messages/status.ts'
import type { DataFolder } from '../../../contract/undecided.ts'
import { bindMount } from '../../fakes/bind-mount.ts'
import { eventually } from '../../fakes/eventually.ts'
import { pushImage } from '../registry/client.ts'
import { type AppProcess, type AppRig, createAppRig, targetAt } from './app-rig.ts'

let rig: AppRig
let unmount = (): void => {}
beforeEach(async () => {
  rig = await createAppRig()
})
afterEach(async () => {
  unmount()
  unmount = () => {}
  await rig.end()
})

const root = (folder: string) => ({ ...rig.standard, storage: { rootDirectory: folder } })
const lookAgain = async () => {
  const client = controlClient({ socketPath: join(rig.home, 'control.sock'), home: rig.home })
  await client.zotbar.registry.lookAgain({})
}
const answers = () =>
  fetch(`${rig.url}/v2/`).then(
    () => true,
    () => false,
  )
const ended = async (app: AppProcess) => {
  app.kill('SIGTERM')
  await app.exited
}

/** An app that serves from `folder` and has counted two repositories in it. */
async function counted(folder: string): Promise<AppProcess> {
  rig.configure(root(folder))
  const app = await rig.serving()
  for (const name of ['team/one', 'team/two']) await pushImage(targetAt(rig.url), name, '1', name)
  await eventually(async () => (await rig.status()).storage?.repositories === 2 || undefined, 15_000)
  return app
}

describe('a data folder that is not the one it was', () => {
  it('is served by nobody and never made anew, and serves by itself when the volume is back', async () => {
    const [point, away] = [join(rig.folder, 'mnt'), join(rig.folder, 'away')]
    mkdirSync(point)
    await ended(await counted(join(point, 'zot')))
    // The volume is not mounted: its parent stays, as an empty folder.
    renameSync(join(point, 'zot'), away)
    const app = rig.start()
    const line = await app.reach('undecided')
    expect(line.headline).toBe('The data folder is not the one it was')
    expect(line.reason).toMatch(/Before: 2 repositories, 2 tags.*\nNow: .* is not there\./)
    expect(line.reason).toContain('zotbar data show')
    expect(line.reason).not.toContain('zotbar data accept')
    expect(line.registry).not.toHaveProperty('pid')
    await lookAgain()
    expect([await answers(), readdirSync(point)]).toEqual([false, []])
    const { code, stdout } = await rig.zotbar('status', '--json')
    expect([code, JSON.parse(stdout)]).toMatchObject([4, { state: 'undecided' }])
    const restarted = await rig.zotbar('restart', '--json')
    expect([restarted.code, JSON.parse(restarted.stdout)]).toMatchObject([
      1,
      {
        error: {
          code: 'undecided',
          why: 'other-folder',
          commands: ['zotbar data show'],
        },
      },
    ])
    // Nothing is accepted that is not there: it would be made on the disk below the volume.
    const refused = await rig.zotbar('data', 'accept')
    expect(refused.code).toBe(1)
    expect(refused.stderr).toContain(`make the folder first: mkdir ${join(point, 'zot')}`)
    expect([await answers(), readdirSync(point)]).toEqual([false, []])
    renameSync(away, join(point, 'zot'))
    await lookAgain()
    await app.reach('serving')
    expect(app.lines.at(-1)).toMatchObject({ storage: { repositories: 2 } })
  })

  it('is not stopped for, shown side by side, and accepted on the command line', async () => {
    const [old, next] = [join(rig.folder, 'old'), join(rig.folder, 'next')]
    mkdirSync(old)
    mkdirSync(next)
    const app = await counted(old)
    rig.configure(root(next))
    const restarted = await rig.zotbar('restart', '--json')
    expect([restarted.code, JSON.parse(restarted.stdout)]).toMatchObject([
      1,
      { error: { code: 'undecided', folder: next } },
    ])
    // It goes on with the old one until then, and says so as long as it is open.
    const open = await rig.status()
    expect(open.state).toBe('serving')
    expect(open.reason).toContain(
      `config.json names another data folder by now, ${next}. ${old} is served until`,
    )
    rig.configure(root(old))
    await lookAgain()
    expect((await rig.status()).reason).not.toContain('config.json names')
    // A folder that could not be served from at all is refused in the same way.
    const file = join(rig.folder, 'file')
    writeFileSync(file, '')
    for (const folder of [file, join(file, 'zot')]) {
      rig.configure(root(folder))
      const impossible = await rig.zotbar('restart', '--json')
      expect([impossible.code, JSON.parse(impossible.stdout)]).toMatchObject([
        1,
        { error: { code: 'data-not-a-folder' } },
      ])
      expect((await rig.status()).state).toBe('serving')
    }
    rig.configure(root(next))
    await lookAgain()
    expect((await rig.status()).reason).toContain(next)
    expect(await (await fetch(`${rig.url}/v2/_catalog`)).json()).toEqual({
      repositories: ['team/one', 'team/two'],
    })
    // A process that is taken into care again still serves what config.json named before.
    await rig.zotbar('settings', 'set', 'keepServing', 'true')
    await ended(app)
    const adopting = await rig.serving()
    await rig.zotbar('settings', 'set', 'keepServing', 'false')
    await lookAgain()
    await lookAgain()
    expect((await rig.status()).state).toBe('serving')
    await ended(adopting)
    const second = rig.start()
    await second.reach('undecided')
    const shown = JSON.parse((await rig.zotbar('data', 'show', '--json')).stdout) as DataFolder
    expect(shown).toMatchObject({
      same: false,
      difference: 'path',
      was: { folder: old, repositories: 2, tags: 2, servedBy: { engine: 'zotbar-registry', ours: true } },
      found: { folder: next, holds: 'nothing', databases: [] },
    })
    expect((await rig.zotbar('data', 'show')).stdout).toMatch(/Folder +\S+old +\S+next/)
    expect(readdirSync(next)).toEqual([])
    // What cannot be written down is not accepted.
    const record = join(rig.home, 'folder.json')
    renameSync(record, `${record}.aside`)
    mkdirSync(record)
    const refused = await rig.zotbar('data', 'accept', '--json')
    expect([refused.code, JSON.parse(refused.stdout)]).toMatchObject([
      1,
      { error: { code: 'home-unusable', path: record } },
    ])
    expect((await rig.status()).state).toBe('undecided')
    rmdirSync(record)
    const accepted = await rig.zotbar('data', 'accept', '--json')
    expect([accepted.code, JSON.parse(accepted.stdout)]).toMatchObject([0, { state: 'serving' }])
    expect(await (await fetch(`${rig.url}/v2/_catalog`)).json()).toEqual({ repositories: [] })
    expect(existsSync(join(old, 'team', 'one', 'index.json'))).toBe(true)
    const again = await rig.zotbar('data', 'accept', '--json')
    expect([again.code, JSON.parse(again.stdout)]).toMatchObject([
      1,
      { error: { code: 'nothing-to-accept' } },
    ])
    // Back to the first, while the second serves: one command, and the registry is there.
    rig.configure(root(old))
    const back = await rig.zotbar('data', 'accept')
    expect([back.code, back.stdout]).toEqual([0, `Accepted. ${old} is the data folder from now on.\n`])
    expect(await (await fetch(`${rig.url}/v2/_catalog`)).json()).toEqual({
      repositories: ['team/one', 'team/two'],
    })
  })

  it('is lost when its volume goes while it serves, and serves again when that is back', async context => {
    const point = join(rig.folder, 'volume')
    const volume = bindMount(join(rig.folder, 'source'), point)
    if (!volume.works) return context.skip('bind mounts need root on Linux')
    unmount = volume.unmount
    volume.mount()
    // The mount point itself is the data folder: without the volume it is an empty folder.
    const app = await counted(point)
    const before = app.lines.length
    volume.unmount()
    await lookAgain()
    const line = await app.reach('failed', before)
    expect(line.headline).toBe('The data folder is not the one it was')
    await eventually(async () => !(await answers()) || undefined)
    expect(readdirSync(point)).toEqual([])
    const status = JSON.parse((await rig.zotbar('status', '--json')).stdout) as Status
    // The last figures, never those of an empty folder.
    expect(status).toMatchObject({ state: 'failed', storage: { repositories: 2, tags: 2 } })
    const lost = app.lines.length
    volume.mount()
    await lookAgain()
    await app.reach('serving', lost)
    expect(readFileSync(join(rig.home, 'journal.jsonl'), 'utf8')).toContain('"data-lost"')
    // Without the volume from the start it is a choice: nobody can tell whether it is to come back.
    await ended(app)
    volume.unmount()
    const second = rig.start()
    const open = await second.reach('undecided')
    expect(open.reason).toContain(`Now: nothing in ${point}`)
    expect(readdirSync(point)).toEqual([])
    // Accepted at the same place: no figure of the folder before is told of this one.
    const told = second.lines.length
    const accepted = await rig.zotbar('data', 'accept', '--json')
    expect([accepted.code, JSON.parse(accepted.stdout)]).toMatchObject([0, { state: 'serving' }])
    await eventually(async () => (await rig.status()).storage?.repositories === 0 || undefined)
    const seen = [JSON.parse(accepted.stdout) as Status, ...second.lines.slice(told)]
    const serving = seen.filter(({ state }) => state === 'serving')
    expect(serving.map(({ storage }) => storage?.repositories ?? 0)).toEqual(serving.map(() => 0))
  })
})
