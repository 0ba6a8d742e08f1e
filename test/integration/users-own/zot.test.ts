import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { eventually } from '../../fakes/eventually.ts'
import { describeUsersOwn } from './acceptance.ts'
import { keepAlive } from './keep-alive.ts'
import type { UsersOwnRig } from './users-own-rig.ts'

for (const which of ['ZOTBAR_TEST_ZOT_OLD', 'ZOTBAR_TEST_ZOT_NEW', 'ZOTBAR_TEST_ZOT_MAIN']) {
  const program = process.env[which] ?? ''
  if (program === '')
    describe.skip(`people's own set-up, with zot (needs ${which})`, () =>
      it('serves with config.json as it stands', () => {}))
  else
    describeUsersOwn(`people's own set-up, with zot of ${which}`, {
      engine: 'zot',
      // From v2.1.18 on that takes another line, which an upgrade brings.
      isScrapedAnonymously: which !== 'ZOTBAR_TEST_ZOT_MAIN',
      takeUp: rig => takeUpZot(rig, program),
    })
}

/** Their zot runs under launchd, then they end it and choose it for Zotbar. */
async function takeUpZot(rig: UsersOwnRig, program: string): Promise<void> {
  const answers = async () => (await rig.curl(`${rig.url}/v2/`)).status === 0
  const theirs = keepAlive(rig.folder, program, rig.configFile)
  await eventually(answers)
  const app = rig.start()
  const foreign = await app.reach('foreign')
  expect(foreign.reason).toContain(`process ${theirs.pid()}`)
  expect(foreign.reason).toContain(`zotbar engine use zot --path ${program}`)
  // A crash of theirs is launchd's to heal.
  const first = theirs.pid()
  theirs.kill()
  await eventually(async () => theirs.pid() !== first && (await answers()))
  await eventually(async () => (await rig.status()).reason?.includes(`process ${theirs.pid()}`))
  expect(existsSync(join(rig.home, 'run', 'registry.json'))).toBe(false)
  await theirs.end()
  await eventually(async () => (await rig.status()).state === 'undecided')
  expect(await rig.use('zot', '--path', program)).toMatchObject({ code: 0, last: { result: 'done' } })
  await app.reach('serving')
}
