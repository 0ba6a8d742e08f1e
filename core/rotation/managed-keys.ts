import type { KeyProof } from '../../contract/key.ts'
import { clientName } from '../../contract/messages/address-message.ts'
import { fail, ok, type Result } from '../../contract/result.ts'
import type { RunbookPart } from '../../contract/runbook.ts'
import type { KeyOwner } from '../secrets/key-store.ts'
import type { Sink } from '../sinks/sink.ts'
import { deliverTo, sinkPart, withSink } from './deliver.ts'
import type { RotationDeps } from './deps.ts'
import { checkKey, identifyKey, openKeyAccess, parseKey } from './key-access.ts'
import type { CreatedKey } from './key-client.ts'
import type { KeyRecord, SinkRecord } from './key-record.ts'
import { dayMs } from './policy.ts'
import { isWorking, proveKey } from './prove-key.ts'

export interface ManageRequest {
  key?: string | undefined
  sinks?: string[] | undefined
  proveRepository?: string | undefined
}

type KeyFacts = Pick<KeyRecord, 'uuid' | 'label' | 'createdAt' | 'expirationDate'>
/** `created`: as it was created just now, so nobody uses it yet. */
type KeyToManage = { secret: string; facts: KeyFacts; created?: CreatedKey }
/** What was proven of a key that is managed from now on; `created`: where it was created for that. */
type Managed = { checks: RunbookPart[]; created?: CreatedKey }

/** No question can be asked outside of a run. */
const noQuestions = { ask: async () => false, signal: new AbortController().signal }

/** Begins to manage a key, proves it, and stops managing it. */
export class ManagedKeys {
  readonly #deps: RotationDeps
  readonly #sinkOf: (spec: string) => Result<Sink>

  constructor(deps: RotationDeps, sinkOf: (spec: string) => Result<Sink>) {
    this.#deps = deps
    this.#sinkOf = sinkOf
  }

  /** Begins to manage a key, or changes its settings. A sink that fails is reported and fails nothing else. */
  async manage(owner: KeyOwner, request: ManageRequest, label: string): Promise<Result<Managed>> {
    const { client, store, records } = this.#deps
    const before = records.find(owner)
    const sinks: Sink[] = []
    for (const spec of request.sinks ?? before?.sinks.map(sink => sink.spec) ?? []) {
      const sink = this.#sinkOf(spec)
      if (!sink.ok) return sink
      if (!sinks.some(known => known.id === sink.value.id)) sinks.push(sink.value)
    }
    const backend = await store.backend()
    if (backend.kind === 'none') return fail(backend.error)
    const key = await this.#keyToManage(owner, request.key, label)
    if (!key.ok) return key
    const { secret, facts, created } = key.value
    const stored = await store.set(owner, 'current', secret)
    if (!stored.ok) {
      if (created) await client.revokeAny(facts.uuid)
      return stored
    }
    const proveRepository = request.proveRepository ?? before?.proveRepository
    const record: KeyRecord = {
      ...owner,
      ...facts,
      kept: backend.kind,
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
      const known = before?.sinks.find(known => known.spec === sink.id)
      const { spec, ...next } = await this.#deliverNow(owner, sink, key.value, known)
      const noted = await records.update(owner, current => withSink(current, spec, next))
      if (!noted.ok) return noted
    }
    const checks = await proveKey({
      client,
      bearer: { user: owner.user, key: secret },
      repository: proveRepository,
      onPart: () => {},
    })
    return ok({ checks, ...(created && { created }) })
  }

  /** Tries the key in use, and checks what each sink holds. */
  async prove(owner: KeyOwner): Promise<Result<KeyProof>> {
    const { client, store, records } = this.#deps
    const record = records.find(owner)
    if (!record) return this.notManaged(owner.user)
    const current = await store.get(owner, 'current')
    if (!current.ok) return current
    if (current.value === undefined) return fail({ code: 'key-not-kept', ...owner, slot: 'current' })
    const { user, registry } = owner
    const secret = { user, key: current.value, registryHost: clientName(registry) }
    const checks = await proveKey({
      client,
      bearer: { user, key: current.value },
      repository: record.proveRepository,
      onPart: () => {},
    })
    for (const sinkRecord of record.sinks) {
      const sink = this.#deps.sink(sinkRecord.spec)
      const proof = await sink?.prove(secret, noQuestions.signal)
      const { next, part } = applyProof(sinkRecord, sink, proof, this.#now())
      checks.push(part)
      const noted = await records.update(owner, current => withSink(current, sinkRecord.spec, next))
      if (!noted.ok) return noted
    }
    return ok({ user, works: isWorking(checks), checks })
  }

  /** The key goes on working and is forgotten here; older ones that wait for their revocation are revoked now. */
  async unmanage(owner: KeyOwner): Promise<Result<{ user: string; uuid: string }>> {
    const { client, store, records } = this.#deps
    const record = records.find(owner)
    if (!record) return this.notManaged(owner.user)
    if (record.retiring.length > 0 || record.pending !== undefined) {
      const access = await openKeyAccess(client, owner.user, [() => store.get(owner, 'current')])
      if (!access.ok) return access
      const all = await access.value?.list()
      const pending = all?.ok ? all.value.filter(({ label }) => label === record.pending) : []
      for (const { uuid } of [...record.retiring, ...pending]) {
        const revoked = await access.value?.revoke(uuid)
        if (revoked && !revoked.ok) return revoked
      }
    }
    for (const slot of ['retiring', 'next', 'current'] as const) {
      const deleted = await store.delete(owner, slot)
      if (!deleted.ok) return deleted
    }
    const removed = await records.remove(owner)
    return removed.ok ? ok({ user: owner.user, uuid: record.uuid }) : removed
  }

  notManaged(user: string) {
    const known = this.#deps.records.all().map(record => record.user)
    return fail({ code: 'key-not-managed', user, known })
  }

  #now(): string {
    return new Date(this.#deps.clock.now()).toISOString()
  }

  /** The key that was given; else the one in the store; else a new one. */
  async #keyToManage(owner: KeyOwner, key: string | undefined, label: string): Promise<Result<KeyToManage>> {
    const { store, records } = this.#deps
    if (key !== undefined) return this.#givenKey(owner, key)
    const record = records.find(owner)
    if (!record) return this.#createKey(owner, label)
    const stored = await store.get(owner, 'current')
    if (!stored.ok) return stored
    if (stored.value === undefined) return this.#createKey(owner, label)
    return ok({ secret: stored.value, facts: factsOf(record) })
  }

  async #givenKey(owner: KeyOwner, text: string): Promise<Result<KeyToManage>> {
    const { client, clock, records, pause } = this.#deps
    const secret = parseKey(text)
    if (!secret.ok) return secret
    const bearer = { user: owner.user, key: secret.value }
    const users = records.all().map(({ user }) => user)
    const accepted = await checkKey(client, bearer, users)
    if (!accepted.ok) return accepted
    const listed = await identifyKey(client, bearer, { now: clock.now, pause })
    return listed.ok ? ok({ secret: secret.value, facts: factsOf(listed.value) }) : listed
  }

  async #createKey({ user }: KeyOwner, label: string): Promise<Result<KeyToManage>> {
    const { client, clock, policy } = this.#deps
    if (!(await client.listAll())) return fail({ code: 'key-needed', user })
    const expirationDate = new Date(clock.now() + policy().days * dayMs).toISOString()
    const created = await client.createFor({ user, label, scopes: [], expirationDate })
    if (!created.ok) return created
    const { secret } = created.value
    return ok({ secret, facts: factsOf({ ...created.value, label }), created: created.value })
  }

  /** Delivers the key to a sink only where that cannot replace a key that works; else the next rotation does. */
  async #deliverNow(
    owner: KeyOwner,
    sink: Sink,
    { secret, facts, created }: KeyToManage,
    known: SinkRecord | undefined,
  ): Promise<SinkRecord> {
    const sinkSecret = { user: owner.user, key: secret, registryHost: clientName(owner.registry) }
    const { provable } = sink.describe()
    const proof = provable ? await sink.prove(sinkSecret, noQuestions.signal) : undefined
    const spec = sink.id
    if (proof?.holds === 'this') {
      const words = proof.words === undefined ? {} : { words: proof.words }
      return { spec, state: 'proven', handed: facts.uuid, at: this.#now(), ...words }
    }
    if (!provable && known?.state === 'accepted' && known.handed === facts.uuid) return known
    // A sink that got an older key from here gets this one too.
    if (!provable && !created && known?.handed === undefined)
      return { spec, state: 'unknown', words: 'It is delivered with the next rotation' }
    const delivered = await deliverTo(sink, sinkSecret, noQuestions)
    return 'error' in delivered
      ? { spec, state: 'failed', at: this.#now(), words: delivered.error.words }
      : { spec, ...delivered, handed: facts.uuid, at: this.#now() }
  }
}

const factsOf = ({ uuid, label, createdAt, expirationDate }: KeyFacts): KeyFacts => ({
  uuid,
  label,
  createdAt,
  expirationDate,
})

type SinkProof = Awaited<ReturnType<Sink['prove']>>

/** What the proof of a sink means for its record and for the list of checks. */
function applyProof(
  record: SinkRecord,
  sink: Sink | undefined,
  proof: SinkProof | undefined,
  at: string,
): { next: Omit<SinkRecord, 'spec'>; part: RunbookPart } {
  const { spec, ...before } = record
  const { words: _, ...withoutWords } = before
  switch (proof?.holds) {
    case 'this':
      return {
        next: {
          ...withoutWords,
          state: 'proven',
          at,
          ...(proof.words !== undefined && { words: proof.words }),
        },
        part: sinkPart(
          spec,
          sink,
          'passed',
          proof.words === undefined ? 'It holds this key' : `It holds this key. ${proof.words}`,
        ),
      }
    case 'another':
      return {
        next: { ...withoutWords, state: 'stale', at, words: `It holds ${proof.words}` },
        part: sinkPart(spec, sink, 'failed', `It holds ${proof.words}`),
      }
    case 'cannot-tell':
      return { next: before, part: sinkPart(spec, sink, 'unproven', proof.words) }
    case 'unknown':
      return {
        next: { ...withoutWords, state: 'unknown', at, words: proof.error.words },
        part: sinkPart(spec, sink, 'skipped', proof.error.words),
      }
    default:
      return { next: before, part: sinkPart(spec, sink, 'skipped', 'It is not understood any more') }
  }
}
