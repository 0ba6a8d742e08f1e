import type { Clock } from './clock.ts'

/** Waits for `work`, but no longer than `ms`: a call into a volume that went away may never return. */
export async function withDeadline(clock: Clock, ms: number, work: Promise<unknown>): Promise<void> {
  let cancel = (): void => {}
  const limit = new Promise<void>(resolve => {
    cancel = clock.setTimer(clock.now() + ms, resolve)
  })
  try {
    await Promise.race([work, limit])
  } finally {
    cancel()
  }
}
