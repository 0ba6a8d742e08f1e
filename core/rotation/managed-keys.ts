import type { KeyProof } from '../../contract/key.ts'
import { fail, ok, type Result } from '../../contract/result.ts'
import type { RunbookPart } from '../../contract/runbook.ts'
import type { Sink } from '../sinks/sink.ts'
import { handOver, sinkPart, withSink } from './deliver.ts'
import type { RotationParts } from './deps.ts'
import { acceptKey, accessTo, identify, readKey } from './key-access.ts'
import type { KeyRecord, Owner, SinkRecord } from './key-record.ts'
import { dayMs } from './policy.ts'
import { proveKey, works } from './prove-key.ts'

export interface Wish {
  key?: string | undefined
  sinks?: string[] | undefined
  proveRepository?: string | undefined
}

type Facts = Pick<KeyRecord, 'uuid' | 'label' | 'createdAt' | 'expirationDate'>
/** `fresh`: it was just made, so nobody holds it yet. */
type Found = { secret: string; facts: Facts; fresh: boolean }

/** Nobody is there to be asked. */
const unasked = { ask: async () => false, signal: new AbortController().signal }

/** Putting keys under care, looking at them, and letting go of them. */
export function createCare(parts: RotationParts, sinkOf: (spec: string) => Result<Sink>) {
  const { clock, desk, store, records } = parts
  const at = (): string => new Date(clock.now()).toISOString()

  async function given(owner: Owner, text: string): Promise<Result<Found>> {
    const secret = readKey(text)
    if (!secret.ok) return secret
    const bearer = { user: owner.user, key: secret.value }
    const accepted = await acceptKey(
      desk,
      bearer,
      records.all().map(({ user }) => user),
    )
    if (!accepted.ok) return accepted
    const found = await identify(desk, bearer, { now: clock.now, pause: parts.pause })
    return found.ok ? ok({ secret: secret.value, facts: factsOf(found.value), fresh: false }) : found
  }

  async function minted({ user }: Owner, label: string): Promise<Result<Found>> {
    if (!(await desk.ofEverybody())) return fail({ code: 'key-needed', user })
    const expirationDate = new Date(clock.now() + parts.policy().days * dayMs).toISOString()
    const made = await desk.mintFor({ user, label, scopes: [], expirationDate })
    if (!made.ok) return made
    const { secret, ...facts } = made.value
    return ok({ secret, facts: { ...facts, label }, fresh: true })
  }

  async function keyFor(owner: Owner, key: string | undefined, label: string): Promise<Result<Found>> {
    if (key !== undefined) return given(owner, key)
    const record = records.find(owner)
    if (!record) return minted(owner, label)
    const kept = await store.get(owner, 'current')
    if (!kept.ok) return kept
    if (kept.value === undefined) return minted(owner, label)
    return ok({ secret: kept.value, facts: factsOf(record), fresh: false })
  }

  /** Hands the key to a sink where that is known to change nothing that works; else with the next rotation. */
  async function settle(
    owner: Owner,
    sink: Sink,
    { secret, facts, fresh }: Found,
    known: SinkRecord | undefined,
  ): Promise<SinkRecord> {
    const parcel = { user: owner.user, key: secret, registryHost: owner.registry }
    const { provable } = sink.describe()
    const before = provable ? await sink.prove(parcel, unasked.signal) : undefined
    const spec = sink.id
    if (before?.holds === 'this') return { spec, state: 'proven', handed: facts.uuid, at: at() }
    if (!provable && known?.state === 'accepted' && known.handed === facts.uuid) return known
    // What got an older key from here gets this one too.
    if (!provable && !fresh && known?.handed === undefined)
      return { spec, state: 'unknown', words: 'It is handed over with the next rotation' }
    const handed = await handOver(sink, parcel, unasked)
    return 'error' in handed
      ? { spec, state: 'failed', at: at(), words: handed.error.words }
      : { spec, ...handed, handed: facts.uuid, at: at() }
  }

  /** Puts a key under care, or changes what is known of it. A sink that does not work is told, and fails nothing. */
  async function manage(owner: Owner, wish: Wish, label: string): Promise<Result<RunbookPart[]>> {
    const before = records.find(owner)
    const sinks: Sink[] = []
    for (const spec of wish.sinks ?? before?.sinks.map(one => one.spec) ?? []) {
      const sink = sinkOf(spec)
      if (!sink.ok) return sink
      if (!sinks.some(one => one.id === sink.value.id)) sinks.push(sink.value)
    }
    const where = await store.where()
    if (where.kind === 'none') return fail(where.error)
    const found = await keyFor(owner, wish.key, label)
    if (!found.ok) return found
    const { secret, facts, fresh } = found.value
    const kept = await store.set(owner, 'current', secret)
    if (!kept.ok) {
      if (fresh) await desk.revokeAny(facts.uuid)
      return kept
    }
    const proveRepository = wish.proveRepository ?? before?.proveRepository
    const record: KeyRecord = {
      ...owner,
      ...facts,
      kept: where.kind,
      sinks: sinks.map(
        ({ id }) => before?.sinks.find(({ spec }) => spec === id) ?? { spec: id, state: 'unknown' },
      ),
      ...(proveRepository === undefined ? {} : { proveRepository }),
      retiring: before?.retiring ?? [],
      ...(before?.pending === undefined ? {} : { pending: before.pending }),
    }
    const written = await records.put(record)
    if (!written.ok) return written
    for (const sink of sinks) {
      const { spec, ...next } = await settle(
        owner,
        sink,
        found.value,
        before?.sinks.find(one => one.spec === sink.id),
      )
      const noted = await records.update(owner, one => withSink(one, spec, next))
      if (!noted.ok) return noted
    }
    const checks = await proveKey({
      desk,
      bearer: { user: owner.user, key: secret },
      repository: proveRepository,
      tell: () => {},
    })
    return ok(checks)
  }

  /** Tries the key in use, and looks what each sink holds. */
  async function prove(owner: Owner): Promise<Result<KeyProof>> {
    const record = records.find(owner)
    if (!record) return notManaged(owner.user)
    const current = await store.get(owner, 'current')
    if (!current.ok) return current
    if (current.value === undefined) return fail({ code: 'key-not-kept', ...owner, slot: 'current' })
    const { user, registry } = owner
    const parcel = { user, key: current.value, registryHost: registry }
    const checks = await proveKey({
      desk,
      bearer: { user, key: current.value },
      repository: record.proveRepository,
      tell: () => {},
    })
    for (const one of record.sinks) {
      const sink = parts.sink(one.spec)
      const proof = await sink?.prove(parcel, unasked.signal)
      const { next, part } = seen(one, sink, proof, at())
      checks.push(part)
      const noted = await records.update(owner, known => withSink(known, one.spec, next))
      if (!noted.ok) return noted
    }
    return ok({ user, works: works(checks), checks })
  }

  /** The key goes on working, and is known here no more; older ones that wait for their end are ended now. */
  async function unmanage(owner: Owner): Promise<Result<{ user: string; uuid: string }>> {
    const record = records.find(owner)
    if (!record) return notManaged(owner.user)
    const current = await store.get(owner, 'current')
    if (record.retiring.length > 0 || record.pending !== undefined) {
      const access = await accessTo(desk, owner.user, [current.ok ? current.value : undefined])
      if (!access.ok) return access
      const all = await access.value?.list()
      const made = all?.ok ? all.value.filter(({ label }) => label === record.pending) : []
      for (const { uuid } of [...record.retiring, ...made]) {
        const gone = await access.value?.revoke(uuid)
        if (gone && !gone.ok) return gone
      }
    }
    for (const slot of ['retiring', 'next', 'current'] as const) {
      const gone = await store.delete(owner, slot)
      if (!gone.ok) return gone
    }
    const removed = await records.remove(owner)
    return removed.ok ? ok({ user: owner.user, uuid: record.uuid }) : removed
  }

  const notManaged = (user: string) =>
    fail({ code: 'key-not-managed', user, known: records.all().map(one => one.user) })

  return { manage, prove, unmanage, notManaged }
}

const factsOf = ({ uuid, label, createdAt, expirationDate }: Facts): Facts => ({
  uuid,
  label,
  createdAt,
  expirationDate,
})

type Proof = Awaited<ReturnType<Sink['prove']>>

/** What a look at a sink found, for the record and for the list of checks. */
function seen(
  one: SinkRecord,
  sink: Sink | undefined,
  proof: Proof | undefined,
  at: string,
): { next: Omit<SinkRecord, 'spec'>; part: RunbookPart } {
  const { spec, ...before } = one
  const { words: _, ...plain } = before
  switch (proof?.holds) {
    case 'this':
      return {
        next: { ...plain, state: 'proven', at },
        part: sinkPart(spec, sink, 'passed', 'It holds this key'),
      }
    case 'another':
      return {
        next: { ...plain, state: 'stale', at, words: `It holds ${proof.words}` },
        part: sinkPart(spec, sink, 'failed', `It holds ${proof.words}`),
      }
    case 'cannot-tell':
      return { next: before, part: sinkPart(spec, sink, 'unproven', proof.words) }
    case 'unknown':
      return {
        next: { ...plain, state: 'unknown', at, words: proof.error.words },
        part: sinkPart(spec, sink, 'skipped', proof.error.words),
      }
    default:
      return { next: before, part: sinkPart(spec, sink, 'skipped', 'It is not understood any more') }
  }
}
