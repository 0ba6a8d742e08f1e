import { readFileSync } from 'node:fs'
import { afterEach, expect, it } from 'vitest'
import type { RunbookRecord } from '../../../contract/runbook.ts'
import { randomOf } from '../../chaos/pushers.ts'
import { eventually } from '../../fakes/eventually.ts'
import { describeWithZots, realZots, zotVersionOf } from './real-zots.ts'
import { createSeededZotRig, type SeededZotRig } from './seeded-zot-rig.ts'

const kills = 10
const seed = Number(process.env['ZOTBAR_TEST_SEED'] ?? Math.floor(Math.random() * 1e6))

let rig: SeededZotRig
afterEach(() => rig.end())

interface Outcome {
  way: string
  afterMs: number
  at: string
  killed: string
  result: string
  serves: string
}

const runs = async (): Promise<{ current?: unknown; runs: RunbookRecord[] }> =>
  JSON.parse((await rig.zotbar('runbooks', 'list', '--json')).stdout)

/** Upgrades and takes back, kills the core at a random instant of each, and looks at what is left once it is over. */
async function killAtRandom(old: string, next: string): Promise<Outcome[]> {
  rig = await createSeededZotRig(old)
  const [oldVersion, newVersion] = [zotVersionOf(old), zotVersionOf(next)]
  const random = randomOf(seed)
  const configs = new Map([[oldVersion, readFileSync(rig.configFile, 'utf8')]])
  const words = (version: string): string[] =>
    version === oldVersion ? ['--from', next, '--yes'] : ['--undo', '--yes']

  // Once without a kill, for the time that it takes and for what config.json has to be.
  const tookMs = new Map<string, number>()
  for (const version of [oldVersion, newVersion]) {
    const { last } = await rig.upgrade(...words(version))
    expect(last.result).toBe('done')
    tookMs.set(version, (await runs()).runs[0]?.tookMs ?? 0)
    const serves = (await rig.version()) ?? ''
    const text = readFileSync(rig.configFile, 'utf8')
    expect(text).toBe(configs.get(serves) ?? text)
    configs.set(serves, text)
    expect(await rig.faults()).toEqual([])
  }

  const outcomes: Outcome[] = []
  for (let round = 0; outcomes.length < kills && round < 4 * kills; round += 1) {
    const before = (await rig.version()) ?? ''
    const ended = (await runs()).runs.length
    const earlier = rig.newestJournal()
    const running = rig.upgrade(...words(before)).catch(() => undefined)
    await eventually(() => rig.newestJournal() !== earlier)
    const afterMs = Math.round(random() * (tookMs.get(before) ?? 0))
    await new Promise(done => setTimeout(done, afterMs))
    const at = rig.lastLine()
    // This one was faster than the first: nothing was interrupted.
    if (at === 'ended') {
      await running
      continue
    }
    const zot = outcomes.length % 3 === 2 ? (await rig.status()).registry.pid : undefined
    rig.app().kill('SIGKILL')
    if (zot !== undefined) process.kill(zot, 'SIGKILL')
    await rig.app().exited
    await running
    await rig.startAgain()
    await eventually(async () => {
      const list = await runs().catch(() => undefined)
      return list !== undefined && list.current === undefined && (await rig.version()) !== undefined
    }, 120_000)
    const list = (await runs()).runs
    expect(list.length).toBe(ended + 1)
    const result = list[0]?.result ?? ''
    const serves = (await rig.version()) ?? ''
    const killed = zot === undefined ? 'core' : 'core and zot'
    const way = `${before} to ${before === oldVersion ? newVersion : oldVersion}`
    outcomes.push({ way, afterMs, at, killed, result, serves })
    expect([oldVersion, newVersion]).toContain(serves)
    if (result === 'done') expect(serves).not.toBe(before)
    else expect(serves).toBe(before)
    expect(readFileSync(rig.configFile, 'utf8')).toBe(configs.get(serves))
    expect(await rig.faults()).toEqual([])
  }
  expect(outcomes).toHaveLength(kills)
  return outcomes
}

const cases = [
  ['an upgrade', 'old', 'next'],
  ['an upgrade that changes config.json', 'next', 'main'],
] as const
for (const [name, from, to] of cases)
  describeWithZots(
    `the core is killed at ${kills} random instants of ${name} of a real zot`,
    [from, to],
    () => {
      it(`and it ends whole, forward or back (ZOTBAR_TEST_SEED=${seed})`, async () => {
        console.table(await killAtRandom(realZots[from], realZots[to]))
      })
    },
  )
