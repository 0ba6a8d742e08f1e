import { duration } from '../../contract/messages/format.ts'
import { asStep, done, failed, type Step, type StepResult } from '../runbook/step.ts'
import type { KeyOwner } from '../secrets/key-store.ts'
import { reachSink, sinkPart } from './deliver.ts'
import type { RotateContext, RotateMemory, RotationDeps } from './deps.ts'
import { openKeyAccess } from './key-access.ts'

/** With clocks further apart a key would expire at another time than its date says. */
const clockLimitMs = 5 * 60_000

const ownerOf = ({ registry, user }: RotateMemory): KeyOwner => ({ registry, user })

/** Registry, clock, store, sinks and the key in use are looked at before a key is created. */
export function preflightStep(deps: RotationDeps): Step<RotateMemory> {
  const { clock, client, store, records } = deps
  return {
    id: 'preflight',
    title: 'Check that everything is there',
    why: 'What would fail is found before a key is created.',
    cancellable: true,
    check: async () => false,
    async apply(context) {
      const { memory, progress } = context
      const report = (
        id: string,
        title: string,
        message: string,
        state: 'passed' | 'unproven' = 'passed',
      ): void => progress({ label: title, part: { id, title, state, words: message } })
      const registryTime = await client.registryTime()
      if (!registryTime.ok) return asStep(registryTime)
      report('registry', 'The registry', 'It answers')
      const differenceMs = registryTime.value === undefined ? 0 : registryTime.value - clock.now()
      if (Math.abs(differenceMs) > clockLimitMs)
        return failed(
          'clock-wrong',
          `The registry’s clock is ${duration(Math.abs(differenceMs))} ${differenceMs > 0 ? 'ahead' : 'behind'}: set one of the two right first.`,
        )
      report('clock', 'The clocks', 'They agree')
      const backend = await store.backend()
      if (backend.kind === 'none') return asStep({ ok: false, error: backend.error })
      report('store', 'Where keys are stored', await store.describe())
      for (const { spec } of records.find(ownerOf(memory))?.sinks ?? []) {
        const sink = deps.sink(spec)
        if (!sink) return failed('bad-sink', `${spec} is not understood any more.`)
        const label = 'Checking each sink'
        progress({ label, part: sinkPart(spec, sink, 'working') })
        const error = await reachSink(sink, context)
        progress({ label, part: sinkPart(spec, sink, error ? 'failed' : 'passed', error?.words) })
        if (error) return { ok: false, error }
      }
      return checkKeyInUse(context)
    },
  }

  async function checkKeyInUse({ memory, progress }: RotateContext): Promise<StepResult> {
    const current = await store.get(ownerOf(memory), 'current')
    if (!current.ok) return asStep(current)
    const title = 'The key in use'
    const report = (state: 'passed' | 'unproven' | 'skipped', message: string): void =>
      progress({ label: title, part: { id: 'current', title, state, words: message } })
    // The administration knows them also where the key itself is not, or may not be, asked.
    const access = await openKeyAccess(client, memory.user, [])
    if (!access.ok) return asStep(access)
    const all = await access.value?.list()
    const known = all?.ok ? all.value.find(({ uuid }) => uuid === memory.old.uuid) : undefined
    if (known) memory.old.scopes = known.scopes
    if (known?.mintedBy !== undefined) memory.old.mintedBy = known.mintedBy
    if (memory.leaked) {
      report('skipped', 'It has leaked and is not used')
      return done
    }
    const listed =
      current.value === undefined
        ? undefined
        : await client.listOwn({ user: memory.user, key: current.value })
    if (listed && !listed.ok) return asStep(listed)
    memory.oldWorks = listed !== undefined && listed.value !== 'refused'
    if (memory.oldWorks) report('passed', 'It works')
    else report('unproven', 'It does not work any more; the new one is created another way')
    if (!known && listed?.ok && listed.value !== 'refused')
      memory.old.scopes = listed.value.find(({ uuid }) => uuid === memory.old.uuid)?.scopes ?? []
    return done
  }
}
