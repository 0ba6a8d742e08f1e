import type { Clock } from '../../lib/clock.ts'

/** Resolves true as soon as `holds`, looked at with every change; false when it does not within `limitMs`. */
export function waitUntil(
  holds: () => boolean,
  onChange: (listener: () => void) => () => void,
  clock: Pick<Clock, 'now' | 'setTimer'>,
  limitMs: number,
): Promise<boolean> {
  return new Promise(resolve => {
    const end = (): void => {
      stopListening()
      stopTimer()
      resolve(holds())
    }
    const stopTimer = clock.setTimer(clock.now() + limitMs, end)
    const stopListening = onChange(() => {
      if (holds()) end()
    })
    if (holds()) end()
  })
}
