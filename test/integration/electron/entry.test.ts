import { readdir, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { ok } from '../../../contract/result.ts'
import { processExists } from '../../../lib/process-exists.ts'
import { eventually } from '../../fakes/eventually.ts'
import { clientOf, makeBuild, serves } from '../hand-over/second-build.ts'
import { appProgram, entryRig } from './entry-rig.ts'

const rig = entryRig()
const { start, answers } = rig

it('serves with an icon that says so, follows Stop and Start, and takes core and registry with it', async () => {
  const app = start()
  await app.saw('tooltip', 'Zotbar: Serving')
  expect(await answers()).toBe(200)
  expect(app.last('image')).toBe('fineTemplate.png')
  expect(app.last('menu')).toEqual(
    expect.arrayContaining(['Serving', `Copy 127.0.0.1:${rig.port}`, 'Restart']),
  )
  const core = rig.corePid()
  expect([core === app.child.pid, app.words()]).toEqual([false, ''])

  let from = app.count()
  app.say('choose Stop')
  await app.saw('tooltip', 'Zotbar: Not running', from)
  expect(app.last('image')).toBe('offTemplate.png')
  expect(await answers()).toBe(0)

  from = app.count()
  app.say('choose Start')
  await app.saw('tooltip', 'Zotbar: Serving', from)
  app.child.kill('SIGTERM')
  expect(await app.ended).toBe(0)
  expect([await answers(), processExists(core ?? 0), rig.corePid()]).toEqual([0, false, undefined])
  expect(app.words()).toBe('')
})

it('answers its pages over the bridge, and keeps Chromium inside its home', async () => {
  const app = start()
  await app.saw('path', join(rig.home, 'electron'))
  await app.saw('tooltip', 'Zotbar: Serving')
  app.say('choose Open Zotbar')
  app.say('page settings.get {"key":"notifications"}')
  const answer = await eventually(() => app.last('answer'))
  expect(answer).toMatchObject({ ok: true, value: { key: 'notifications', value: true } })
  expect(await readdir(rig.home)).toContain('electron')
})

it('leaves core and registry serving when it is killed, and finds them at the next start', async () => {
  const first = start()
  await first.saw('tooltip', 'Zotbar: Serving')
  const [core, { registry }] = [rig.corePid(), await rig.status()]
  first.child.kill('SIGKILL')
  await first.ended
  expect(await rig.status()).toMatchObject({ state: 'serving', registry: { pid: registry.pid } })
  const second = start()
  await second.saw('tooltip', 'Zotbar: Serving')
  expect(rig.corePid()).toBe(core)
  second.say('quit')
  expect(await second.ended).toBe(0)
  expect([processExists(core ?? 0), await answers()]).toEqual([false, 0])
})

it('has its core back when that is killed, tells its pages meanwhile, and the registry goes on', async () => {
  const app = start()
  await app.saw('tooltip', 'Zotbar: Serving')
  const [core, { registry }] = [rig.corePid(), await rig.status()]
  app.say('choose Open Zotbar')
  app.say('listen link')
  await app.saw('link', 'live')
  const from = app.count()
  process.kill(core ?? 0, 'SIGKILL')
  await app.saw('link', 'lost', from)
  await app.saw('link', 'live', from)
  await app.saw('tooltip', 'Zotbar: Serving', from)
  expect(rig.corePid()).not.toBe(core)
  expect(await rig.status()).toMatchObject({ state: 'serving', registry: { pid: registry.pid } })
  app.say('page app.snapshot')
  expect(await eventually(() => app.last('answer'))).toMatchObject({
    value: { process: { kind: 'serving', adopted: true } },
  })
})

it('holds up nothing while a question is open: the registry is killed, and is back', async () => {
  const app = start()
  await app.saw('tooltip', 'Zotbar: Serving')
  const { registry } = await rig.status()
  app.say('choose Open Zotbar')
  app.say('answer never')
  app.say('page keys.showSecret {"user":"zot-ci"}')
  await app.saw('question', 'Show the key of zot-ci?')
  process.kill(registry.pid ?? 0, 'SIGKILL')
  const back = await eventually(async () => {
    const status = await rig.status()
    return status.state === 'serving' && status.registry.pid !== registry.pid ? status : undefined
  })
  expect([await answers(), back.registry.pid === undefined]).toEqual([200, false])
  expect(app.last('answer')).toBeUndefined()
})

it('ends at once when the session of the user ends, also with an open popover', async () => {
  const app = start()
  await app.saw('tooltip', 'Zotbar: Serving')
  const core = rig.corePid()
  app.say('click')
  app.say('logout')
  expect(await app.ended).toBe(0)
  await eventually(async () => !processExists(core ?? 0) && (await answers()) === 0)
  // It ended on purpose: nobody is to start it again.
  expect(rig.corePid()).toBeUndefined()
})

it('quits alone where a terminal keeps the core, and says so once', async () => {
  const core = rig.startCore()
  await core.saw('state', 'serving')
  const app = start()
  await app.saw('tooltip', 'Zotbar: Serving')
  app.say('quit')
  app.say('quit')
  expect(await app.ended).toBe(0)
  expect(app.words().match(/The registry goes on/g)).toHaveLength(1)
  expect([rig.corePid(), await answers()]).toEqual([core.child.pid, 200])
})

it('quits alone where the registry is to keep serving', async () => {
  const app = start()
  await app.saw('tooltip', 'Zotbar: Serving')
  const core = rig.corePid()
  app.say('choose Open Zotbar')
  app.say('page settings.set {"key":"keepServing","value":true}')
  await eventually(() => app.last('answer'))
  app.say('quit')
  expect(await app.ended).toBe(0)
  expect([rig.corePid(), await answers()]).toEqual([core, 200])
})

it('has the core of the build before hand over to its own after an update, and the registry goes on', async () => {
  const before = start()
  await before.saw('tooltip', 'Zotbar: Serving')
  const [core, { registry }] = [rig.corePid(), await rig.status()]
  before.child.kill('SIGKILL')
  await before.ended
  const next = makeBuild('b2b2b2b2b2b2b2b2')
  try {
    const app = start(undefined, {}, appProgram(join(next.main, '..', '..')))
    await serves(rig, next.build)
    expect(rig.corePid()).not.toBe(core)
    expect(await rig.status()).toMatchObject({ state: 'serving', registry: { pid: registry.pid } })
    expect(processExists(core ?? 0)).toBe(false)
    await app.saw('tooltip', 'Zotbar: Serving')
    app.say('quit')
    expect(await app.ended).toBe(0)
    expect([rig.corePid(), await answers()]).toEqual([undefined, 0])
  } finally {
    next.remove()
  }
})

it('opens what a command line asks its core for', async () => {
  const app = start()
  await app.saw('tooltip', 'Zotbar: Serving')
  expect(await clientOf(rig).app.open({ what: 'keys' })).toEqual(ok(null))
  // There is a page now.
  app.say('listen link')
  await app.saw('link', 'live')
})

it('leaves a core that was quit on purpose alone, says so, and starts one when asked to', async () => {
  const app = start()
  await app.saw('tooltip', 'Zotbar: Serving')
  const core = rig.corePid()
  expect(await clientOf(rig).app.quit({})).toEqual(ok(null))
  await app.saw('tooltip', 'Zotbar: Zotbar is not running')
  expect([rig.corePid(), await answers()]).toEqual([undefined, 0])
  const from = app.count()
  app.say('choose Start Zotbar')
  await app.saw('tooltip', 'Zotbar: Serving', from)
  expect(rig.corePid()).not.toBe(core)
})

it('has its core look again when the computer wakes', async () => {
  const other = createServer(socket => socket.destroy()).listen(rig.port, '127.0.0.1')
  const app = start()
  await app.saw('tooltip', `Zotbar: Port ${rig.port} is taken`)
  await new Promise(resolve => other.close(resolve))
  app.say('resume')
  await app.saw('tooltip', 'Zotbar: Serving')
})

it('shows why there is no core, and starts it when asked to', async () => {
  await rm(rig.configFile)
  const app = start()
  await app.saw('tooltip', 'Zotbar: The config file is not there')
  expect(app.words()).toContain('The config file is not there')
  expect(app.last('menu')).toEqual(expect.arrayContaining(['Start Zotbar', 'Open Zotbar', 'Quit Zotbar']))
  app.say('choose Open Zotbar')
  app.say('listen link')
  await app.saw('link', 'lost')
  await rig.writeConfig()
  app.say('choose Start Zotbar')
  await app.saw('tooltip', 'Zotbar: Serving')
  await app.saw('link', 'live')
})

it('leaves to the copy that runs already, and is no crash to launchd', async () => {
  const second = start(['--config', rig.configFile], { ZOTBAR_TEST_SECOND: '1' })
  expect(await second.ended).toBe(1)
  expect(second.words()).toContain('already running')
  const byLaunchd = start(['--login-agent'], { ZOTBAR_TEST_SECOND: '1' })
  expect(await byLaunchd.ended).toBe(0)
})
