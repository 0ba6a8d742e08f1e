import type { RunbookPart } from '../../contract/runbook.ts'
import type { StepContext, StepError } from '../runbook/step.ts'
import type { Sink, SinkSecret } from '../sinks/sink.ts'
import type { KeyRecord, SinkRecord } from './key-record.ts'

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
