import { fail } from '../../preload/contract/result.ts'
import { asStep, done, failed } from '../gate/step-result.ts'
import type { Step, StepResult } from '../runbook/step.ts'
import type { SinkSecret } from '../sinks/sink.ts'
import { handOver, sinkPart, withSink } from './hand-over.ts'
import { doneWith, type RotateContext, type RotateMemory, type RotationParts } from './parts.ts'

/**
 * Hands the new key to each sink in order. Before each, the record says that this sink may hold the new one now: the
 * way back hands the key in use to exactly those.
 */
export function deliverStep(parts: RotationParts): Step<RotateMemory> {
  const { clock, records, store } = parts

  /** Hands a key to those sinks of the record that `wanted` picks. */
  async function handAll(
    { memory, ask, signal, progress }: RotateContext,
    key: string,
    uuid: string,
    wanted: (handed: string | undefined, state: string) => boolean,
    words: string,
  ): Promise<StepResult> {
    const owner = { registry: memory.registry, user: memory.user }
    const secret: SinkSecret = { user: memory.user, key, registryHost: memory.registry }
    const sinks = records.find(owner)?.sinks ?? []
    const total = sinks.length
    let [reached, unproven] = [0, 0]
    for (const one of sinks) {
      const { spec } = one
      const sink = parts.sink(spec)
      const tell = (state: Parameters<typeof sinkPart>[2], said?: string): void =>
        progress({ label: words, done: reached, total, part: sinkPart(spec, sink, state, said) })
      if (!wanted(one.handed, one.state)) {
        reached += 1
        continue
      }
      if (!sink) return failed('bad-sink', `${spec} is not understood any more.`)
      tell('working')
      const begun = await records.update(owner, record =>
        withSink(record, spec, { state: 'unknown', handed: uuid }),
      )
      if (!begun.ok) return asStep(begun)
      const handed = await handOver(sink, secret, { ask, signal })
      const at = new Date(clock.now()).toISOString()
      if ('error' in handed) {
        const { error } = handed
        await records.update(owner, record =>
          withSink(record, spec, { state: 'failed', handed: uuid, at, words: error.words }),
        )
        tell('failed', error.words)
        return { ok: false, error }
      }
      const ended = await records.update(owner, record =>
        withSink(record, spec, { ...handed, handed: uuid, at }),
      )
      if (!ended.ok) return asStep(ended)
      reached += 1
      if (handed.state === 'accepted') unproven += 1
      tell(handed.state === 'proven' ? 'passed' : 'unproven', handed.words)
    }
    if (total === 0) return doneWith('There is no place to hand it to')
    return doneWith(
      unproven === 0 ? 'Every place holds it' : `${unproven} of ${total} cannot show what they hold`,
    )
  }

  return {
    id: 'deliver',
    title: 'Hand it to each place, in order',
    why: 'Whoever uses the key takes it from there. Until the switch both keys work.',
    check: async () => false,
    async apply(context) {
      const { memory } = context
      const { registry, user, minted } = memory
      const next = await store.get({ registry, user }, 'next')
      if (!next.ok) return asStep(next)
      if (next.value === undefined || !minted)
        return asStep(fail({ code: 'key-not-kept', registry, user, slot: 'next' }))
      const holds = (handed: string | undefined, state: string): boolean =>
        handed === minted.uuid && (state === 'proven' || state === 'accepted')
      return handAll(context, next.value, minted.uuid, (...at) => !holds(...at), 'Handing over the new key')
    },
    async undo(context) {
      const { registry, user, old, minted } = context.memory
      const current = await store.get({ registry, user }, 'current')
      if (!current.ok) return asStep(current)
      // There was none to begin with: what the places held before is not known.
      if (current.value === undefined || !minted) return done
      return handAll(
        context,
        current.value,
        old.uuid,
        handed => handed === minted.uuid,
        'Handing over the key in use again',
      )
    },
  }
}
