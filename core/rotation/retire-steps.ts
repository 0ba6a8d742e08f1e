import { asStep, done, failed, type Runbook, type Step, type StepResult } from '../runbook/step.ts'
import { doneWith, type RetireMemory, type RotationParts } from './deps.ts'
import { accessTo } from './key-access.ts'

export const retireName = 'retire'

type Parts = Pick<RotationParts, 'desk' | 'store' | 'records' | 'retiringChanged'>

/** The end of a key that was replaced: revoked, seen to be refused, forgotten. Each may be done already. */
export function retireSteps<Memory extends RetireMemory>(parts: Parts): Step<Memory>[] {
  const { desk, store, records } = parts

  const isWaiting = ({ registry, user, old }: Memory): boolean =>
    records.find({ registry, user })?.retiring.some(({ uuid }) => uuid === old.uuid) ?? false
  /** Its secret, where it is the newest that waits: of older ones none is kept. */
  const secretOf = async ({ registry, user, old }: Memory): Promise<string | undefined> => {
    if (records.find({ registry, user })?.retiring[0]?.uuid !== old.uuid) return undefined
    const kept = await store.get({ registry, user }, 'retiring')
    return kept.ok ? kept.value : undefined
  }
  const currentOf = async ({ registry, user }: Memory): Promise<string | undefined> => {
    const kept = await store.get({ registry, user }, 'current')
    return kept.ok ? kept.value : undefined
  }

  return [
    {
      id: 'revoke',
      title: 'Revoke the old key',
      why: 'From here on only the new one works. There is no way back.',
      pointOfNoReturn: true,
      check: async ({ memory }) => !isWaiting(memory),
      async apply({ memory }) {
        // A narrow key may end itself, but not the one that it was made with.
        const access = await accessTo(desk, memory.user, [await secretOf(memory), await currentOf(memory)])
        if (!access.ok) return asStep(access)
        // None of them is let in: then the old one is not either.
        return access.value ? asStep(await access.value.revoke(memory.old.uuid)) : done
      },
    },
    {
      id: 'confirm',
      title: 'See that it is refused',
      why: 'A revoked key that still works would be a key that nobody looks after.',
      check: async ({ memory }) => !isWaiting(memory),
      async apply({ memory }) {
        const secret = await secretOf(memory)
        if (secret !== undefined) return refusedNow(memory.user, secret)
        const access = await accessTo(desk, memory.user, [await currentOf(memory)])
        if (!access.ok) return asStep(access)
        const all = await access.value?.list()
        if (all && !all.ok) return asStep(all)
        return all?.value.some(({ uuid }) => uuid === memory.old.uuid) ? stillThere : done
      },
    },
    {
      id: 'forget',
      title: 'Forget it',
      why: 'Nothing of it is kept.',
      check: async ({ memory }) => !isWaiting(memory),
      async apply({ memory }) {
        const { registry, user, old } = memory
        if ((await secretOf(memory)) !== undefined) {
          const gone = await store.delete({ registry, user }, 'retiring')
          if (!gone.ok) return asStep(gone)
        }
        const written = await records.update({ registry, user }, record => ({
          ...record,
          retiring: record.retiring.filter(({ uuid }) => uuid !== old.uuid),
        }))
        parts.retiringChanged()
        return asStep(written)
      },
    },
  ]

  async function refusedNow(user: string, key: string): Promise<StepResult> {
    const own = await desk.own({ user, key })
    if (!own.ok) return asStep(own)
    return own.value === 'refused' ? doneWith('The registry refuses it with 401') : stillThere
  }
}

const stillThere = failed('still-works', 'The old key still works although it was revoked.')

/** The revocation of a key that was replaced, as a run of its own, when its time has come. */
export function retireRunbook(memory: RetireMemory, parts: Parts): Runbook<RetireMemory> {
  return {
    name: retireName,
    title: `Revoke the old key of ${memory.user}`,
    memory,
    steps: retireSteps<RetireMemory>(parts),
    changes: ({ user, old }) => [`the key ${old.label || old.uuid} of ${user} was revoked`],
  }
}
