/** Events by name, each with what it carries: `undefined` for nothing. */
export interface Emitter<Events> {
  /** Calls the listener at each event, in the order of subscription, until the returned function is called. */
  on<Name extends keyof Events>(name: Name, listener: (value: Events[Name]) => void): () => void
  /** Calls the listeners of now, one after the other; what one of them throws reaches the caller. */
  emit<Name extends keyof Events>(
    name: Name,
    ...value: Events[Name] extends undefined ? [] : [Events[Name]]
  ): void
  /** Whether anybody listens. */
  has(name: keyof Events): boolean
}

export function createEmitter<Events>(): Emitter<Events> {
  const listeners: { [Name in keyof Events]?: Set<(value: Events[Name]) => void> } = {}

  return {
    on(name, listener) {
      const set: Set<typeof listener> = listeners[name] ?? new Set()
      listeners[name] = set
      // The same function may be subscribed twice.
      const entry: typeof listener = value => listener(value)
      set.add(entry)
      return () => void set.delete(entry)
    },
    emit(name, ...[value]) {
      const set = listeners[name]
      if (set === undefined) return
      // A copy: one that is subscribed meanwhile hears the next event, one that is gone hears nothing.
      for (const listener of [...set]) if (set.has(listener)) listener(value as never)
    },
    has: name => (listeners[name]?.size ?? 0) > 0,
  }
}
