import type { Caller } from '../../contract/caller.ts'
import type { Failure } from '../../contract/failure.ts'
import type { ApiKey, KeyCreated, KeyList, KeyRevoked, KeyWarning } from '../../contract/key.ts'
import { fail, ok, type Result } from '../../contract/result.ts'
import type { Clock } from '../../lib/clock.ts'
import type { AdminClient } from '../platform/admin-client.ts'
import type { NewKey } from '../platform/new-key.ts'
import type { RegistryHttp } from '../platform/registry-http.ts'
import { FreshKeys, type UnrevealedKey } from './fresh-keys.ts'
import { adminKeyProvider, type KeyOwner, type KeyProvider, ownKeyProvider } from './key-provider.ts'

interface Options {
  admin: AdminClient
  registry: RegistryHttp
  /** Read anew each time: the engine may be exchanged. */
  readonly engine: string
  serves(): boolean
  /** The user whose credential the core holds, if any. */
  credential(): Promise<{ user: string } | undefined>
  /** Why there is none, where the keychain said no. */
  refusal(): Failure | undefined
  clock: Clock
  /** Where keys are used, as clients call it. */
  address(): string
  /** What keeps a new key from doing what it is for. */
  warnings(key: NewKey): Promise<KeyWarning[]>
  /** A secret waits to be revealed, or does not any more. */
  onChange?(): void
  /** Those that nobody had looked at when the core before this one handed over. */
  unrevealed?: readonly UnrevealedKey[]
}

interface NewKeyRequest {
  user: string
  label: string
  expires?: string | undefined
  scopes: string[]
}

/** The users that the core manages a key of; without a password where the key cannot be read. */
type ManagedOwners = () => Promise<readonly KeyOwner[]>

/** API keys: of every user where the engine lets the core in, else of the users whose password or key it holds. */
export interface Keys {
  /** From now on the keys of these users are reached too. */
  reachThrough(owners: ManagedOwners): void
  /** `quietly`: nobody asked, so that no managed key is used for it. */
  list(quietly?: boolean): Promise<Result<KeyList>>
  /** The command line gets the secret with the answer, a window by `reveal`. */
  create(request: NewKeyRequest, caller: Caller): Promise<Result<KeyCreated>>
  reveal(uuid: string): Result<{ apiKey: string }>
  /** Those whose secret waits for `reveal`, oldest first. */
  fresh(): KeyCreated[]
  /** For the next core of this home alone. */
  unrevealed(): UnrevealedKey[]
  revoke(uuid: string, descendants: boolean): Promise<Result<KeyRevoked>>
}

/** What the policy of this app is where an engine has none. */
const defaultLifetimeMs = 90 * 86_400_000

export function createKeys(options: Options): Keys {
  const { admin, registry, serves, credential, refusal, clock, onChange = () => {} } = options
  const fresh = new FreshKeys(clock, onChange, options.unrevealed)

  let managedOwners: ManagedOwners = async () => []

  async function openProviders(quietly = false): Promise<Result<[KeyProvider, ...KeyProvider[]]>> {
    if (!serves()) return fail({ code: 'registry-not-serving' })
    const all = await adminKeyProvider(admin)
    if (!all.ok) return all
    if (all.value) return ok([all.value])
    const { engine } = options
    const known = await credential()
    const managed = (quietly ? [] : await managedOwners()).filter(({ user }) => user !== known?.user)
    const owners = [
      ...(known ? [{ user: known.user }] : []),
      ...managed.filter(({ password }) => password !== undefined),
    ]
    const [first, ...others] = owners.map(owner => ownKeyProvider(registry, engine, owner))
    if (first) return ok([first, ...others])
    const users = managed.map(({ user }) => user)
    return fail(
      refusal() ?? {
        code: 'keys-need-admin-socket',
        engine,
        ...(users.length === 0 ? {} : { managed: users }),
      },
    )
  }

  return {
    reachThrough(owners) {
      managedOwners = owners
    },
    async list(quietly = false) {
      const providers = await openProviders(quietly)
      if (!providers.ok) return providers
      const keys: ApiKey[] = []
      const users: string[] = []
      let refused: Result<never> | undefined
      for (const provider of providers.value) {
        const listed = await provider.list()
        // A managed key may have ended.
        if (!listed.ok && listed.error.code !== 'registry-denied') return listed
        if (!listed.ok) refused ??= listed
        else {
          keys.push(...listed.value)
          if (provider.onlyUser !== undefined) users.push(provider.onlyUser)
        }
      }
      if (refused && users.length === 0) return refused
      const [onlyUser, ...others] = users
      if (onlyUser === undefined) return ok({ keys })
      return ok({ keys, ...(others.length === 0 ? { onlyUser } : { onlyUsers: users }) })
    },
    async create({ user, label, expires, scopes }, caller) {
      const expiry = parseExpiry(expires, clock.now())
      if (!expiry)
        return fail({ code: 'bad-input', field: 'expires', wrong: expires ?? '', allowed: expiryForms })
      const providers = await openProviders()
      if (!providers.ok) return providers
      const [first, ...others] = providers.value
      // The first one says why none is created for anybody else.
      const provider = others.find(({ onlyUser }) => onlyUser === user) ?? first
      if (expiry.kind === 'never' && !provider.allowsNoExpiry)
        return fail({
          code: 'key-refused',
          reason: 'Keys of zotbar-registry always end; name a date or a span',
        })
      const created = await provider.create({
        user,
        label,
        scopes,
        expirationDate: expirationOf(expiry, provider, clock.now()),
      })
      if (!created.ok) return created
      const { apiKey, account, ...facts } = created.value
      // Whatever is wrong with a file, the key is there and must be told.
      const warnings = await options.warnings({ user, scopes, account }).catch(() => [])
      const shown = { ...facts, registry: options.address(), warnings }
      return ok(caller === 'cli' ? { ...shown, apiKey } : fresh.hold(shown, apiKey))
    },
    reveal(uuid) {
      const apiKey = fresh.reveal(uuid)
      return apiKey === undefined ? fail({ code: 'secret-gone', uuid }) : ok({ apiKey })
    },
    fresh: () => fresh.list(),
    unrevealed: () => fresh.handOver(),
    async revoke(uuid, descendants) {
      const providers = await openProviders()
      if (!providers.ok) return providers
      const [first, ...others] = providers.value
      let revoked = await first.revoke(uuid, descendants)
      for (const provider of others) {
        const next = revoked.ok ? revoked : await provider.revoke(uuid, descendants)
        if (next.ok) revoked = next
      }
      for (const gone of revoked.ok ? revoked.value.revoked : []) fresh.forget(gone)
      return revoked
    },
  }
}

type Read = NonNullable<ReturnType<typeof parseExpiry>>

/** zot has no policy: a key without a date would live for ever there. */
function expirationOf(expiry: Read, provider: KeyProvider, now: number): string {
  if (expiry.kind === 'at') return new Date(expiry.at).toISOString()
  return expiry.kind === 'policy' && provider.allowsNoExpiry
    ? new Date(now + defaultLifetimeMs).toISOString()
    : ''
}

/** When a key is to end. `never` is for engines whose keys may live for ever. */
export type Expiry = { kind: 'policy' } | { kind: 'never' } | { kind: 'at'; at: number }

const units = { h: 3_600_000, d: 86_400_000, w: 7 * 86_400_000 } as const

const expiryForms = '90d, 12h, 2w, a date like 2027-01-31, or never'

/** Reads "90d", "12h", "2w", "2027-01-31" (its end, UTC), an RFC 3339 time, "never"; undefined when it is none. */
export function parseExpiry(text: string | undefined, now: number): Expiry | undefined {
  if (text === undefined) return { kind: 'policy' }
  if (text === 'never') return { kind: 'never' }
  const match = /^(\d{1,5})([hdw])$/.exec(text)
  if (match) {
    const unit = match[2] === 'h' ? units.h : match[2] === 'd' ? units.d : units.w
    const length = Number(match[1]) * unit
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
