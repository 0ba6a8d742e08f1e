import { ok, type Result } from '../../contract/result.ts'
import {
  asStep,
  done,
  failed,
  type Runbook,
  type Step,
  type StepContext,
  type StepResult,
} from '../runbook/step.ts'
import { doneWith, type RetireMemory, type RotationDeps } from './deps.ts'
import { type KeyAccess, openKeyAccess } from './key-access.ts'

export const retireName = 'retire'

type Deps = Pick<RotationDeps, 'client' | 'store' | 'records' | 'onRetiringChange'>

type Revoke<Memory> = (access: KeyAccess, context: StepContext<Memory>) => Promise<StepResult>

/**
 * Revokes a replaced key, checks that it is refused, and forgets it. Each step may be done already. `revoke`: where
 * more than the key itself has to go.
 */
export function retireSteps<Memory extends RetireMemory>(
  deps: Deps,
  revoke: Revoke<Memory> = async (access, { memory }) => asStep(await access.revoke(memory.old.uuid)),
): Step<Memory>[] {
  const { client, store, records } = deps

  const isWaiting = ({ registry, user, old }: Memory): boolean =>
    records.find({ registry, user })?.retiring.some(({ uuid }) => uuid === old.uuid) ?? false
  /** Its secret, which is stored only for the newest of the keys that wait. */
  const secretOf = async ({ registry, user, old }: Memory): Promise<Result<string | undefined>> =>
    records.find({ registry, user })?.retiring[0]?.uuid === old.uuid
      ? store.get({ registry, user }, 'retiring')
      : ok(undefined)
  const currentOf = ({ registry, user }: Memory): Promise<Result<string | undefined>> =>
    store.get({ registry, user }, 'current')

  return [
    {
      id: 'revoke',
      title: 'Revoke the old key',
      why: 'From here on only the new one works. There is no way back.',
      pointOfNoReturn: true,
      check: async ({ memory }) => !isWaiting(memory),
      async apply(context) {
        const { memory } = context
        // A key with few permissions may revoke itself, but not the key that created it.
        const access = await openKeyAccess(client, memory.user, [
          () => secretOf(memory),
          () => currentOf(memory),
        ])
        if (!access.ok) return asStep(access)
        // Where the registry accepts none of them, the old one does not work either.
        return access.value ? revoke(access.value, context) : done
      },
    },
    {
      id: 'confirm',
      title: 'Check that it is refused',
      why: 'A revoked key that still works would be a key that nobody manages.',
      check: async ({ memory }) => !isWaiting(memory),
      async apply({ memory }) {
        const secret = await secretOf(memory)
        if (!secret.ok) return asStep(secret)
        if (secret.value !== undefined) return checkRefused(memory.user, secret.value)
        const access = await openKeyAccess(client, memory.user, [() => currentOf(memory)])
        if (!access.ok) return asStep(access)
        const all = await access.value?.list()
        if (all && !all.ok) return asStep(all)
        return all?.value.some(({ uuid }) => uuid === memory.old.uuid) ? stillWorks : done
      },
    },
    {
      id: 'forget',
      title: 'Forget it',
      why: 'Nothing of it stays stored.',
      check: async ({ memory }) => !isWaiting(memory),
      async apply({ memory }) {
        const { registry, user, old } = memory
        const secret = await secretOf(memory)
        if (!secret.ok) return asStep(secret)
        if (secret.value !== undefined) {
          const deleted = await store.delete({ registry, user }, 'retiring')
          if (!deleted.ok) return asStep(deleted)
        }
        const written = await records.update({ registry, user }, record => ({
          ...record,
          retiring: record.retiring.filter(({ uuid }) => uuid !== old.uuid),
        }))
        deps.onRetiringChange()
        return asStep(written)
      },
    },
  ]

  async function checkRefused(user: string, key: string): Promise<StepResult> {
    const listed = await client.listOwn({ user, key })
    if (!listed.ok) return asStep(listed)
    return listed.value === 'refused' ? doneWith('The registry refuses it with 401') : stillWorks
  }
}

const stillWorks = failed('still-works', 'The old key still works although it was revoked.')

/** Revokes a replaced key in a run of its own, when its overlap is over. */
export function retireRunbook(memory: RetireMemory, deps: Deps): Runbook<RetireMemory> {
  return {
    name: retireName,
    title: `Revoke the old key of ${memory.user}`,
    memory,
    steps: retireSteps<RetireMemory>(deps),
    changes: ({ user, old }) => [`the key ${old.label || old.uuid} of ${user} was revoked`],
  }
}
