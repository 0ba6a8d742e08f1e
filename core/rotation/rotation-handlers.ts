import { randomBytes } from 'node:crypto'
import { actorOf } from '../../contract/caller.ts'
import type { ZotbarHandlers } from '../../contract/contract.ts'
import type { ApiKey, KeyWarning } from '../../contract/key.ts'
import { fail, ok, type Result } from '../../contract/result.ts'
import type { NewKey } from '../platform/new-key.ts'
import type { Runs } from '../runbook/runs.ts'
import type { KeyOwner } from '../secrets/key-store.ts'
import { forgejoTokenAccount, setForgejoToken } from '../sinks/forgejo-sink.ts'
import type { RotationDeps } from './deps.ts'
import type { GivenKeys } from './given-keys.ts'
import type { KeyOverview } from './key-overview.ts'
import type { KeyRecord } from './key-record.ts'
import { ManagedKeys } from './managed-keys.ts'
import { labelOf } from './policy.ts'
import { retireRunbook } from './retire-steps.ts'
import { rotateRunbook } from './rotate.ts'
import { initialMemory, planRotation } from './rotation-plan.ts'
import type { Sinks } from './sinks.ts'

/** The commands about managed keys. */
export interface RotationHandlers {
  keys: Pick<
    ZotbarHandlers['keys'],
    | 'managed'
    | 'manage'
    | 'unmanage'
    | 'rotate'
    | 'prove'
    | 'showSecret'
    | 'copySecret'
    | 'endOverlap'
    | 'offerKey'
    | 'signIn'
    | 'forgejoToken'
    | 'unlock'
  >
  /** The same keys, with the managed ones marked. */
  marked(keys: ApiKey[]): ApiKey[]
}

interface Options {
  deps: RotationDeps
  runs: Runs
  sinks: Sinks
  overview: KeyOverview
  givenKeys: GivenKeys
  /** The registry as clients call it: "127.0.0.1:5050". */
  address(): string
  /** The name of this computer in the labels of new keys. */
  host: string
  serves(): boolean
  /** What keeps a new key from doing what it is for. */
  keyWarnings(key: NewKey): Promise<KeyWarning[]>
  log(message: string, data?: Record<string, unknown>): void
}

export function createRotationHandlers(options: Options): RotationHandlers {
  const { deps, runs, sinks, overview, givenKeys, host, address, serves, log, keyWarnings } = options
  const { clock, store, records, policy } = deps
  const managedKeys = new ManagedKeys(deps, sinks.of)
  const ownerOf = (user: string): KeyOwner => ({ registry: address(), user })

  function newLabel(user: string): string {
    const mark = randomBytes(3).toString('hex')
    return labelOf(policy().label, { host, user, at: clock.now(), mark })
  }

  function recordOf(user: string): Result<KeyRecord> {
    const record = records.find(ownerOf(user)) ?? records.all().find(entry => entry.user === user)
    return record ? ok(record) : managedKeys.notManaged(user)
  }

  const keys: RotationHandlers['keys'] = {
    managed: async () => ok({ keys: await overview.list(), store: await store.describe() }),
    async manage({ user, ...request }) {
      const blocked = runs.blocked()
      if (blocked) return fail(blocked)
      if (!serves()) return fail({ code: 'registry-not-serving' })
      const managed = await managedKeys.manage(ownerOf(user), request, newLabel(user))
      if (!managed.ok) return managed
      const record = records.find(ownerOf(user))
      if (!record) return managedKeys.notManaged(user)
      deps.onRetiringChange()
      const { checks, created } = managed.value
      const { proveRepository: repository } = record
      const about = { user, scopes: [], repository, account: created?.account }
      const warnings = created ? await keyWarnings(about).catch(() => []) : []
      return ok({ ...(await overview.inspect(record)), checks, warnings })
    },
    async unmanage({ user }) {
      const blocked = runs.blocked()
      if (blocked) return fail(blocked)
      const record = recordOf(user)
      return record.ok ? managedKeys.unmanage(record.value) : record
    },
    async rotate({ dryRun, ...request }, caller) {
      const blocked = runs.blocked()
      if (blocked && !dryRun) return fail(blocked)
      const record = recordOf(request.user)
      if (!record.ok) return record
      const { registry } = record.value
      if (registry !== address())
        return fail({ code: 'key-elsewhere', user: request.user, registry, here: address() })
      const memory = initialMemory(record.value, request, policy(), {
        newLabel: newLabel(request.user),
        agent: `zotbar (run ${randomBytes(12).toString('hex')})`,
      })
      if (!memory.ok) return memory
      if (dryRun) return ok({ plan: await planRotation(memory.value, deps, overview, sinks.of) })
      return runs.start(rotateRunbook(memory.value, deps), actorOf(caller))
    },
    async prove({ user }) {
      const record = recordOf(user)
      if (!record.ok) return record
      return serves() ? managedKeys.prove(record.value) : fail({ code: 'registry-not-serving' })
    },
    async showSecret({ user }, caller) {
      const record = recordOf(user)
      if (!record.ok) return record
      const stored = await store.get(record.value, 'current')
      if (!stored.ok) return stored
      if (stored.value === undefined)
        return fail({ code: 'key-not-kept', registry: record.value.registry, user, slot: 'current' })
      log('the secret of a managed key was shown', { user, caller })
      return ok({ user, apiKey: stored.value })
    },
    // The app of a page does it before it gets here.
    copySecret: async () => fail({ code: 'no-screen', missing: 'clipboard' }),
    async endOverlap({ user }, caller) {
      const record = recordOf(user)
      if (!record.ok) return record
      const old = record.value.retiring[0]
      if (!old) return fail({ code: 'nothing-retiring', user })
      const memory = { registry: record.value.registry, user, old: { uuid: old.uuid, label: old.label } }
      return runs.start(retireRunbook(memory, deps), actorOf(caller))
    },
    ...givenKeys.handlers,
    forgejoToken: ({ token }) => setForgejoToken(store.secret(forgejoTokenAccount), token),
    unlock: async ({ passphrase }) => store.unlock(passphrase),
  }

  return {
    keys,
    marked(all) {
      const managed = new Set(
        records.all().flatMap(({ uuid, retiring }) => [uuid, ...retiring.map(old => old.uuid)]),
      )
      // The next one of a rotation that is under way.
      const pending = new Set(records.all().flatMap(record => record.pending ?? []))
      return all.map(key =>
        managed.has(key.uuid) || pending.has(key.label) ? { ...key, managed: true } : key,
      )
    },
  }
}
