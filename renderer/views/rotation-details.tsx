import type { ManagedKey, ManagedSink } from '../../contract/key.ts'
import { relativeTime } from '../../contract/messages/format.ts'
import { endDate, remainingTime } from '../../contract/messages/remaining-time.ts'
import type { RunbookStep } from '../../contract/runbook.ts'
import { Glyph, type StatusGlyph } from '../ui/glyph.tsx'
import { momentText } from './snapshot-text.ts'

interface KeyPeriod {
  name: string
  /** ms since the epoch; Infinity: it never ends. */
  endsAt: number
  text: string
}

/** The two keys that work during a rotation, and how long each of them does; nothing while there is only one. */
export function TwoKeys({ apiKey, now }: { apiKey: ManagedKey; now: number }) {
  const { next, retiring, expirationDate, lastUsed } = apiKey
  const periods: [KeyPeriod, KeyPeriod] | undefined = next
    ? [
        { ...keyPeriod(expirationDate, now), name: 'Current' },
        { ...keyPeriod(next.expirationDate, now), name: 'New' },
      ]
    : retiring
      ? [
          {
            name: 'Old',
            endsAt: Date.parse(retiring.retireAt),
            text: `revoked ${momentText(retiring.retireAt)} at the earliest`,
          },
          { ...keyPeriod(expirationDate, now), name: 'Current' },
        ]
      : undefined
  if (!periods) return null
  const ends = periods.map(({ endsAt }) => endsAt).filter(Number.isFinite)
  const longest = Math.max(...ends, now + 1)
  const used = next ? lastUsed : retiring?.lastUsed
  return (
    <section aria-labelledby="two-keys">
      <header className="over">
        <h2 id="two-keys">Two keys work now</h2>
      </header>
      <dl className="card pad spans">
        {periods.map(({ name, endsAt, text }) => {
          const share = Number.isFinite(endsAt) ? Math.max(0, endsAt - now) / (longest - now) : 1
          return (
            <div key={name}>
              <dt>{name}</dt>
              <dd className={share > 0.6 ? 'span long' : 'span'}>
                <i style={{ width: `${(share * 100).toFixed(1)}%` }} />
                <span>{text}</span>
              </dd>
            </div>
          )
        })}
      </dl>
      <p className="small two after-spans">
        {used === null || used === undefined
          ? ''
          : `The ${next ? 'current' : 'old'} key was last used ${relativeTime(Date.parse(used), now)}. `}
        {next
          ? 'The current key goes on working beyond the switch, and is revoked at the end of the overlap.'
          : `The old key is revoked ${momentText(retiring?.retireAt ?? '')} at the earliest.`}
      </p>
    </section>
  )
}

function keyPeriod(expirationDate: string | null, now: number): Omit<KeyPeriod, 'name'> {
  if (expirationDate === null) return { endsAt: Number.POSITIVE_INFINITY, text: remainingTime(null, now) }
  return {
    endsAt: Date.parse(expirationDate),
    text: `${remainingTime(expirationDate, now)}, ${endDate(expirationDate, now)}`,
  }
}

export const sinkGlyphs: Record<ManagedSink['state'], StatusGlyph> = {
  proven: 'fine',
  accepted: 'accepted',
  stale: 'attention',
  unknown: 'off',
  failed: 'down',
}

const sinkTexts: Record<ManagedSink['state'], string> = {
  proven: 'read back, equal',
  accepted: 'accepted, unproven',
  stale: 'holds another key',
  unknown: 'not delivered yet',
  failed: 'did not take it',
}

/** The sinks of a key in a rotation, once the new key is delivered to all of them. */
export function DeliveredTo({ apiKey, steps }: { apiKey: ManagedKey; steps: readonly RunbookStep[] }) {
  const isDone = steps.some(({ id, state }) => id === 'deliver' && state === 'done')
  if (!isDone || apiKey.sinks.length === 0) return null
  return (
    <section aria-labelledby="handed-to">
      <header className="over">
        <h2 id="handed-to">Delivered to</h2>
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
              {sink.words ?? sinkTexts[sink.state]}
            </p>
          </li>
        ))}
      </ul>
    </section>
  )
}
