import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, expect, it } from 'vitest'
import { controlClient } from '../../../client/control-client.ts'
import type { RunbookPlan } from '../../../contract/runbook.ts'
import { eventually } from '../../fakes/eventually.ts'
import { freePort } from '../../setup/free-port.ts'
import { createUpgradeRig, type UpgradeRig } from '../upgrade/upgrade-rig.ts'

let rig: UpgradeRig | undefined
let other: ChildProcess | undefined
afterEach(async () => {
  other?.kill('SIGKILL')
  await rig?.end()
})

const listens = (port: number) =>
  eventually(
    () =>
      fetch(`http://127.0.0.1:${port}/v2/`).then(
        () => true,
        () => undefined,
      ),
    10_000,
  )

/** A zot of the user's own on this port, with the data folder of config.json. */
async function ownZot({ folder, standard, old }: UpgradeRig, port: number): Promise<ChildProcess> {
  const config = join(folder, `own-${port}.json`)
  writeFileSync(config, JSON.stringify({ ...standard, http: { ...standard.http, port: String(port) } }))
  const zot = spawn(old, ['serve', config], { stdio: 'ignore', env: { HOME: folder, PATH: '/bin' } })
  await listens(port)
  return zot
}

it('is said before anything is stopped, changed or downloaded who has the port or the data folder', async () => {
  rig = await createUpgradeRig()
  const { home, standard, old, data } = rig
  const app = await rig.running()
  const from = rig.program('good', 'v2.1.15')
  const { zotbar } = controlClient({ socketPath: join(home, 'control.sock'), home })

  /** What came of a run, and of its plan. */
  async function came(
    begin: (dryRun: boolean) => ReturnType<typeof zotbar.upgrade.begin | typeof zotbar.engine.use>,
  ) {
    const [begun, dry] = [await begin(false), await begin(true)]
    if (!begun.ok || !dry.ok || !('run' in begun.value) || !('plan' in dry.value))
      throw new Error('no run, no plan')
    const { run } = begun.value
    const end = await eventually(async () => {
      const read = await zotbar.runbooks.state({ run, after: 0, waitMs: 5000 })
      return read.ok && read.value.end ? read.value : undefined
    })
    const failed = end.lines.filter(({ phase }) => phase === 'failed').map(({ step }) => step)
    const plan: RunbookPlan = dry.value.plan
    return { result: end.end?.result, code: end.end?.error?.code, failed, found: plan.findings[0]?.id }
  }

  async function refuses(code: string, error: object): Promise<void> {
    const expected = { result: 'failed', code, failed: ['preflight'], found: code }
    expect(
      await came(dryRun =>
        zotbar.upgrade.begin({ from, yes: true, dryRun, undo: false, allowDowngrade: false }),
      ),
    ).toEqual(expected)
    const engine = 'zotbar-registry'
    expect(await came(dryRun => zotbar.engine.use({ engine, yes: true, dryRun }))).toEqual(expected)
    expect(await zotbar.registry.restart({ now: false })).toMatchObject({
      ok: false,
      error: { code, ...error },
    })
    expect(existsSync(join(home, 'engines', 'zot'))).toBe(false)
    expect(existsSync(join(home, 'upgrades')) ? readdirSync(join(home, 'upgrades')) : []).toEqual([])
    expect(await zotbar.settings.get({ key: 'engine.path' })).toMatchObject({ value: { value: old } })
  }

  // It serves, and config.json names a port by now that is somebody else's.
  const { pid } = (await rig.status()).registry
  const port = await freePort()
  const script = `require('http').createServer((_, r) => r.end()).listen(${port}, '127.0.0.1')`
  other = spawn(process.execPath, ['-e', script], { stdio: 'ignore' })
  await listens(port)
  rig.configure({ ...standard, http: { ...standard.http, port: String(port) } })
  await refuses('port-in-use', { port, pid: other.pid })
  // Neither for another data folder.
  const elsewhere = join(rig.folder, 'elsewhere')
  mkdirSync(elsewhere)
  rig.configure({
    ...standard,
    storage: { rootDirectory: elsewhere },
    http: { ...standard.http, port: String(port) },
  })
  expect(await zotbar.data.accept({})).toMatchObject({ error: { code: 'port-in-use', pid: other.pid } })
  expect(await rig.status()).toMatchObject({ state: 'serving', registry: { pid } })
  other.kill('SIGKILL')
  rig.configure(standard)

  // A zot of the user's own has the port, and then the data alone.
  await zotbar.registry.stop({})
  other = await ownZot(rig, rig.port)
  await refuses('port-in-use', { port: rig.port, pid: other.pid })
  other.kill('SIGKILL')
  await zotbar.registry.lookAgain({})
  await app.reach('serving', app.lines.length)
  await zotbar.registry.stop({})
  other = await ownZot(rig, await freePort())
  await refuses('root-in-use', { path: data, pid: other.pid })
  expect(other.exitCode ?? other.signalCode).toBe(null)
})
