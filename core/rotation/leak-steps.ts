import { count } from '../../contract/messages/format.ts'
import { ok, type Result } from '../../contract/result.ts'
import { asStep, done, failed, type Step, type StepResult } from '../runbook/step.ts'
import type { KeyOwner } from '../secrets/key-store.ts'
import { doneWith, type RotateContext, type RotateMemory, type RotationDeps } from './deps.ts'
import { type KeyAccess, openKeyAccess } from './key-access.ts'
import type { ListedKey } from './key-client.ts'
import { clientOf, leakReport } from './leak-report.ts'
import { creationsOf, type LoggedRequest, type LoggedRequests, requestsIn } from './logged-requests.ts'
import { revokeLine } from './revoke-line.ts'

type Deps = Pick<RotationDeps, 'client' | 'store' | 'records' | 'requestLog' | 'onRetiringChange'>

/** How often what came meanwhile is looked for. */
const maxRounds = 10

const ownerOf = ({ registry, user }: RotateMemory): KeyOwner => ({ registry, user })

/** After a leak: the keys that a thief may have created, and what was done with the leaked one. */
export function leakSteps(deps: Deps): Step<RotateMemory>[] {
  return [
    {
      id: 'others',
      title: 'Revoke the keys that are not known',
      why: 'Whoever had the key could create others with it.',
      check: async () => false,
      apply: context => revokeOthers(deps, context),
    },
    {
      id: 'uses',
      title: 'Look what used it lately',
      why: 'A person has to check what a thief did with it.',
      check: async () => false,
      apply: context => reportUses(deps, context),
    },
  ]
}

/** Revokes the leaked key with every key that came out of it: whoever has it may have created them. Nobody is asked. */
export function revokeLeaked(deps: Deps) {
  return async (access: KeyAccess, { memory, progress }: RotateContext): Promise<StepResult> => {
    const line = await revokeLine(access, memory.old.uuid, memory.minted?.uuid)
    if (!line.ok) return asStep(line)
    const creators = creationsOf((await logOf(deps, memory)).requests, line.value)
    const byUuid = new Map([...creators].map(([request, { uuid }]) => [uuid, request]))
    for (const key of line.value) {
      const { uuid, label, createdAt, mintedBy } = key
      progress({
        label: 'Keys that were created with it',
        part: {
          id: `key:${uuid}`,
          title: describe(key, byUuid.get(uuid), memory),
          state: 'passed',
          words: 'Revoked',
        },
      })
      const minter = mintedBy === undefined ? {} : { mintedBy }
      noteFound(memory, { uuid, label, createdAt, ...minter, isRevoked: true })
    }
    return line.value.length === 0
      ? done
      : doneWith(`Revoked, with ${count(line.value.length, 'key')} that came out of it`)
  }
}

/** What an interrupted attempt found is not listed any more. */
function noteFound(memory: RotateMemory, key: NonNullable<RotateMemory['found']>[number]): void {
  memory.found = [...(memory.found ?? []).filter(({ uuid }) => uuid !== key.uuid), key]
}

async function revokeOthers(deps: Deps, context: RotateContext): Promise<StepResult> {
  const { client, store, records } = deps
  const { memory, ask, progress } = context
  const access = await openKeyAccess(client, memory.user, [() => store.get(ownerOf(memory), 'current')])
  if (!access.ok) return asStep(access)
  if (!access.value) return failed('key-not-accepted', 'The new key is not accepted any more.')
  const retired = await revokeRetiring(deps, memory, access.value)
  if (!retired.ok) return asStep(retired)
  const all = await access.value.list()
  if (!all.ok) return asStep(all)
  const current = records.find(ownerOf(memory))?.uuid
  const unknown = all.value.filter(({ uuid }) => uuid !== current)
  if (unknown.length === 0) {
    memory.found ??= []
    return doneWith(`${memory.user} has no other key`)
  }
  const creations = creationsOf((await logOf(deps, memory)).requests, unknown)
  const creators = new Map([...creations].map(([request, { uuid }]) => [uuid, request]))
  const label = 'Keys that are not known'
  const titleOf = (key: ListedKey): string => describe(key, creators.get(key.uuid), memory)
  for (const key of unknown)
    progress({ label, part: { id: `key:${key.uuid}`, title: titleOf(key), state: 'pending' } })
  const agreed =
    memory.yes ||
    (await ask({
      id: 'revoke-others',
      title: `Revoke ${count(unknown.length, 'other key')} of ${memory.user}?`,
      body: ['Zotbar does not manage them. There is no way back.', ...unknown.map(titleOf)].join('\n'),
      confirm: 'Revoke them',
    }))
  let revokedCount = 0
  for (let round = 0, rest = unknown; rest.length > 0 && round < maxRounds; round += 1) {
    for (const key of rest) {
      const revoked = agreed ? await access.value.revoke(key.uuid) : undefined
      if (revoked && !revoked.ok) return asStep(revoked)
      if (agreed) revokedCount += 1
      const { uuid, createdAt, mintedBy } = key
      const minter = mintedBy === undefined ? {} : { mintedBy }
      noteFound(memory, { uuid, label: key.label, createdAt, ...minter, isRevoked: agreed })
      const message = agreed ? 'Revoked' : `It still works; to revoke it: zotbar keys revoke ${uuid}`
      const state = agreed ? 'passed' : 'skipped'
      progress({ label, part: { id: `key:${uuid}`, title: titleOf(key), state, words: message } })
    }
    if (!agreed) break
    // Whoever has one of them may have made another while the others went.
    const again = await access.value.list()
    if (!again.ok) return asStep(again)
    rest = again.value.filter(({ uuid }) => uuid !== current)
  }
  return doneWith(
    agreed ? `${count(revokedCount, 'key')} revoked` : `${count(unknown.length, 'key')} still work`,
  )
}

/** The leaked key may be a retiring one: none of them may work until the end of its overlap. */
async function revokeRetiring(
  { store, records, onRetiringChange }: Deps,
  memory: RotateMemory,
  access: KeyAccess,
): Promise<Result<null>> {
  const owner = ownerOf(memory)
  for (const { uuid } of records.find(owner)?.retiring ?? []) {
    const revoked = await revokeLine(access, uuid, memory.minted?.uuid)
    if (!revoked.ok) return revoked
  }
  const emptied = await store.delete(owner, 'retiring')
  if (!emptied.ok) return emptied
  const updated = await records.update(owner, current => ({ ...current, retiring: [] }))
  if (!updated.ok) return updated
  onRetiringChange()
  return ok(null)
}

/** "“deploy”, created 2026-03-01 10:00 UTC with the leaked key from 10.0.0.7 with curl/8.1, 0a1b…". */
function describe(
  { uuid, label, createdAt, mintedBy }: Pick<ListedKey, 'uuid' | 'label' | 'createdAt' | 'mintedBy'>,
  creator: LoggedRequest | undefined,
  { old }: RotateMemory,
): string {
  const isByLeaked = (mintedBy ?? creator?.keyId) === old.uuid
  return [
    `${label || '(no label)'}, created ${createdAt === '' ? 'meanwhile' : minute(createdAt)}`,
    ...(isByLeaked ? ['with the leaked key'] : []),
    ...(creator ? [clientOf(creator)] : []),
  ]
    .join(' ')
    .concat(`, ${uuid}`)
}

const minute = (time: string): string => `${time.slice(0, 16).replace('T', ' ')} UTC`

async function reportUses(deps: Deps, { memory, progress }: RotateContext): Promise<StepResult> {
  const { user, lastUsed, old, found = [] } = memory
  const log = await logOf(deps, memory)
  for (const part of leakReport({ user, leaked: old, log, found }))
    progress({ label: `Requests of ${user} in the log`, part })
  const stillWorking = found.filter(({ isRevoked }) => !isRevoked).length
  return doneWith(
    [
      lastUsed == null
        ? 'When it was used last is not known'
        : `As far as the registry says, it was used last on ${minute(lastUsed)}`,
      ...(stillWorking === 0 ? [] : [`${count(stillWorking, 'key')} that Zotbar does not manage still work`]),
    ].join('; '),
  )
}

async function logOf({ requestLog }: Deps, { user, agent, minted }: RotateMemory): Promise<LoggedRequests> {
  const log = await requestsIn(await requestLog(), { user, ownAgent: agent })
  // Nobody but the sinks has the new key.
  return {
    ...log,
    requests: log.requests.filter(({ keyId }) => keyId === undefined || keyId !== minted?.uuid),
  }
}
