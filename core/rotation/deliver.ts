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
import type { Sink, SinkSecret } from '../sinks/sink.ts'
import { doneWith, type RotateContext, type RotateMemory, type RotationParts } from './deps.ts'
import type { KeyRecord, Owner, SinkRecord } from './key-record.ts'

export type HandedOver = { state: 'proven' | 'accepted'; words?: string } | { error: StepError }

type Asking = Pick<StepContext<unknown>, 'ask' | 'signal'>

/** Hands a key to a sink and looks whether it holds it then. A sink that is locked is waited for. */
export async function handOver(sink: Sink, secret: SinkSecret, { ask, signal }: Asking): Promise<HandedOver> {
  const { title } = sink.describe()
  for (;;) {
    const taken = await sink.deliver(secret, signal)
    if (!taken.ok) {
      if (taken.waitFor && (await ask(taken.waitFor))) continue
      return { error: taken.error }
    }
    const proof = await sink.prove(secret, signal)
    switch (proof.holds) {
      case 'this':
        return { state: 'proven' }
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

/** Whether a sink is usable; one that is locked is waited for. */
export async function reachSink(sink: Sink, { ask, signal }: Asking): Promise<StepError | undefined> {
  for (;;) {
    const reached = await sink.reach(signal)
    if (reached.ok) return undefined
    if (reached.waitFor && (await ask(reached.waitFor))) continue
    return reached.error
  }
}

/** What a list shows of a sink. */
export function sinkPart(
  spec: string,
  sink: Sink | undefined,
  state: RunbookPart['state'],
  words?: string,
): RunbookPart {
  const { title, place } = sink?.describe() ?? { title: 'A place that is not understood', place: spec }
  return {
    id: `sink:${spec}`,
    title: `${title}: ${place}`,
    state,
    ...(words === undefined ? {} : { words }),
  }
}

/** The record of a key with what is known of one of its sinks. */
export const withSink = (record: KeyRecord, spec: string, next: Omit<SinkRecord, 'spec'>): KeyRecord => ({
  ...record,
  sinks: record.sinks.map(one => (one.spec === spec ? { spec, ...next } : one)),
})

/** Which key goes to which sinks, and what an error of one means. */
interface Round {
  key: string
  uuid: string
  /** The new key, which a sink may hold from the moment that it is asked to take either. */
  minted: string
  wanted(sink: SinkRecord): boolean
  /** Said, and the round goes on. Otherwise the first error ends it. */
  goesOn(sink: SinkRecord): 'without-it' | 'and-fails' | undefined
  words: string
}

/** It was asked, and what came of it is not known: the key that it may hold is not revoked then. */
const mayHaveTaken = new Set(['sink-too-slow', 'host-lost', 'cancelled'])

/**
 * Hands the new key to each sink in order. Before each, the record says that this sink may hold the new one now: the
 * way back hands the key in use to exactly those.
 */
export function deliverStep(parts: RotationParts): Step<RotateMemory> {
  const { clock, records, store } = parts

  async function handAll(context: RotateContext, round: Round): Promise<StepResult> {
    const { memory, progress } = context
    const owner: Owner = { registry: memory.registry, user: memory.user }
    const sinks = records.find(owner)?.sinks ?? []
    const total = sinks.length
    const refused: StepError[] = []
    for (const [reached, one] of sinks.entries()) {
      if (!round.wanted(one)) continue
      const ended = await handOne(owner, one, round, context, part =>
        progress({ label: round.words, done: reached, total, part }),
      )
      if (ended.ok) continue
      const meaning = round.goesOn(one)
      if (meaning === undefined) return ended
      if (meaning === 'and-fails') refused.push(ended.error)
    }
    if (refused[0]) return { ok: false, error: refused[0] }
    if (total === 0) return doneWith('There is no place to hand it to')
    const unproven = (records.find(owner)?.sinks ?? []).filter(({ state }) => state !== 'proven').length
    return doneWith(
      unproven === 0 ? 'Every place holds it' : `${unproven} of ${total} cannot show what they hold`,
    )
  }

  async function handOne(
    owner: Owner,
    one: SinkRecord,
    { key, uuid, minted, goesOn }: Round,
    context: RotateContext,
    tell: (part: ReturnType<typeof sinkPart>) => void,
  ): Promise<StepResult> {
    const { spec } = one
    const sink = parts.sink(spec)
    if (!sink) return failed('bad-sink', `${spec} is not understood any more.`)
    tell(sinkPart(spec, sink, 'working'))
    const note = (next: Omit<SinkRecord, 'spec'>) =>
      records.update(owner, record => withSink(record, spec, next))
    // On the way back it stays known that this one refused the new key.
    const before = goesOn(one) === 'without-it' ? 'failed' : 'unknown'
    const begun = await note({ state: before, handed: minted })
    if (!begun.ok) return asStep(begun)
    const secret: SinkSecret = { user: owner.user, key, registryHost: owner.registry }
    const handed = await handOver(sink, secret, context)
    const at = new Date(clock.now()).toISOString()
    if ('error' in handed) {
      const { error } = handed
      // What took neither key is not asked again on the way back.
      const left = goesOn(one) === 'without-it' ? uuid : minted
      const state = mayHaveTaken.has(error.code) ? 'unknown' : 'failed'
      const noted = await note({ state, handed: left, at, words: error.words })
      tell(sinkPart(spec, sink, 'failed', error.words))
      return noted.ok ? { ok: false, error } : asStep(noted)
    }
    tell(sinkPart(spec, sink, handed.state === 'proven' ? 'passed' : 'unproven', handed.words))
    return asStep(await note({ ...handed, handed: uuid, at }))
  }

  return {
    id: 'deliver',
    title: 'Hand it to each place, in order',
    why: 'Whoever uses the key takes it from there. Until the switch both keys work.',
    cancellable: true,
    check: async () => false,
    async apply(context) {
      const { registry, user, minted } = context.memory
      const next = await store.get({ registry, user }, 'next')
      if (!next.ok) return asStep(next)
      if (next.value === undefined || !minted)
        return asStep(fail({ code: 'key-not-kept', registry, user, slot: 'next' }))
      const { uuid } = minted
      return handAll(context, {
        key: next.value,
        uuid,
        minted: uuid,
        wanted: ({ handed, state }) => handed !== uuid || !(state === 'proven' || state === 'accepted'),
        goesOn: () => undefined,
        words: 'Handing over the new key',
      })
    },
    async undo(context) {
      const { registry, user, old, minted } = context.memory
      const current = await store.get({ registry, user }, 'current')
      if (!current.ok) return asStep(current)
      // There was none to begin with: what the places held before is not known.
      if (current.value === undefined || !minted) return done
      return handAll(context, {
        key: current.value,
        uuid: old.uuid,
        minted: minted.uuid,
        wanted: ({ handed }) => handed === minted.uuid,
        // One that refused the new key and refuses the old one too never had the new one: it keeps nothing back.
        goesOn: ({ state }) => (state === 'failed' ? 'without-it' : 'and-fails'),
        words: 'Handing over the key in use again',
      })
    },
  }
}
