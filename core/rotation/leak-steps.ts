import { count } from '../../contract/messages/format.ts'
import { asStep, failed, type Step } from '../runbook/step.ts'
import { doneWith, type RotateMemory, type RotationParts } from './deps.ts'
import { accessTo } from './key-access.ts'

type Parts = Pick<RotationParts, 'desk' | 'store' | 'records' | 'recentUses' | 'retiringChanged'>

/** What follows when a key has leaked: keys that a thief could have made, and what used it lately. */
export function leakSteps({
  desk,
  store,
  records,
  recentUses,
  retiringChanged,
}: Parts): Step<RotateMemory>[] {
  return [
    {
      id: 'others',
      title: 'Revoke the keys that are not known',
      why: 'Whoever had the key could make others with it.',
      check: async () => false,
      async apply({ memory, ask, progress }) {
        const owner = { registry: memory.registry, user: memory.user }
        const current = await store.get(owner, 'current')
        const access = await accessTo(desk, memory.user, [current.ok ? current.value : undefined])
        if (!access.ok) return asStep(access)
        if (!access.value) return failed('key-not-accepted', 'The new key is not accepted any more.')
        // It may be one of those that has leaked: none of them works on until its time.
        const record = records.find(owner)
        for (const { uuid } of record?.retiring ?? []) {
          const gone = await access.value.revoke(uuid)
          if (!gone.ok) return asStep(gone)
        }
        const emptied = await store.delete(owner, 'retiring')
        if (!emptied.ok) return asStep(emptied)
        const forgotten = await records.update(owner, one => ({ ...one, retiring: [] }))
        if (!forgotten.ok) return asStep(forgotten)
        retiringChanged()
        const all = await access.value.list()
        if (!all.ok) return asStep(all)
        const unknown = all.value.filter(({ uuid }) => uuid !== record?.uuid)
        if (unknown.length === 0) return doneWith(`${memory.user} has no other key`)
        const nameOf = ({ uuid, label, createdAt }: (typeof unknown)[number]): string =>
          `${label || '(no label)'}, made ${createdAt.slice(0, 16).replace('T', ' ')} UTC, ${uuid}`
        for (const key of unknown)
          progress({
            label: 'Keys that are not known',
            part: { id: `key:${key.uuid}`, title: nameOf(key), state: 'pending' },
          })
        const agreed =
          memory.yes ||
          (await ask({
            id: 'revoke-others',
            title: `Revoke ${count(unknown.length, 'other key')} of ${memory.user}?`,
            body: ['They are not under care here. There is no way back.', ...unknown.map(nameOf)].join('\n'),
            confirm: 'Revoke them',
          }))
        for (const key of unknown) {
          const gone = agreed ? await access.value.revoke(key.uuid) : undefined
          if (gone && !gone.ok) return asStep(gone)
          progress({
            label: 'Keys that are not known',
            part: {
              id: `key:${key.uuid}`,
              title: nameOf(key),
              state: agreed ? 'passed' : 'skipped',
              words: agreed ? 'Revoked' : 'It still works',
            },
          })
        }
        return doneWith(
          agreed ? `${count(unknown.length, 'key')} revoked` : `${count(unknown.length, 'key')} still work`,
        )
      },
    },
    {
      id: 'uses',
      title: 'Look what used it lately',
      why: 'What a thief did with it has to be looked at by a person.',
      check: async () => false,
      async apply({ memory, progress }) {
        const { user, lastUsed } = memory
        const uses = await recentUses(user)
        for (const [at, words] of uses.entries())
          progress({
            label: `Requests of ${user} in the log`,
            part: { id: `use:${at}`, title: words, state: 'unproven' },
          })
        const last =
          lastUsed == null
            ? 'when it was used last is not known'
            : `it was used last on ${lastUsed.slice(0, 16).replace('T', ' ')} UTC`
        return doneWith(`As far as the registry tells, ${last}`)
      },
    },
  ]
}
