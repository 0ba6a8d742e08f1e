import { count, duration } from '../../contract/messages/format.ts'
import { ok, type Result } from '../../contract/result.ts'
import { asStep, done, failed, type Runbook, type Step, type StepResult } from '../runbook/step.ts'
import { keepStep, mintStep } from './create-steps.ts'
import { deliverStep, reachSink, sinkPart } from './deliver.ts'
import { doneWith, type RotateContext, type RotateMemory, type RotationParts } from './deps.ts'
import { accessTo } from './key-access.ts'
import type { KeyRecord, Owner } from './key-record.ts'
import { leakSteps } from './leak-steps.ts'
import { waitedForMs } from './policy.ts'
import { proveKey } from './prove-key.ts'
import { retireSteps } from './retire-steps.ts'

export const rotateName = 'rotate'

type RotateStep = Step<RotateMemory>

/** A clock that is further off than this makes keys that end at another time than it says. */
const clockLimitMs = 5 * 60_000

const ownerOf = ({ registry, user }: RotateMemory): Owner => ({ registry, user })

/** Whether the revocation is part of the run; otherwise it is a run of its own, later. */
const isRevokedInRun = ({ overlapMs, leaked }: Pick<RotateMemory, 'overlapMs' | 'leaked'>): boolean =>
  leaked || overlapMs <= waitedForMs

/** A new key takes the place of the one in use, and at every instant one of them works everywhere. */
export function rotateRunbook(memory: RotateMemory, parts: RotationParts): Runbook<RotateMemory> {
  const { user, leaked } = memory
  return {
    name: rotateName,
    title: leaked ? `Replace the leaked key of ${user}` : `Rotate the key of ${user}`,
    memory,
    steps: [
      preflightStep(parts),
      askStep(parts),
      mintStep(parts),
      keepStep(parts),
      deliverStep(parts),
      proveStep(parts),
      switchStep(parts),
      overlapStep(parts),
      ...(isRevokedInRun(memory) ? retireSteps<RotateMemory>(parts) : []),
      ...(leaked ? leakSteps(parts) : []),
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

function preflightStep(parts: RotationParts): RotateStep {
  const { clock, desk, store, records } = parts
  return {
    id: 'preflight',
    title: 'Look whether everything is there',
    why: 'What would fail is found before a key is made.',
    cancellable: true,
    check: async () => false,
    async apply(context) {
      const { memory, progress } = context
      const tell = (
        id: string,
        title: string,
        words: string,
        state: 'passed' | 'unproven' = 'passed',
      ): void => progress({ label: title, part: { id, title, state, words } })
      const there = await desk.clockOf()
      if (!there.ok) return asStep(there)
      tell('registry', 'The registry', 'It answers')
      const off = there.value === undefined ? 0 : there.value - clock.now()
      if (Math.abs(off) > clockLimitMs)
        return failed(
          'clock-wrong',
          `The registry’s clock is ${duration(Math.abs(off))} ${off > 0 ? 'ahead' : 'behind'}: set one of the two right first.`,
        )
      tell('clock', 'The clocks', 'They agree')
      const where = await store.where()
      if (where.kind === 'none') return asStep({ ok: false, error: where.error })
      tell('store', 'Where keys are kept', await store.describe())
      for (const { spec } of records.find(ownerOf(memory))?.sinks ?? []) {
        const sink = parts.sink(spec)
        if (!sink) return failed('bad-sink', `${spec} is not understood any more.`)
        const label = 'Looking at each place'
        progress({ label, part: sinkPart(spec, sink, 'working') })
        const error = await reachSink(sink, context)
        progress({ label, part: sinkPart(spec, sink, error ? 'failed' : 'passed', error?.words) })
        if (error) return { ok: false, error }
      }
      return keyInUse(context)
    },
  }

  async function keyInUse({ memory, progress }: RotateContext): Promise<StepResult> {
    const current = await store.get(ownerOf(memory), 'current')
    if (!current.ok) return asStep(current)
    const title = 'The key in use'
    const say = (state: 'passed' | 'unproven' | 'skipped', words: string): void =>
      progress({ label: title, part: { id: 'current', title, state, words } })
    if (memory.leaked) {
      say('skipped', 'It has leaked and is not used')
      return done
    }
    const own =
      current.value === undefined ? undefined : await desk.own({ user: memory.user, key: current.value })
    if (own && !own.ok) return asStep(own)
    memory.oldWorks = own !== undefined && own.value !== 'refused'
    if (memory.oldWorks) say('passed', 'It works')
    else say('unproven', 'It does not work any more; the new one is made another way')
    if (own?.ok && own.value !== 'refused')
      memory.old.scopes = own.value.find(({ uuid }) => uuid === memory.old.uuid)?.scopes ?? []
    return done
  }
}

/** What a person agrees to: where the key goes, and when there is no way back. */
function consentOf(memory: RotateMemory, record: KeyRecord | undefined): string {
  const places = record?.sinks.map(({ spec }) => spec) ?? []
  return [
    places.length === 0
      ? 'It is handed to no place: whoever uses it has to be told.'
      : `The new key goes to ${count(places.length, 'place')}, in this order: ${places.join(', ')}.`,
    isRevokedInRun(memory)
      ? `The old key is revoked ${memory.overlapMs === 0 || memory.leaked ? 'at once' : `after ${duration(memory.overlapMs)}`}, when the new one has proved itself. There is no way back then.`
      : `The old key goes on working for ${duration(memory.overlapMs)}, then it is revoked. There is no way back then.`,
  ].join('\n')
}

function askStep({ records }: RotationParts): RotateStep {
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

function proveStep({ desk, store, records }: RotationParts): RotateStep {
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
        desk,
        bearer: { user, key: next.value ?? '' },
        repository: records.find(owner)?.proveRepository,
        ...(before === undefined ? {} : { before: { user, key: before } }),
        tell: part => progress({ label: 'Trying the new key', part }),
      })
      const bad = checks.find(({ state }) => state === 'failed')
      if (bad) return failed('proof-failed', `The new key did not prove itself: ${bad.words ?? bad.title}.`)
      const open = checks.filter(({ state }) => state === 'skipped').length
      return doneWith(open === 0 ? 'All of it was tried' : `${count(open, 'check')} could not be tried`)
    },
  }
}

function switchStep(parts: RotationParts): RotateStep {
  const { clock, desk, store, records } = parts
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
      const where = await store.where()
      if (where.kind === 'none') return asStep({ ok: false, error: where.error })
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
        kept: where.kind,
        retiring: [retiring, ...record.retiring.filter(one => one.uuid !== old.uuid)],
      }))
      return asStep(written)
    },
    async undo({ memory }) {
      const owner = ownerOf(memory)
      const back = await demote(owner)
      if (!back.ok) return asStep(back)
      const { uuid, label, createdAt, expirationDate } = memory.old
      const written = await records.update(owner, record => ({
        ...record,
        ...{ uuid, label, createdAt, expirationDate },
        pending: memory.label,
        retiring: record.retiring.filter(one => one.uuid !== uuid),
      }))
      return asStep(written)
    },
  }

  /** `promote` taken back, however far it came: `current` is never empty where it was not. */
  async function demote(owner: Owner): Promise<Result<null>> {
    const [next, current] = [await store.get(owner, 'next'), await store.get(owner, 'current')]
    if (!next.ok) return next
    if (!current.ok) return current
    const retiring = await store.get(owner, 'retiring')
    if (!retiring.ok) return retiring
    const promoted = next.value === undefined || next.value === current.value
    if (promoted && current.value !== undefined) {
      const put = await store.set(owner, 'next', current.value)
      if (!put.ok) return put
      if (retiring.value === undefined) return store.delete(owner, 'current')
      const again = await store.set(owner, 'current', retiring.value)
      return again.ok ? store.delete(owner, 'retiring') : again
    }
    // An older one that waits for its own end stays.
    return retiring.value === current.value ? store.delete(owner, 'retiring') : ok(null)
  }

  /** Before it is asked with once more, to see that it is refused. */
  async function noteLastUse(memory: RotateMemory): Promise<void> {
    const next = await store.get(ownerOf(memory), 'next')
    const access = await accessTo(desk, memory.user, [next.ok ? next.value : undefined])
    const all = access.ok ? await access.value?.list() : undefined
    if (all?.ok) memory.lastUsed = all.value.find(({ uuid }) => uuid === memory.old.uuid)?.lastUsed ?? null
  }
}

function overlapStep({ clock, retiringChanged }: RotationParts): RotateStep {
  return {
    id: 'overlap',
    title: 'Let both keys work for a while',
    why: 'What still uses the old one can finish.',
    cancellable: true,
    check: async () => false,
    async apply({ memory, signal, progress }) {
      const until = Date.parse(memory.retireAt ?? '')
      if (!isRevokedInRun(memory)) {
        retiringChanged()
        return doneWith(`The old key is revoked at ${memory.retireAt}`)
      }
      if (memory.leaked || memory.overlapMs === 0) return doneWith('There is none')
      progress({ label: `Both work for ${duration(memory.overlapMs)}` })
      await new Promise<void>(resolve => {
        const stop = clock.setTimer(until, resolve)
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
