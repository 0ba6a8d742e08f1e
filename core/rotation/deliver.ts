import { clientName } from '../../contract/messages/address-message.ts'
import { fail } from '../../contract/result.ts'
import type { RunbookPart } from '../../contract/runbook.ts'
import {
  asStep,
  done,
  failed,
  type Step,
  type StepContext,
  type StepError,
  type StepResult,
} from '../runbook/step.ts'
import type { KeyOwner } from '../secrets/key-store.ts'
import type { Sink, SinkSecret } from '../sinks/sink.ts'
import { doneWith, type RotateContext, type RotateMemory, type RotationDeps } from './deps.ts'
import type { KeyRecord, SinkRecord } from './key-record.ts'

export type DeliveryResult = { state: 'proven' | 'accepted'; words?: string } | { error: StepError }

type Asker = Pick<StepContext<unknown>, 'ask' | 'signal'>

/** Delivers a key to a sink and checks that the sink holds it. Waits for a locked sink to be unlocked. */
export async function deliverTo(
  sink: Sink,
  secret: SinkSecret,
  { ask, signal }: Asker,
): Promise<DeliveryResult> {
  const { title } = sink.describe()
  for (;;) {
    const delivered = await sink.deliver(secret, signal)
    if (!delivered.ok) {
      if (delivered.waitFor && (await ask(delivered.waitFor))) continue
      return { error: delivered.error }
    }
    const proof = await sink.prove(secret, signal)
    switch (proof.holds) {
      case 'this':
        return { state: 'proven', ...(proof.words !== undefined && { words: proof.words }) }
      case 'cannot-tell':
        return { state: 'accepted', words: proof.words }
      case 'another':
        return {
          error: { code: 'sink-holds-another', words: `${title} took the key, and holds ${proof.words}.` },
        }
      case 'unknown':
        if (proof.waitFor && (await ask(proof.waitFor))) continue
        return { error: proof.error }
    }
  }
}

/** Checks that a sink is usable. Waits for a locked sink to be unlocked. */
export async function reachSink(sink: Sink, { ask, signal }: Asker): Promise<StepError | undefined> {
  for (;;) {
    const reached = await sink.reach(signal)
    if (reached.ok) return undefined
    if (reached.waitFor && (await ask(reached.waitFor))) continue
    return reached.error
  }
}

/** A sink as a line of a list. */
export function sinkPart(
  spec: string,
  sink: Sink | undefined,
  state: RunbookPart['state'],
  message?: string,
): RunbookPart {
  const { title, place } = sink?.describe() ?? { title: 'A sink that is not understood', place: spec }
  return {
    id: `sink:${spec}`,
    title: `${title}: ${place}`,
    state,
    ...(message === undefined ? {} : { words: message }),
  }
}

/** The record of a key with the state of one of its sinks replaced. */
export const withSink = (record: KeyRecord, spec: string, next: Omit<SinkRecord, 'spec'>): KeyRecord => ({
  ...record,
  sinks: record.sinks.map(entry => (entry.spec === spec ? { spec, ...next } : entry)),
})

/** Which key goes to which sinks, and what an error of one sink means. */
interface Delivery {
  key: string
  uuid: string
  /** The new key: a sink may hold it from the moment that either key is delivered. */
  newUuid: string
  isNeeded(sink: SinkRecord): boolean
  /** Whether the delivery continues after an error of this sink; undefined where the error ends it. */
  afterError(sink: SinkRecord): 'without-it' | 'and-fails' | undefined
  label: string
}

/** After these errors the sink may hold the key, so the key is not revoked. */
const uncertainErrors = new Set(['sink-too-slow', 'host-lost', 'cancelled'])

/**
 * Delivers the new key to each sink in order. The record says before each delivery that the sink may hold the new key
 * now: a rollback delivers the key in use to exactly those sinks.
 */
export function deliverStep(deps: RotationDeps): Step<RotateMemory> {
  const { clock, records, store } = deps

  async function deliverAll(context: RotateContext, delivery: Delivery): Promise<StepResult> {
    const { memory, progress } = context
    const owner: KeyOwner = { registry: memory.registry, user: memory.user }
    const sinks = records.find(owner)?.sinks ?? []
    const total = sinks.length
    const refused: StepError[] = []
    for (const [reached, sink] of sinks.entries()) {
      if (!delivery.isNeeded(sink)) continue
      const delivered = await deliverOne(owner, sink, delivery, context, part =>
        progress({ label: delivery.label, done: reached, total, part }),
      )
      if (delivered.ok) continue
      const afterError = delivery.afterError(sink)
      if (afterError === undefined) return delivered
      if (afterError === 'and-fails') refused.push(delivered.error)
    }
    if (refused[0]) return { ok: false, error: refused[0] }
    if (total === 0) return doneWith('There is no sink to deliver it to')
    const unproven = (records.find(owner)?.sinks ?? []).filter(({ state }) => state !== 'proven').length
    return doneWith(
      unproven === 0 ? 'Every sink holds it' : `${unproven} of ${total} cannot show what they hold`,
    )
  }

  async function deliverOne(
    owner: KeyOwner,
    sinkRecord: SinkRecord,
    { key, uuid, newUuid, afterError }: Delivery,
    context: RotateContext,
    onPart: (part: ReturnType<typeof sinkPart>) => void,
  ): Promise<StepResult> {
    const { spec } = sinkRecord
    const sink = deps.sink(spec)
    if (!sink) return failed('bad-sink', `${spec} is not understood any more.`)
    onPart(sinkPart(spec, sink, 'working'))
    const note = (next: Omit<SinkRecord, 'spec'>) =>
      records.update(owner, record => withSink(record, spec, next))
    // A rollback must still know that this sink refused the new key.
    const before = afterError(sinkRecord) === 'without-it' ? 'failed' : 'unknown'
    const begun = await note({ state: before, handed: newUuid })
    if (!begun.ok) return asStep(begun)
    const secret: SinkSecret = { user: owner.user, key, registryHost: clientName(owner.registry) }
    const delivered = await deliverTo(sink, secret, context)
    const at = new Date(clock.now()).toISOString()
    if ('error' in delivered) {
      const { error } = delivered
      // A sink that took neither key is left out of a rollback.
      const mayHold = afterError(sinkRecord) === 'without-it' ? uuid : newUuid
      const state = uncertainErrors.has(error.code) ? 'unknown' : 'failed'
      const noted = await note({ state, handed: mayHold, at, words: error.words })
      onPart(sinkPart(spec, sink, 'failed', error.words))
      return noted.ok ? { ok: false, error } : asStep(noted)
    }
    onPart(sinkPart(spec, sink, delivered.state === 'proven' ? 'passed' : 'unproven', delivered.words))
    return asStep(await note({ ...delivered, handed: uuid, at }))
  }

  return {
    id: 'deliver',
    title: 'Deliver it to each sink, in order',
    why: 'The programs that use the key read it there. Until the switch both keys work.',
    cancellable: true,
    check: async () => false,
    async apply(context) {
      const { registry, user, minted } = context.memory
      const next = await store.get({ registry, user }, 'next')
      if (!next.ok) return asStep(next)
      if (next.value === undefined || !minted)
        return asStep(fail({ code: 'key-not-kept', registry, user, slot: 'next' }))
      const { uuid } = minted
      return deliverAll(context, {
        key: next.value,
        uuid,
        newUuid: uuid,
        isNeeded: ({ handed, state }) => handed !== uuid || !(state === 'proven' || state === 'accepted'),
        afterError: () => undefined,
        label: 'Delivering the new key',
      })
    },
    async undo(context) {
      const { registry, user, old, minted } = context.memory
      const current = await store.get({ registry, user }, 'current')
      if (!current.ok) return asStep(current)
      // Without a key in use nothing is known of what the sinks held before.
      if (current.value === undefined || !minted) return done
      return deliverAll(context, {
        key: current.value,
        uuid: old.uuid,
        newUuid: minted.uuid,
        isNeeded: ({ handed }) => handed === minted.uuid,
        // A sink that refuses both keys never held the new one: it does not hold up the rollback.
        afterError: ({ state }) => (state === 'failed' ? 'without-it' : 'and-fails'),
        label: 'Delivering the key in use again',
      })
    },
  }
}
