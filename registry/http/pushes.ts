interface Push {
  /** Requests at work. */
  running: number
  touchedAt: number
  /** When its client last did what comes between two uploads of one push. */
  betweenAt: number
}

/** A push that has been silent for so long is over, ms. */
const quietForMs = 2000

/**
 * Which repositories are being pushed to. A push is several requests: uploads, then a manifest under a tag.
 * While draining, a new upload belongs to a running push when its client has just finished another one
 * there, or has just asked for a blob that is missing; clients do one or the other before each upload.
 */
export class Pushes {
  readonly #now: () => number
  readonly #pushes = new Map<string, Push>()

  constructor(now: () => number) {
    this.#now = now
  }

  /** A request of a push begins; call the answer when it ends. */
  begin(name: string): () => void {
    const push = this.#pushes.get(name) ?? { running: 0, touchedAt: 0, betweenAt: Number.NEGATIVE_INFINITY }
    if (!this.#pushes.has(name)) this.#forgetOld()
    this.#pushes.set(name, push)
    push.running++
    push.touchedAt = this.#now()
    return () => {
      push.running--
      push.touchedAt = this.#now()
    }
  }

  /** A blob was finished, or a missing one asked for. */
  between(name: string): void {
    const push = this.#pushes.get(name)
    if (!push) return
    push.betweenAt = this.#now()
    push.touchedAt = push.betweenAt
  }

  /** A manifest was stored under a tag: the push is complete. */
  complete(name: string): void {
    const push = this.#pushes.get(name)
    if (push && push.running <= 1) this.#pushes.delete(name)
  }

  /** Whether a new upload continues a push that is under way. */
  continues(name: string): boolean {
    const push = this.#pushes.get(name)
    return push !== undefined && this.#now() - push.betweenAt < quietForMs
  }

  /** For how long pushes may still go on unless something happens, ms; 0: none is under way. */
  quietIn(): number {
    const now = this.#now()
    let longest = 0
    for (const push of this.#pushes.values()) {
      longest = Math.max(longest, push.running > 0 ? quietForMs : push.touchedAt + quietForMs - now)
    }
    return longest
  }

  #forgetOld(): void {
    const now = this.#now()
    for (const [name, push] of this.#pushes) {
      if (push.running === 0 && now - push.touchedAt >= quietForMs) this.#pushes.delete(name)
    }
  }
}
