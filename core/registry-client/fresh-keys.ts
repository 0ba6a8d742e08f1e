import type { KeyCreated } from '../../contract/key.ts'
import type { Clock } from '../../lib/clock.ts'

/** A key that a window created and has not asked for yet; `restMs`: how long its secret still waits. */
export interface UnrevealedKey {
  uuid: string
  apiKey: string
  restMs: number
  /** Absent from a core that did not hand it over. */
  shown?: Omit<KeyCreated, 'uuid' | 'apiKey' | 'lapsesAt'>
}

interface Held {
  created: KeyCreated
  apiKey: string
  until: number
  forget: () => void
}

/** How long a secret waits for somebody to look at it. */
const revealMs = 10 * 60_000

/** Secrets of keys that a window created and has not asked for yet; in memory alone. */
export class FreshKeys {
  readonly #clock: Clock
  readonly #onChange: () => void
  /** The oldest first. */
  readonly #held = new Map<string, Held>()

  constructor(clock: Clock, onChange: () => void, handedOver: readonly UnrevealedKey[] = []) {
    this.#clock = clock
    this.#onChange = onChange
    for (const { uuid, apiKey, restMs, shown } of handedOver)
      this.hold({ user: '', label: '', expirationDate: null, ...shown, uuid }, apiKey, restMs)
  }

  /** Answers the key as a window sees it. */
  hold(key: KeyCreated, apiKey: string, forMs = revealMs): KeyCreated {
    const until = this.#clock.now() + forMs
    const forget = this.#clock.setTimer(until, () => this.forget(key.uuid))
    const created = { ...key, lapsesAt: new Date(until).toISOString() }
    this.#held.set(key.uuid, { created, apiKey, until, forget })
    this.#onChange()
    return created
  }

  /** The secret, this once. */
  reveal(uuid: string): string | undefined {
    const apiKey = this.#held.get(uuid)?.apiKey
    this.forget(uuid)
    return apiKey
  }

  forget(uuid: string): void {
    this.#held.get(uuid)?.forget()
    if (this.#held.delete(uuid)) this.#onChange()
  }

  /** Without those of an earlier core, which did not hand over whose they are; their page still asks for them. */
  list(): KeyCreated[] {
    return [...this.#held.values()].map(({ created }) => created).filter(({ user }) => user !== '')
  }

  /** For the next core of this home alone. */
  handOver(): UnrevealedKey[] {
    const now = this.#clock.now()
    return [...this.#held.values()].map(({ created: { uuid, lapsesAt: _, ...shown }, apiKey, until }) => ({
      uuid,
      apiKey,
      restMs: Math.max(0, until - now),
      shown,
    }))
  }
}
