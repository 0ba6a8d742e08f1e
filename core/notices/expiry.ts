/** Days before its end at which the owner of a key is told; after the end every day. */
export const milestones = [30, 14, 7, 3, 1, 0] as const

const day = 86_400_000
/** A notice from so far in the future was given by a clock that was wrong. */
const wrongBy = 45 * day

/** The last notice that was given about a key: `level` is its milestone, negative for days after the end. */
export interface Told {
  level: number
  /** ms since the epoch. */
  at: number
}

/** The lowest milestone that has been reached: 30 … 0, then -1, -2, … for each day after the end. */
export function levelAt(expiresAt: number, now: number): number | undefined {
  if (now >= expiresAt + day) return -Math.floor((now - expiresAt) / day)
  return milestones.findLast(milestone => now >= expiresAt - milestone * day)
}

/** When the next milestone comes, ms since the epoch. */
export function nextMilestone(expiresAt: number, now: number): number {
  const ahead = milestones.map(milestone => expiresAt - milestone * day).find(at => at > now)
  return ahead ?? expiresAt + (Math.floor((now - expiresAt) / day) + 1) * day
}

/**
 * The milestones that are due and were not told, highest first: several after a week switched off, which one notice
 * then covers. A clock that goes back makes none of them due again.
 */
export function dueMilestones(expiresAt: number, told: Told | undefined, now: number): number[] {
  const level = levelAt(expiresAt, now)
  if (level === undefined) return []
  const known = told !== undefined && told.at - now < wrongBy ? told.level : Number.POSITIVE_INFINITY
  const after = Array.from({ length: Math.max(0, -level) }, (_, index) => -index - 1)
  return [...milestones, ...after].filter(milestone => milestone < known && milestone >= level)
}
