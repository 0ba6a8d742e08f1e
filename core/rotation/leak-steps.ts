import { count } from '../../contract/messages/format.ts'
import { isObject, parseJson } from '../../lib/json.ts'
import { asStep, failed, type Step } from '../runbook/step.ts'
import { doneWith, type RotateMemory, type RotationDeps } from './deps.ts'
import { openKeyAccess } from './key-access.ts'

type Deps = Pick<RotationDeps, 'client' | 'store' | 'records' | 'recentUses' | 'onRetiringChange'>

/** After a leak: the keys that a thief may have created, and the recent uses of the leaked one. */
export function leakSteps({
  client,
  store,
  records,
  recentUses,
  onRetiringChange,
}: Deps): Step<RotateMemory>[] {
  return [
    {
      id: 'others',
      title: 'Revoke the keys that are not known',
      why: 'Whoever had the key could create others with it.',
      check: async () => false,
      async apply({ memory, ask, progress }) {
        const owner = { registry: memory.registry, user: memory.user }
        const access = await openKeyAccess(client, memory.user, [() => store.get(owner, 'current')])
        if (!access.ok) return asStep(access)
        if (!access.value) return failed('key-not-accepted', 'The new key is not accepted any more.')
        // The leaked key may be a retiring one: none of them may work until the end of its overlap.
        const record = records.find(owner)
        for (const { uuid } of record?.retiring ?? []) {
          const revoked = await access.value.revoke(uuid)
          if (!revoked.ok) return asStep(revoked)
        }
        const emptied = await store.delete(owner, 'retiring')
        if (!emptied.ok) return asStep(emptied)
        const updated = await records.update(owner, current => ({ ...current, retiring: [] }))
        if (!updated.ok) return asStep(updated)
        onRetiringChange()
        const all = await access.value.list()
        if (!all.ok) return asStep(all)
        const unknown = all.value.filter(({ uuid }) => uuid !== record?.uuid)
        if (unknown.length === 0) return doneWith(`${memory.user} has no other key`)
        const nameOf = ({ uuid, label, createdAt }: (typeof unknown)[number]): string =>
          `${label || '(no label)'}, created ${createdAt.slice(0, 16).replace('T', ' ')} UTC, ${uuid}`
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
            body: ['Zotbar does not manage them. There is no way back.', ...unknown.map(nameOf)].join('\n'),
            confirm: 'Revoke them',
          }))
        for (const key of unknown) {
          const revoked = agreed ? await access.value.revoke(key.uuid) : undefined
          if (revoked && !revoked.ok) return asStep(revoked)
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
      why: 'A person has to check what a thief did with it.',
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
        return doneWith(`As far as the registry says, ${last}`)
      },
    },
  ]
}

/** The newest requests of a user in lines of the registry's log, newest first: time, request, client. */
export function recentUsesIn(lines: readonly string[], user: string, limit = 10): string[] {
  const uses: string[] = []
  for (const line of [...lines].reverse()) {
    if (uses.length >= limit) break
    const entry = parseJson(line)
    if (!isObject(entry) || entry['username'] !== user || entry['message'] !== 'HTTP API') continue
    const [time, method, path, from] = ['time', 'method', 'path', 'clientIP'].map(name =>
      String(entry[name] ?? ''),
    )
    if (path?.startsWith('/zot/auth/')) continue
    uses.push(
      `${(time ?? '').slice(0, 19).replace('T', ' ')} UTC: ${method} ${path?.slice(0, 200)} from ${from}`,
    )
  }
  return uses
}
