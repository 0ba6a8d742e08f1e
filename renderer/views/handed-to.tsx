import type { ManagedKey, ManagedSink } from '../../contract/key.ts'
import type { RunbookStep } from '../../contract/runbook.ts'
import { Glyph, type StatusGlyph } from '../ui/glyph.tsx'

export const sinkGlyphs: Record<ManagedSink['state'], StatusGlyph> = {
  proven: 'fine',
  accepted: 'unproven',
  stale: 'attention',
  unknown: 'off',
  failed: 'down',
}

const words: Record<ManagedSink['state'], string> = {
  proven: 'read back, equal',
  accepted: 'accepted, unproven',
  stale: 'holds another key',
  unknown: 'not handed over yet',
  failed: 'did not take it',
}

/** The places of a key in a rotation, once each of them was handed the new one. */
export function HandedTo({ apiKey, steps }: { apiKey: ManagedKey; steps: readonly RunbookStep[] }) {
  const isDone = steps.some(({ id, state }) => id === 'deliver' && state === 'done')
  if (!isDone || apiKey.sinks.length === 0) return null
  return (
    <section aria-labelledby="handed-to">
      <header className="over">
        <h2 id="handed-to">Handed to</h2>
        <p className="label">unproven: took it, but cannot be read back</p>
      </header>
      <ul className="card parts">
        {apiKey.sinks.map(sink => (
          <li key={sink.spec} title={sink.spec}>
            <Glyph name={sinkGlyphs[sink.state]} />
            <p>
              {sink.title} <span className="small two">{sink.place}</span>
            </p>
            <p className={sink.state === 'failed' ? 'small bad' : 'small two'}>
              {sink.words ?? words[sink.state]}
            </p>
          </li>
        ))}
      </ul>
    </section>
  )
}
