import { count, duration } from '../../contract/messages/format.ts'
import { ok, type Result } from '../../contract/result.ts'
import { asStep, done, failed, type Runbook, type Step } from '../runbook/step.ts'
import type { KeyOwner } from '../secrets/key-store.ts'
import { checkStoredStep, createKeyStep, withKeyInUse } from './create-steps.ts'
import { deliverStep } from './deliver.ts'
import { doneWith, type RotateMemory, type RotationDeps } from './deps.ts'
import { openKeyAccess } from './key-access.ts'
import type { KeyRecord } from './key-record.ts'
import { leakSteps, revokeLeaked } from './leak-steps.ts'
import { overlapInRunMs } from './policy.ts'
import { preflightStep } from './preflight-step.ts'
import { proveKey, unprovenUses } from './prove-key.ts'
import { retireSteps } from './retire-steps.ts'

export const rotateName = 'rotate'

type RotateStep = Step<RotateMemory>

const ownerOf = ({ registry, user }: RotateMemory): KeyOwner => ({ registry, user })

/** Whether this run revokes the old key; otherwise a later run does. */
const isRevokedInRun = ({ overlapMs, leaked }: Pick<RotateMemory, 'overlapMs' | 'leaked'>): boolean =>
  leaked || overlapMs <= overlapInRunMs

/** Replaces the key in use by a new one, so that at every moment one of them works everywhere. */
export function rotateRunbook(memory: RotateMemory, rotation: RotationDeps): Runbook<RotateMemory> {
  const { user, leaked, agent } = memory
  const deps = { ...rotation, client: rotation.client.withAgent(agent) }
  return {
    name: rotateName,
    title: leaked ? `Replace the leaked key of ${user}` : `Rotate the key of ${user}`,
    memory,
    steps: [
      preflightStep(deps),
      askStep(deps),
      createKeyStep(deps),
      checkStoredStep(deps),
      deliverStep(deps),
      proveStep(deps),
      switchStep(deps),
      overlapStep(deps),
      ...(isRevokedInRun(memory)
        ? retireSteps<RotateMemory>(deps, leaked ? revokeLeaked(deps) : undefined)
        : []),
      ...(leaked ? leakSteps(deps) : []),
    ],
    changes: ({ minted, retireAt }) => [
      `the key of ${user}: ${memory.old.label || memory.old.uuid} became ${minted?.label || minted?.uuid || 'a new one'}`,
      ...(isRevokedInRun(memory)
        ? ['the old key was revoked']
        : [`the old key is revoked at ${retireAt ?? 'the end of the overlap'}`]),
    ],
    retireAt: ({ retireAt }) => (isRevokedInRun(memory) ? undefined : retireAt),
  }
}

/** What the user agrees to: the sinks, and when the old key is revoked. */
function consentOf(memory: RotateMemory, record: KeyRecord | undefined): string {
  const specs = record?.sinks.map(({ spec }) => spec) ?? []
  return [
    specs.length === 0
      ? 'It is delivered to no sink: give it to the programs that use it.'
      : `The new key goes to ${count(specs.length, 'sink')}, in this order: ${specs.join(', ')}.`,
    isRevokedInRun(memory)
      ? `The old key is revoked ${memory.overlapMs === 0 || memory.leaked ? 'at once' : `after ${duration(memory.overlapMs)}`}, when the new one has proved itself${memory.leaked ? ', and so is every key that was created with it' : ''}. There is no way back then.`
      : `The old key goes on working for ${duration(memory.overlapMs)}, then it is revoked. There is no way back then.`,
  ].join('\n')
}

function askStep({ records }: RotationDeps): RotateStep {
  return {
    id: 'ask',
    title: 'Ask for consent',
    why: 'A key that is revoked cannot be brought back.',
    cancellable: true,
    check: async ({ memory }) => memory.yes,
    async apply({ memory, ask }) {
      const agreed = await ask({
        id: 'consent',
        title: memory.leaked
          ? `Replace the leaked key of ${memory.user}?`
          : `Rotate the key of ${memory.user}?`,
        body: consentOf(memory, records.find(ownerOf(memory))),
        confirm: 'Rotate',
      })
      return agreed ? done : failed('declined', 'It was not agreed to.')
    },
  }
}

function proveStep({ client, store, records }: RotationDeps): RotateStep {
  return {
    id: 'prove',
    title: 'Prove that the new key works',
    why: 'It takes over only when it can do what it is for.',
    cancellable: true,
    check: async () => false,
    async apply({ memory, progress }) {
      const owner = ownerOf(memory)
      const [next, current] = [await store.get(owner, 'next'), await store.get(owner, 'current')]
      if (!next.ok) return asStep(next)
      const { user } = memory
      const before = current.ok && memory.oldWorks ? current.value : undefined
      const checks = await proveKey({
        client,
        bearer: { user, key: next.value ?? '' },
        repository: records.find(owner)?.proveRepository,
        ...(before === undefined ? {} : { before: { user, key: before } }),
        onPart: part => progress({ label: 'Trying the new key', part }),
      })
      const failure = checks.find(({ state }) => state === 'failed')
      if (failure)
        return failed('proof-failed', `The new key did not prove itself: ${failure.words ?? failure.title}.`)
      const untried = checks.filter(({ state }) => state === 'skipped')
      const unproven = unprovenUses(checks)
      return {
        ...doneWith(
          untried.length === 0
            ? 'All of it was tried'
            : `${count(untried.length, 'check')} could not be tried`,
        ),
        ...(unproven.length === 0 ? {} : { unproven }),
      }
    },
  }
}

function switchStep(deps: RotationDeps): RotateStep {
  const { clock, client, store, records } = deps
  return {
    id: 'switch',
    title: 'Make it the key in use',
    why: 'From here on the new key is the current one; the old one still works.',
    check: async ({ memory }) =>
      memory.minted !== undefined && records.find(ownerOf(memory))?.uuid === memory.minted.uuid,
    async apply({ memory }) {
      const owner = ownerOf(memory)
      const { minted, old } = memory
      if (!minted) return failed('key-not-kept', 'There is no new key.')
      const backend = await store.backend()
      if (backend.kind === 'none') return asStep({ ok: false, error: backend.error })
      if (memory.leaked) await noteLastUse(memory)
      const promoted = await store.promote(owner)
      if (!promoted.ok) return asStep(promoted)
      const now = clock.now()
      memory.switchedAt ??= new Date(now).toISOString()
      memory.retireAt ??= new Date(now + (memory.leaked ? 0 : memory.overlapMs)).toISOString()
      const retiring = {
        uuid: old.uuid,
        label: old.label,
        since: memory.switchedAt,
        retireAt: memory.retireAt,
      }
      const { uuid, label, createdAt, expirationDate } = minted
      const written = await records.update(owner, ({ pending: _, trouble: __, ...record }) => ({
        ...record,
        uuid,
        label,
        createdAt,
        expirationDate,
        kept: backend.kind,
        retiring: [retiring, ...record.retiring.filter(entry => entry.uuid !== old.uuid)],
      }))
      return asStep(written)
    },
    async undo({ memory }) {
      const owner = ownerOf(memory)
      const demoted = await demote(owner)
      if (!demoted.ok) return asStep(demoted)
      const { uuid, label, createdAt, expirationDate } = memory.old
      const written = await records.update(owner, record => ({
        ...record,
        ...{ uuid, label, createdAt, expirationDate },
        pending: memory.label,
        retiring: record.retiring.filter(entry => entry.uuid !== uuid),
      }))
      return asStep(written)
    },
  }

  /** Undoes `promote`, also a partial one. `current` is never empty where it was not before. */
  async function demote(owner: KeyOwner): Promise<Result<null>> {
    const [next, current] = [await store.get(owner, 'next'), await store.get(owner, 'current')]
    if (!next.ok) return next
    if (!current.ok) return current
    const retiring = await store.get(owner, 'retiring')
    if (!retiring.ok) return retiring
    const isPromoted = next.value === undefined || next.value === current.value
    if (isPromoted && current.value !== undefined) {
      const stored = await store.set(owner, 'next', current.value)
      if (!stored.ok) return stored
      if (retiring.value === undefined) return store.delete(owner, 'current')
      const restored = await store.set(owner, 'current', retiring.value)
      return restored.ok ? store.delete(owner, 'retiring') : restored
    }
    // An older key that waits for its own revocation stays.
    return retiring.value === current.value ? store.delete(owner, 'retiring') : ok(null)
  }

  /** Notes it before the check that the key is refused, which would count as a use. */
  async function noteLastUse(memory: RotateMemory): Promise<void> {
    const access = await openKeyAccess(client, memory.user, [() => store.get(ownerOf(memory), 'next')])
    const all = access.ok ? await access.value?.list() : undefined
    // Where the new key could only be created with the leaked one, that was its last use.
    if (all?.ok && memory.minted?.how !== withKeyInUse)
      memory.lastUsed = all.value.find(({ uuid }) => uuid === memory.old.uuid)?.lastUsed ?? null
  }
}

function overlapStep({ clock, onRetiringChange }: RotationDeps): RotateStep {
  return {
    id: 'overlap',
    title: 'Let both keys work for a while',
    why: 'What still uses the old one can finish.',
    cancellable: true,
    check: async () => false,
    async apply({ memory, signal, progress }) {
      const retireAt = Date.parse(memory.retireAt ?? '')
      if (!isRevokedInRun(memory)) {
        onRetiringChange()
        return doneWith(`The old key is revoked at ${memory.retireAt}`)
      }
      if (memory.leaked || memory.overlapMs === 0) return doneWith('There is none')
      progress({ label: `Both work for ${duration(memory.overlapMs)}` })
      await new Promise<void>(resolve => {
        const stop = clock.setTimer(retireAt, resolve)
        const end = (): void => {
          stop()
          resolve()
        }
        if (signal.aborted) end()
        else signal.addEventListener('abort', end, { once: true })
      })
      return signal.aborted ? failed('cancelled', 'It was cancelled.') : done
    },
  }
}
