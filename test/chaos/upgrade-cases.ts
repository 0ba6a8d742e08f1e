import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { UpgradeDeps } from '../../core/upgrade/deps.ts'
import type { UpgradeMemory } from '../../core/upgrade/memory.ts'
import { upgradeRunbook } from '../../core/upgrade/runbook.ts'
import { eventually } from '../fakes/eventually.ts'
import type { Behaviour } from '../fakes/zot/build-zot.ts'
import type { Programs } from '../fakes/zot/programs.ts'
import { createAppRig, targetAt } from '../integration/app/app-rig.ts'
import { pushImage } from '../integration/registry/client.ts'
import { createJournalReader, lineSeen } from './journal-reader.ts'

const [oldVersion, newVersion] = ['v2.1.13', 'v2.1.15']

/** The steps as they are, so that a new one is a new case. */
const { steps } = upgradeRunbook(
  { from: { command: '', settingPath: '' } } as UpgradeMemory,
  { releases: {} } as UpgradeDeps,
)
const skipped = new Set(['consent'])

export const stepIds = steps.map(({ id }) => id).filter(id => !skipped.has(id))

/** Every line that the journal gets on the way forward. */
export const forwardLines = [
  'begun',
  ...steps.flatMap(({ id }) => (skipped.has(id) ? [`skipped ${id}`] : [`applying ${id}`, `applied ${id}`])),
  'ended',
]

/** Every line from a failed verification on. */
export const backLines = [
  'failed gate',
  ...steps
    .filter(step => step.undo !== undefined)
    .toReversed()
    .flatMap(({ id }) => [`undoing ${id}`, `undone ${id}`]),
  'ended',
]

/** A home whose zot serves two tags; everything of it in `folder`, where one is given. */
export async function createCase(programs: Programs) {
  const rig = await createAppRig()
  const program = join(rig.home, 'engines', 'zot', oldVersion, 'zot')
  programs.place(program, 'good', oldVersion)
  mkdirSync(rig.home, { recursive: true, mode: 0o700 })
  writeFileSync(
    join(rig.home, 'settings.json'),
    JSON.stringify({
      engine: 'zot',
      'engine.path': program,
      'gate.stableSeconds': 0,
      'gate.readySeconds': 60,
      'releases.check': false,
    }),
    { mode: 0o600 },
  )
  const app = rig.start()
  await app.reach('serving').catch(() => {
    throw new Error(`the case does not begin: ${JSON.stringify(app.lines.at(-1))} ${app.stderr()}`)
  })
  const target = targetAt(rig.url)
  const images = [
    await pushImage(target, 'team/app', '1', 'one'),
    await pushImage(target, 'team/app', '2', 'two'),
  ]

  const entries = createJournalReader(rig.home)

  return {
    rig,
    app,
    entries,
    upgrade: (behaviour: Behaviour) =>
      rig.zotbar('upgrade', '--from', programs.get(behaviour, newVersion), '--yes', '--json'),
    seen: (line: string): Promise<void> => lineSeen(entries, line, 60_000),
    /** The pid of the registry that is supervised, if one is. */
    registryPid(): number | undefined {
      try {
        return (JSON.parse(readFileSync(join(rig.home, 'run', 'registry.json'), 'utf8')) as { pid?: number })
          .pid
      } catch {
        return undefined
      }
    },
    /** Waits until the run has ended and the registry serves, and says with which version; throws when a tag is lost. */
    async whole(): Promise<{ result: string; version: string }> {
      const ended = await eventually(() => {
        const last = entries().findLast(entry => entry.kind === 'ended')
        return entries().length === 0 ? { result: 'never begun' } : last?.kind === 'ended' ? last : undefined
      }, 60_000)
      const version = await eventually(async () => {
        const answer = await target.ask('/v2/_zot/ext/mgmt').catch(() => undefined)
        if (answer?.status !== 200) return undefined
        return (JSON.parse(String(answer.body)) as { releaseTag: string }).releaseTag
      }, 40_000)
      for (const [at, image] of images.entries()) {
        const pulled = await target.ask(`/v2/team/app/manifests/${at + 1}`)
        if (!pulled.body.equals(image.bytes)) throw new Error(`tag ${at + 1} is not what was pushed`)
      }
      const listed = await target.ask('/v2/team/app/tags/list')
      const { tags } = JSON.parse(String(listed.body)) as { tags: string[] }
      if (tags.join() !== '1,2') throw new Error(`the tags are ${tags}`)
      const { result } = ended as { result: string }
      const expected = result === 'done' ? newVersion : oldVersion
      if (version !== expected) {
        const failures = entries().filter(entry => 'error' in entry)
        throw new Error(`${result}, and ${version} serves: ${JSON.stringify(failures)}`)
      }
      const kept = JSON.parse(readFileSync(rig.configFile, 'utf8')) as object
      if (JSON.stringify(kept) !== JSON.stringify(rig.standard)) throw new Error('config.json was changed')
      return { result, version }
    },
  }
}
export type UpgradeCase = Awaited<ReturnType<typeof createCase>>

/** Runs each case in turn and keeps what came of it, for the table. */
export function createTable(title: string, all: number) {
  const rows: string[] = []
  return {
    add: (...cells: string[]) => rows.push(cells.join('  ')),
    print: () => console.log(`${title}: ${rows.length} of ${all} cases ended whole\n${rows.join('\n')}`),
  }
}
