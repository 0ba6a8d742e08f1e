import { hash, randomBytes } from 'node:crypto'
import { isObject } from '../../lib/json.ts'
import type { Identity } from './identity.ts'
import { isWithin, parseScope, printScope, type Scope } from './scope.ts'

/** A key as its owner sees it; times are ms since the epoch. The secret is not part of it. */
export interface ApiKey {
  readonly uuid: string
  readonly user: string
  readonly origin: Identity['origin']
  readonly label: string
  readonly scopes: readonly Scope[]
  readonly createdAt: number
  readonly expiresAt: number
  readonly creatorUa: string
  readonly generatedBy: string
  /** The key that made this one. */
  readonly mintedBy?: string
  readonly lastUsed?: number
}

const prefix = 'zak_'
const form = /^zak_[0-9a-f]{32}$/

export const isKeyForm = (text: string): boolean => form.test(text)
export const newSecret = (): string => prefix + randomBytes(16).toString('hex')
/** What is kept of a secret. */
export const hashOfSecret = (secret: string): string => hash('sha256', secret.slice(prefix.length))

const day = 86_400_000

/** How long keys may live, ms. */
export interface KeyPolicy {
  readonly defaultLife: number
  readonly maxLife: number
}

export type KeyPolicyResult = { ok: true; policy: KeyPolicy } | { ok: false; message: string }

/**
 * config.json belongs to zot, whose loader refuses keys it does not know, so the policy comes from the
 * environment: ZOTBAR_KEY_DEFAULT_DAYS (90) and ZOTBAR_KEY_MAX_DAYS (366), whole days.
 */
export function keyPolicyOf(environment: Readonly<Record<string, string | undefined>>): KeyPolicyResult {
  const read = (name: string, byDefault: number): number | undefined => {
    const text = environment[name]
    if (text === undefined || text === '') return byDefault
    return /^[1-9]\d{0,4}$/.test(text) ? Number(text) : undefined
  }
  const longest = read('ZOTBAR_KEY_MAX_DAYS', 366)
  if (longest === undefined)
    return { ok: false, message: 'ZOTBAR_KEY_MAX_DAYS is not a number of days from 1' }
  const usual = read('ZOTBAR_KEY_DEFAULT_DAYS', Math.min(90, longest))
  if (usual === undefined)
    return { ok: false, message: 'ZOTBAR_KEY_DEFAULT_DAYS is not a number of days from 1' }
  if (usual > longest) return { ok: false, message: 'ZOTBAR_KEY_DEFAULT_DAYS is over ZOTBAR_KEY_MAX_DAYS' }
  return { ok: true, policy: { defaultLife: usual * day, maxLife: longest * day } }
}

/** What a new key is to be, checked. */
export interface KeyRequest {
  readonly label: string
  readonly scopes: readonly Scope[]
  readonly expiresAt: number
}

/** `wider`: more than the key that asks has itself. */
export type KeyRequestResult =
  | { ok: true; request: KeyRequest }
  | { ok: false; reason: 'invalid' | 'wider'; problem: string }

const maxLabel = 256
const maxScopes = 64
/** Go's zero time: never, for zot. */
const zeroTime = '0001-01-01T00:00:00Z'
const rfc3339 = /^\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)$/

/**
 * Reads the body of a creation: {label, scopes[], expirationDate}. `minter` is the identity that asks; one
 * that came with a narrowed key passes on no more than it has, and all of it when no scopes are asked for.
 */
export function parseKeyRequest(
  body: unknown,
  { policy, now, minter }: { policy: KeyPolicy; now: number; minter: Pick<Identity, 'scopes'> },
): KeyRequestResult {
  if (!isObject(body)) return invalid('the body is not a JSON object')
  const label = body['label'] ?? ''
  if (typeof label !== 'string') return invalid('label is not a string')
  if (label.length > maxLabel) return invalid(`label is longer than ${maxLabel} characters`)
  // It is shown on terminals and pages, also to others than its author.
  if (/[\p{Cc}\p{Bidi_Control}]/u.test(label)) return invalid('label holds control characters')
  const asked = readScopes(body['scopes'])
  if (!asked.ok) return asked
  const expiry = readExpiry(body['expirationDate'], policy, now)
  if (!expiry.ok) return expiry
  const minterScopes = minter.scopes ?? []
  if (minterScopes.length > 0 && !isWithin(asked.scopes, minterScopes)) {
    const problem = `a key makes no key that may more than itself: ${minterScopes.map(printScope).join(' ')}`
    return { ok: false, reason: 'wider', problem }
  }
  const scopes = asked.scopes.length === 0 ? minterScopes : asked.scopes
  return { ok: true, request: { label, scopes, expiresAt: expiry.expiresAt } }
}

function readScopes(value: unknown): { ok: true; scopes: Scope[] } | (KeyRequestResult & { ok: false }) {
  if (value === undefined || value === null) return { ok: true, scopes: [] }
  if (!Array.isArray(value)) return invalid('scopes is not a list')
  if (value.length > maxScopes) return invalid(`more than ${maxScopes} scopes`)
  const scopes: Scope[] = []
  for (const text of value) {
    if (typeof text !== 'string') return invalid('scopes holds something that is not a string')
    const parsed = parseScope(text)
    if (!parsed.ok) return invalid(`scope ${parsed.problem}`)
    scopes.push(parsed.scope)
  }
  return { ok: true, scopes }
}

function readExpiry(
  value: unknown,
  { defaultLife, maxLife }: KeyPolicy,
  now: number,
): { ok: true; expiresAt: number } | (KeyRequestResult & { ok: false }) {
  if (value === undefined || value === null || value === '' || value === zeroTime) {
    return { ok: true, expiresAt: now + defaultLife }
  }
  const time = typeof value === 'string' && isTime(value) ? Date.parse(value) : Number.NaN
  if (Number.isNaN(time)) return invalid('expirationDate is not a date as in RFC 3339')
  if (time <= now) return invalid('expirationDate is in the past')
  // A minute more, as clocks differ and some clients ask for exactly the maximum.
  if (time > now + maxLife + 60_000) return invalid(`a key lives ${Math.floor(maxLife / day)} days at most`)
  return { ok: true, expiresAt: Math.min(time, now + maxLife) }
}

/** JavaScript would read the 31st of February as the 3rd of March. */
function isTime(text: string): boolean {
  const [year, month, day] = text.slice(0, 10).split('-').map(Number)
  return rfc3339.test(text) && (day ?? 32) <= new Date(Date.UTC(year ?? 0, month ?? 0, 0)).getUTCDate()
}

const invalid = (problem: string): { ok: false; reason: 'invalid'; problem: string } => ({
  ok: false,
  reason: 'invalid',
  problem,
})
