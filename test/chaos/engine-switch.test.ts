import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, describe, expect, it } from 'vitest'
import { controlClient } from '../../client/control-client.ts'
import { type SwitchDeps, switchRunbook } from '../../core/engine-switch/switch.ts'
import { eventually } from '../fakes/eventually.ts'
import { type Behaviour, placeZot } from '../fakes/zot/build-zot.ts'
import { type AppRig, createAppRig, targetAt } from '../integration/app/app-rig.ts'
import { pushImage } from '../integration/registry/client.ts'
import { createJournalReader, lineSeen } from './journal-reader.ts'
import { killDelays, sampleOf } from './samples.ts'

const either = { path: '', command: '' }
const { steps } = switchRunbook(
  {
    from: { ...either, id: 'zotbar-registry' },
    to: { ...either, id: 'zot' },
    yes: true,
    censusFile: '',
  },
  {} as SwitchDeps,
)

interface Case {
  way: 'forward' | 'back'
  behaviour: Behaviour
  /** The journal's line that is waited for. */
  line: string
  /** Killed when the line is there, or this long after it, ms: what follows it is then under way. */
  after: number
}

const forward = steps.flatMap(({ id }) =>
  id === 'ask' ? ['skipped ask'] : [`applying ${id}`, `applied ${id}`],
)
const back = steps
  .filter(step => step.undo !== undefined)
  .reverse()
  .flatMap(({ id }) => [`undoing ${id}`, `undone ${id}`])
const cases: Case[] = [
  ...['begun', ...forward, 'ended'].map(line => ({
    way: 'forward' as const,
    behaviour: 'good' as const,
    line,
  })),
  ...['failed gate', ...back, 'ended'].map(line => ({
    way: 'back' as const,
    behaviour: 'loses-tag' as const,
    line,
  })),
].flatMap(each =>
  killDelays(/^(applying|undoing)/.test(each.line) ? [0, 40] : [0]).map(after => ({ ...each, after })),
)

let rig: AppRig
const table: string[] = []
afterEach(() => rig.end())
afterAll(() => console.log(`${table.length} of ${cases.length} cases ended whole\n${table.join('\n')}`))

describe('kill -9 of the app at each line of the journal of an engine switch', () => {
  it.each(sampleOf(cases))(
    '$way, at "$line" and $after ms',
    { timeout: 60_000 },
    async ({ way, behaviour, line, after }) => {
      rig = await createAppRig()
      placeZot(join(rig.home, 'engines', 'zot', 'v2.1.15'), behaviour)
      mkdirSync(rig.home, { recursive: true, mode: 0o700 })
      writeFileSync(join(rig.home, 'settings.json'), JSON.stringify({ 'gate.stableSeconds': 0 }), {
        mode: 0o600,
      })
      const app = await rig.serving()
      const journal = createJournalReader(rig.home)
      const target = targetAt(rig.url)
      const image = await pushImage(target, 'team/app', '1', 'one')
      const using = rig.zotbar('engine', 'use', 'zot', '--yes', '--json')
      await lineSeen(journal, line, 30_000)
      if (after > 0) await new Promise(done => setTimeout(done, after))
      app.kill('SIGKILL')
      await app.exited
      await using

      const next = rig.start()
      await next.reach('serving')
      const ended = await eventually(() => journal().find(entry => entry.kind === 'ended'), 30_000)
      const { zotbar } = controlClient({ socketPath: join(rig.home, 'control.sock'), home: rig.home })
      const engine = await eventually(async () => {
        const now = await zotbar.app.snapshot({})
        if (!now.ok || now.value.process.kind !== 'serving' || now.value.runbook) return undefined
        return now.value.engine.id
      }, 40_000)
      const result = ended.kind === 'ended' ? ended.result : 'none'
      expect(engine).toBe(result === 'done' ? 'zot' : 'zotbar-registry')
      expect(way === 'back' && result === 'done').toBe(false)
      expect(await zotbar.settings.get({ key: 'engine' })).toMatchObject({
        ok: true,
        value: { value: engine },
      })
      const pulled = await target.ask('/v2/team/app/manifests/1')
      expect(pulled.body.equals(image.bytes)).toBe(true)
      expect((await target.ask(`/v2/team/app/manifests/${image.digest}`)).status).toBe(200)
      table.push(`${way.padEnd(8)} ${line.padEnd(20)} +${after} ms: ${result}, ${engine} serves`)
    },
  )
})
