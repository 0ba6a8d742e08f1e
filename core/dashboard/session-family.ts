import { createHash, timingSafeEqual } from 'node:crypto'
import * as v from 'valibot'

const hour = 3_600_000
const day = 24 * hour

const familyLimits = {
  /** A family that nobody used for so long has ended. */
  idleMs: 30 * day,
  /** So long after its link it ends in any case. */
  totalMs: 90 * day,
  /** So long after its link it may do everything; afterwards it looks. */
  fullMs: 12 * hour,
  /** A token that was replaced is accepted for so long: requests of other tabs were under way with it. */
  overlapMs: 10_000,
  /** Tokens that were handed out and not used yet: their answers were lost, as when a page is loaded again at once. */
  pending: 4,
} as const

const digest = v.pipe(v.string(), v.regex(/^[A-Za-z0-9_-]{43}$/))
const time = v.pipe(v.number(), v.finite(), v.minValue(0))

/** As `sessions.json` holds one: SHA-256 as base64url, times in ms since the epoch. */
export const familySchema = v.object({
  /** Of the id that all tokens of the family begin with. */
  id: digest,
  /** Of the token in use. */
  current: digest,
  /** Of the tokens that were handed out to replace it, newest last. */
  pending: v.pipe(v.array(digest), v.maxLength(familyLimits.pending)),
  retired: v.pipe(v.array(v.object({ digest, at: time })), v.maxLength(100)),
  startedAt: time,
  usedAt: time,
  fullUntil: time,
})

/** The session of one browser: the tokens that follow each other in it. */
export type SessionFamily = v.InferOutput<typeof familySchema>

export type Access = 'full' | 'looking'

/**
 * What a token that names a family is. `replayed`: it belongs to the family, and was replaced too long ago, or never
 * was given out: either way somebody has a copy, or guesses.
 */
type Standing = 'current' | 'overlap' | 'replayed'

export const digestOf = (text: string): string => createHash('sha256').update(text).digest('base64url')

/** Both are digests of the same length. */
export const isSameDigest = (one: string, other: string): boolean =>
  timingSafeEqual(Buffer.from(one), Buffer.from(other))

/** The family as a link begins it. `id` and `token` are digests. */
export const beginFamily = (id: string, token: string, now: number): SessionFamily => ({
  id,
  current: token,
  pending: [],
  retired: [],
  startedAt: now,
  usedAt: now,
  fullUntil: now + familyLimits.fullMs,
})

/** The family after another link was opened in its browser: as new, with the tokens that it has. */
export const renewFamily = (family: SessionFamily, now: number): SessionFamily => ({
  ...family,
  startedAt: now,
  usedAt: now,
  fullUntil: now + familyLimits.fullMs,
})

/**
 * The family after one of its tokens was used at `now`. The first use of a token that was handed out makes it the
 * current one: only then is the one before known to be replaced in the browser too.
 */
export function afterUse(
  family: SessionFamily,
  token: string,
  now: number,
): { family: SessionFamily; standing: Standing } {
  const used = { ...family, usedAt: now }
  if (isSameDigest(family.current, token)) return { family: used, standing: 'current' }
  if (family.pending.some(pending => isSameDigest(pending, token)))
    return {
      family: {
        ...used,
        current: token,
        pending: [],
        retired: [...inOverlap(family, now), { digest: family.current, at: now }],
      },
      standing: 'current',
    }
  const isUnderWay = inOverlap(family, now).some(retired => isSameDigest(retired.digest, token))
  return isUnderWay ? { family: used, standing: 'overlap' } : { family, standing: 'replayed' }
}

const inOverlap = ({ retired }: SessionFamily, now: number): SessionFamily['retired'] =>
  retired.filter(({ at }) => now - at < familyLimits.overlapMs)

/** The family with one more token that is to replace the current one. */
export const addPending = (family: SessionFamily, token: string): SessionFamily => ({
  ...family,
  pending: [...family.pending, token].slice(-familyLimits.pending),
})

export const withoutPending = (family: SessionFamily, token: string): SessionFamily => ({
  ...family,
  pending: family.pending.filter(pending => pending !== token),
})

/** False once it was unused or has lived for too long. */
export const isAlive = ({ startedAt, usedAt }: SessionFamily, now: number): boolean =>
  now - usedAt < familyLimits.idleMs && now - startedAt < familyLimits.totalMs

/** What the family may do at `now`. */
export const accessOf = ({ fullUntil }: SessionFamily, now: number): Access =>
  now < fullUntil ? 'full' : 'looking'

/** The family where the clock was set back: what it did in a time to come counts as done now. */
export const atMost = (family: SessionFamily, now: number): SessionFamily => ({
  ...family,
  retired: family.retired.map(({ digest, at }) => ({ digest, at: Math.min(at, now) })),
  startedAt: Math.min(family.startedAt, now),
  usedAt: Math.min(family.usedAt, now),
  fullUntil: Math.min(family.fullUntil, now + familyLimits.fullMs),
})
