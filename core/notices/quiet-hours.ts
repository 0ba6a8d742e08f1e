/** Minutes after local midnight; `from` after `to` spans midnight. */
export interface QuietHours {
  from: number
  to: number
}

/** "22:00-07:00"; undefined for anything else, and for hours that are all or none. */
export function readQuietHours(text: string): QuietHours | undefined {
  const parts = /^([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-3]):([0-5]\d)$/.exec(text.trim())
  if (!parts) return undefined
  const [fromHour = 0, fromMinute = 0, toHour = 0, toMinute = 0] = parts.slice(1).map(Number)
  const [from, to] = [fromHour * 60 + fromMinute, toHour * 60 + toMinute]
  return from === to ? undefined : { from, to }
}

/** When the quiet that `now` lies in ends, ms since the epoch, by the clock on the wall; undefined outside of it. */
export function quietUntil({ from, to }: QuietHours, now: number): number | undefined {
  const date = new Date(now)
  const minute = date.getHours() * 60 + date.getMinutes()
  const quiet = from < to ? minute >= from && minute < to : minute >= from || minute < to
  if (!quiet) return undefined
  const end = new Date(now)
  end.setHours(Math.floor(to / 60), to % 60, 0, 0)
  if (end.getTime() <= now) end.setDate(end.getDate() + 1)
  return end.getTime()
}
