import { mkdir, readFile, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import * as v from 'valibot'
import type { UpgradeEdit } from '../../contract/upgrade.ts'
import { writeAtomic } from '../../lib/atomic-file.ts'
import { sha256Of } from '../../lib/hash-file.ts'
import { asStep, done, failed, type Step, type StepResult } from '../runbook/step.ts'
import { unreadableFindings } from '../verify/inventory.ts'
import type { Advice, ConfigChange, UpgradeDeps } from './deps.ts'
import type { UpgradeMemory } from './memory.ts'

const change = v.object({
  file: v.string(),
  before: v.string(),
  after: v.string(),
  diff: v.string(),
  why: v.string(),
  required: v.boolean(),
})

/** The edit lies in the run's own folder, not in its journal: config.json may hold what is secret. */
const editFile = ({ work }: UpgradeMemory): string => join(work, 'edit.json')

export async function readEdit(memory: UpgradeMemory): Promise<ConfigChange | undefined> {
  if (memory.edit === undefined) return undefined
  return v.parse(change, JSON.parse(await readFile(editFile(memory), 'utf8')))
}

/** The config as the new version will read it, checked by that version itself. */
export function configStep(deps: UpgradeDeps): Step<UpgradeMemory> {
  const { configFile } = deps
  return {
    id: 'config',
    title: 'Check config.json',
    why: 'A version that refuses the file is found while the one before still serves.',
    cancellable: true,
    check: async ({ memory }) => memory.needless,
    async apply({ memory, progress }) {
      const { to, from } = memory
      if (!to) return failed('unexpected', 'The new version is not known.')
      const advice = await deps.advise(from.version, to.version)
      for (const { id, advice: words } of advice.findings) progress({ label: `${id}: ${words}` })
      const { edit } = advice
      await mkdir(memory.work, { recursive: true, mode: 0o700 })
      if (!edit) {
        // From an earlier try of this step.
        delete memory.edit
        const digest = await sha256Of(configFile)
        const accepted = await deps.accepts(to.path, configFile, dirname(configFile))
        if (!accepted.ok) return withAdvice(asStep(accepted), to.version, advice)
        memory.accepted = digest
        return done
      }
      const copy = join(memory.work, 'config.json')
      await writeAtomic(copy, edit.after)
      const accepted = await deps.accepts(to.path, copy, dirname(configFile))
      if (!accepted.ok) return withAdvice(asStep(accepted), to.version, advice)
      await writeAtomic(editFile(memory), JSON.stringify(edit))
      memory.accepted = await sha256Of(copy)
      memory.edit = true
      return { ...done, words: 'With an edit that is shown before it is made' }
    },
    async undo({ memory }) {
      await rm(editFile(memory), { force: true })
      await rm(join(memory.work, 'config.json'), { force: true })
      return done
    },
  }
}

function withAdvice(result: StepResult, version: string, { byHand }: Advice): StepResult {
  if (result.ok) return result
  const { code, words, detail = '' } = result.error
  const more = [detail, byHand ?? ''].filter(text => text !== '').join('\n')
  return failed(code, `${version} does not accept config.json. ${words}`, more)
}

const originText = {
  published: 'It is what the project published: the digests agree.',
  signed: 'It is what the project published, and the manifest of the release is signed by the key you named.',
  unproven: 'Nobody published a digest of it: only your word stands for where it comes from.',
}

/** Says what is about to happen, and waits for a yes. */
export function consentStep(deps: UpgradeDeps): Step<UpgradeMemory> {
  return {
    id: 'consent',
    title: 'Ask for consent',
    why: 'From here on the registry is touched.',
    cancellable: true,
    check: async ({ memory }) => memory.yes || memory.needless,
    async apply({ memory, ask }) {
      const { to, from, trust, got } = memory
      if (!to) return failed('unexpected', 'The new version is not known.')
      const { findings } = await deps.advise(from.version, to.version)
      const doubts = await unreadableFindings(deps)
      const edit = await readEdit(memory)
      const bad = (await deps.library.bad())[to.version]
      const agreed = await ask({
        id: 'consent',
        title: memory.undo ? `Go back to ${to.version}?` : `Upgrade zot to ${to.version}?`,
        body: [
          trust ? originText[trust.origin] : 'It ran here before.',
          `SHA-256 ${to.sha256}${got ? `, from ${got.from}` : ''}`,
          ...(bad ? [`It failed here before: ${bad.reason}`] : []),
          ...findings.map(({ id, advice }) => `${id}: ${advice}`),
          ...doubts.map(({ advice }) => advice),
          ...(edit ? [`config.json changes with it. ${edit.why}`, edit.diff] : []),
          'The registry is away for a few seconds. When the version does not prove itself, the one before comes back.',
        ].join('\n'),
        confirm: memory.undo ? 'Go back' : 'Upgrade',
      })
      return agreed ? done : failed('declined', 'It was not agreed to.')
    },
  }
}

/** What a window shows of an edit. */
export const toUpgradeEdit = ({ file, diff, why, required }: ConfigChange): UpgradeEdit => ({
  file,
  diff,
  why,
  required,
})
