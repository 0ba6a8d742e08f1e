import type { Clock } from '../lib/clock.ts'

/** When something has to stop: its time is over, or it was cancelled. */
export interface Limit {
  /** Fires when it has to stop. */
  signal: AbortSignal
  why(): 'too-slow' | 'cancelled' | undefined
  /** Forgets the timer. */
  done(): void
}

/** `limitMs` from now on, or until `cancel` fires; `done` has to be called. */
export function limit(clock: Clock, limitMs: number, cancel?: AbortSignal): Limit {
  const stop = new AbortController()
  let why: 'too-slow' | 'cancelled' | undefined
  function end(reason: 'too-slow' | 'cancelled'): void {
    why ??= reason
    stop.abort()
  }
  const cancelled = (): void => end('cancelled')
  const noTimer = clock.setTimer(clock.now() + limitMs, () => end('too-slow'))
  cancel?.addEventListener('abort', cancelled, { once: true })
  if (cancel?.aborted) cancelled()
  return {
    signal: stop.signal,
    why: () => why,
    done() {
      noTimer()
      cancel?.removeEventListener('abort', cancelled)
    },
  }
}

/** Resolves once the signal fires. */
export function fired(signal: AbortSignal): Promise<void> {
  return new Promise(resolve => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })
}
