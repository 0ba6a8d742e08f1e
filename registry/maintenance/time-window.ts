/** A part of every day in UTC, minutes since midnight; may lie across midnight. Both ends alike: all day. */
export interface TimeWindow {
  readonly from: number
  readonly to: number
}

const day = 24 * 60
const minute = 60_000

/** Reads "HH:MM-HH:MM"; undefined when it is something else. */
export function parseTimeWindow(text: string): TimeWindow | undefined {
  const match = /^([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-3]):([0-5]\d)$/.exec(text)
  if (!match) return undefined
  const [, ...parts] = match
  const [fromHour = 0, fromMinute = 0, toHour = 0, toMinute = 0] = parts.map(Number)
  return { from: fromHour * 60 + fromMinute, to: toHour * 60 + toMinute }
}

/** How long from `at` (ms since the epoch) until the window is open, ms; 0: it is. */
export function opensIn({ from, to }: TimeWindow, at: number): number {
  const now = (at / minute) % day
  const length = (to - from + day) % day || day
  const since = (now - from + day) % day
  return since < length ? 0 : Math.ceil((day - since) * minute)
}
