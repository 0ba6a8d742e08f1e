import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Status } from '../../../contract/messages/status.ts'
import type { RunbookEnd, RunbookLine } from '../../../contract/runbook.ts'
import type { UpgradePlan } from '../../../contract/upgrade.ts'
import { eventually } from '../../fakes/eventually.ts'
import { type Behaviour, makeZot } from '../../fakes/zot/build-zot.ts'
import type { Programs } from '../../fakes/zot/programs.ts'
import { digestText } from '../../suites/image.ts'
import { type AppProcess, type AppRig, createAppRig, targetAt } from '../app/app-rig.ts'
import { pushImage } from '../registry/client.ts'

export type ToldLine = RunbookLine & RunbookEnd

interface Options {
  /** Added to the environment of the app. */
  environment?: Record<string, string>
  /** The version that runs before. */
  version?: string
  /** The program that runs before, in place of one of ours. */
  program?: string
  /** Those of a file with several tests. */
  programs?: Programs
}

/** An app that runs a zot of ours, taken from a folder that is not the app's. */
export async function createUpgradeRig({
  environment = {},
  version = 'v2.1.13',
  program,
  programs,
}: Options = {}) {
  const rig: AppRig = await createAppRig(undefined, environment)
  const place = programs?.place ?? makeZot
  const old = program ?? place(join(rig.folder, 'bin', 'zot'), 'good', version)
  const set = (key: string, value: string) => rig.zotbar('settings', 'set', key, value)

  const runbooks = join(rig.home, 'runbooks')
  let before = new Set<string>()
  const journals = (): string[] =>
    existsSync(runbooks) ? readdirSync(runbooks).filter(name => name.includes('-upgrade-')) : []

  async function upgrade(...words: string[]) {
    before = new Set(journals())
    const { code, stdout, stderr } = await rig.zotbar('upgrade', '--json', ...words)
    const lines = stdout
      .trim()
      .split('\n')
      .map(line => JSON.parse(line) as ToldLine)
    const last = lines.at(-1)
    if (!last) throw new Error('nothing was told')
    return { code, stderr, lines, last, steps: stepsOf(lines) }
  }

  return {
    ...rig,
    old,
    set,
    upgrade,
    /** Waits until the journal of the upgrade that was begun last has a line for this step. */
    applying: (step: string) =>
      eventually(() => {
        const newest = journals().find(name => !before.has(name))
        const line = new RegExp(`"kind":"applying","at":\\d+,"step":"${step}"`)
        return newest !== undefined && line.test(readFileSync(join(runbooks, newest), 'utf8'))
      }, 60_000),
    /** A program of this behaviour in a file of its own. */
    program: (behaviour: Behaviour, version: string) =>
      place(join(rig.folder, 'made', `${behaviour}-${version}`), behaviour, version),
    /** Starts the app with that program, and waits for `state`. */
    async running(state: Status['state'] = 'serving', args: string[] = []): Promise<AppProcess> {
      mkdirSync(rig.home, { recursive: true, mode: 0o700 })
      // A zot makes its databases in a data folder that is there.
      mkdirSync(rig.data, { recursive: true, mode: 0o700 })
      const settings = {
        engine: 'zot',
        'engine.path': old,
        'gate.stableSeconds': 1,
        'gate.readySeconds': 60,
        'releases.check': false,
      }
      writeFileSync(join(rig.home, 'settings.json'), JSON.stringify(settings), { mode: 0o600 })
      const app = rig.start(args)
      await app.reach(state)
      return app
    },
    async plan(...words: string[]) {
      const { code, stdout } = await rig.zotbar('upgrade', '--dry-run', '--json', ...words)
      return { code, plan: JSON.parse(stdout) as UpgradePlan }
    },
    async version(): Promise<string | undefined> {
      const { state, registry } = await rig.status()
      return state === 'serving' ? registry.version : undefined
    },
    setting: async (key: string) =>
      (JSON.parse((await rig.zotbar('settings', 'get', key, '--json')).stdout) as { value: unknown }).value,
    bad(): Record<string, { reason: string }> {
      try {
        return JSON.parse(readFileSync(join(rig.home, 'engines', 'zot', 'bad.json'), 'utf8'))
      } catch {
        return {}
      }
    },
    /** Pushes two tags; gives what throws unless both come back byte for byte. */
    async pushed(): Promise<() => Promise<void>> {
      const target = targetAt(rig.url)
      const images = [
        await pushImage(target, 'team/app', '1', 'one'),
        await pushImage(target, 'team/app', '2', 'two'),
      ]
      return async () => {
        for (const [at, { bytes, digest }] of images.entries())
          for (const reference of [`${at + 1}`, digest]) {
            const got = await target.ask(`/v2/team/app/manifests/${reference}`)
            if (got.status !== 200 || !got.body.equals(bytes))
              throw new Error(`team/app ${reference} is answered with ${got.status}`)
          }
        const blob = await target.ask(`/v2/team/app/blobs/${digestText('two')}`)
        if (String(blob.body) !== 'two') throw new Error('a blob has other bytes')
      }
    },
  }
}
export type UpgradeRig = Awaited<ReturnType<typeof createUpgradeRig>>

/** What came of each step: its last phase that is not a progress. */
function stepsOf(lines: readonly ToldLine[]): Record<string, string> {
  const steps: Record<string, string> = {}
  for (const { step, phase } of lines) if (step !== undefined) steps[step] = phase
  return steps
}
