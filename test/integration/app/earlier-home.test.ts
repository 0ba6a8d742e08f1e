import { existsSync, linkSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { controlClient } from '../../../client/control-client.ts'
import type { ManagedKeyList } from '../../../contract/key.ts'
import type { Result } from '../../../contract/result.ts'
import type { RunbookRecord } from '../../../contract/runbook.ts'
import { eventually } from '../../fakes/eventually.ts'
import { makeZot } from '../../fakes/zot/build-zot.ts'
import {
  answersOf,
  layHome,
  layOfHome,
  layRun,
  linesOf,
  type Machine,
  type Recording,
  timeOf,
} from '../../setup/earlier-home.ts'
import { type AppRig, createAppRig, targetAt } from './app-rig.ts'

const versions = ['v2.1.15', 'v2.1.17'] as const
const programs: Record<string, string> = {}
let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'zotbar-programs-'))
  for (const version of versions) programs[version] = makeZot(join(folder, version), 'good', version)
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

let rig: AppRig
afterEach(() => rig.end())

const clientOf = () => controlClient({ socketPath: join(rig.home, 'control.sock'), home: rig.home }).zotbar

/** Where a home is laid; its times are those of a moment ago. */
const machineOf = (madeAt: number): Machine => ({
  folder: rig.folder,
  port: rig.port,
  programs,
  place(version, path) {
    mkdirSync(dirname(path), { recursive: true })
    linkSync(programs[version]!, path)
  },
  shiftMs: Date.now() - madeAt - 10_000,
})

/** What the app set aside because it could not be read. */
const aside = (): string[] =>
  readdirSync(rig.home, { recursive: true, encoding: 'utf8' }).filter(name => /\.corrupt-/.test(name))

const serves = async (tag: string): Promise<number> => {
  const headers = { accept: 'application/vnd.oci.image.manifest.v1+json' }
  return (await targetAt(rig.url).ask(`/v2/team/app/manifests/${tag}`, { headers })).status
}

type Outcome = 'done' | 'cancelled' | 'rolled-back'

describe('a home in which 0.1.0 was killed in the middle of a run', () => {
  it.each<[Recording, string, Outcome, string]>([
    ['upgrade-forward', 'applied swap', 'done', 'v2.1.17'],
    ['upgrade-forward', 'applied stop', 'cancelled', 'v2.1.15'],
    ['upgrade-back', 'undoing swap', 'rolled-back', 'v2.1.15'],
    ['switch-forward', 'applied switch', 'done', 'v2.1.15'],
    ['switch-back', 'undoing switch', 'rolled-back', '0.1.0'],
    ['rotate-forward', 'applied mint', 'done', '0.1.0'],
    ['rotate-back', 'undoing deliver', 'cancelled', '0.1.0'],
    ['retire', 'applied revoke', 'done', '0.1.0'],
  ])('%s, at "%s": %s, and %s serves', { timeout: 60_000 }, async (recording, line, outcome, version) => {
    rig = await createAppRig()
    const at = linesOf(recording).indexOf(line)
    layRun(recording, at, machineOf(timeOf(recording, at)))
    const app = rig.start()
    await app.reach('serving')
    const zotbar = clientOf()
    const snapshot = await eventually(async () => {
      const now = await zotbar.app.snapshot({})
      const ready = now.ok && now.value.process.kind === 'serving' && !now.value.runbook
      return ready ? now.value : undefined
    }, 40_000)
    expect(snapshot.engine.version).toBe(version)
    const history = await zotbar.runbooks.history({})
    expect(history.ok && history.value.runs[0]).toMatchObject({ result: outcome })
    expect(await serves('1')).toBe(200)
    expect(aside()).toEqual([])
    if (snapshot.engine.id !== 'zotbar-registry' || !existsSync(join(rig.home, 'keys.json'))) return
    const keys = await zotbar.keys.managed({})
    expect(keys.ok && keys.value.keys).toMatchObject([{ user: 'zot-ci', drift: [] }])
    const proof = await zotbar.keys.prove({ user: 'zot-ci' })
    expect(proof).toMatchObject({ ok: true, value: { works: true } })
    const all = await zotbar.keys.list({})
    expect(all.ok && all.value.keys.filter(({ user }) => user === 'zot-ci')).toHaveLength(1)
  })
})

/** What 0.1.0 answered about the home that it left. */
interface Answers {
  settings: { key: string; value: unknown }[]
  keys: ManagedKeyList
  admin: { user: string; password: string }
  runs: RunbookRecord[]
}

describe('a home that 0.1.0 left', () => {
  it('is taken over with all that is in it, and with the registry that goes on meanwhile', {
    timeout: 60_000,
  }, async () => {
    rig = await createAppRig()
    const { runs } = answersOf<Answers>({ folder: '', port: 1 })
    const machine = machineOf((runs[0]?.at ?? 0) + 60_000)
    machine.programs = { ...programs, 'v2.1.16': programs['v2.1.15'] ?? '' }
    layHome(machine)
    const answers = answersOf<Answers>(machine)
    const first = await rig.serving()
    const zotbar = clientOf()
    const must = async <T>(asked: Promise<Result<T>>): Promise<T> => {
      const answer = await asked
      if (!answer.ok) throw new Error(JSON.stringify(answer.error))
      return answer.value
    }
    const { settings } = await must(zotbar.settings.list({}))
    const values = new Map<string, unknown>(settings.map(({ key, value }) => [key, value]))
    for (const { key, value } of answers.settings) expect([key, values.get(key)]).toEqual([key, value])
    expect((await must(zotbar.runbooks.history({}))).runs).toEqual(answers.runs)
    expect(await must(zotbar.admin.show({}))).toEqual(answers.admin)
    const { keys } = await must(zotbar.keys.managed({}))
    expect(keys.map(({ user, uuid }) => [user, uuid])).toEqual(
      answers.keys.keys.map(({ user, uuid }) => [user, uuid]),
    )
    expect([await serves('1'), await serves('2'), aside()]).toEqual([200, 200, []])

    // 0.1.0 wrote down in its own words which process it had started.
    const file = join(rig.home, 'run/registry.json')
    const { pid, startTime } = JSON.parse(readFileSync(file, 'utf8')) as { pid: number; startTime: number }
    first.kill('SIGKILL')
    await first.exited
    rmSync(file)
    layOfHome('home/run/registry.json', { ...machine, pid, startTime })
    await rig.serving()
    expect(await must(clientOf().app.snapshot({}))).toMatchObject({ process: { kind: 'serving', pid } })
    expect(aside()).toEqual([])
  })
})
