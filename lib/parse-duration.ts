const units = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const

/** Reads "90s", "30m", "24h", "2d" or "0" into ms; undefined when it is none. */
export function parseDuration(text: string): number | undefined {
  if (/^0[smhd]?$/.test(text)) return 0
  const read = /^([1-9]\d{0,6})([smhd])$/.exec(text)
  const unit = read?.[2] as keyof typeof units | undefined
  return read && unit ? Number(read[1]) * units[unit] : undefined
}
