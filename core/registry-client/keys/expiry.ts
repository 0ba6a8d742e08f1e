/** When a key is to end. `never` is for engines whose keys may live for ever. */
export type Expiry = { kind: 'policy' } | { kind: 'never' } | { kind: 'at'; at: number }

const units = { h: 3_600_000, d: 86_400_000, w: 7 * 86_400_000 } as const

export const expiryForms = '90d, 12h, 2w, a date like 2027-01-31, or never'

/** Reads "90d", "12h", "2w", "2027-01-31" (its end, UTC), an RFC 3339 time, "never"; undefined when it is none. */
export function readExpiry(text: string | undefined, now: number): Expiry | undefined {
  if (text === undefined) return { kind: 'policy' }
  if (text === 'never') return { kind: 'never' }
  const span = /^(\d{1,5})([hdw])$/.exec(text)
  if (span) {
    const unit = span[2] === 'h' ? units.h : span[2] === 'd' ? units.d : units.w
    const length = Number(span[1]) * unit
    return length > 0 ? { kind: 'at', at: now + length } : undefined
  }
  const day = /^\d{4}-\d\d-\d\d$/.test(text)
  if (!day && !/^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)$/.test(text)) return undefined
  // JavaScript would read the 31st of February as the 3rd of March.
  const [year, month, date] = text.slice(0, 10).split('-').map(Number)
  if ((date ?? 32) > new Date(Date.UTC(year ?? 0, month ?? 0, 0)).getUTCDate()) return undefined
  const at = Date.parse(day ? `${text}T23:59:59Z` : text)
  return Number.isNaN(at) ? undefined : { kind: 'at', at }
}
