import { randomBytes } from 'node:crypto'
import { hostname } from 'node:os'
import * as v from 'valibot'
import type { ZotbarHandlers } from '../../contract/contract.ts'
import type { ApiKey, ManagedKeyGlance } from '../../contract/key.ts'
import { fail, ok, type Result } from '../../contract/result.ts'
import type { SignInWindow, SignInWish } from '../../contract/sign-in-window.ts'
import type { Clock } from '../../lib/clock.ts'
import { adminClient } from '../platform/admin-client.ts'
import type { SetAside } from '../platform/json-file.ts'
import type { RegistryHttp } from '../platform/registry-http.ts'
import { until } from '../platform/until.ts'
import type { RunbookKind } from '../runbook/runbook-kind.ts'
import type { Runs } from '../runbook/runs.ts'
import type { KeyStore } from '../secrets/key-store.ts'
import type { Settings } from '../settings/settings.ts'
import { forgejoTokenAccount, giveForgejoToken } from '../sinks/forgejo-sink.ts'
import { type RotationParts, retireMemory, rotateMemory } from './deps.ts'
import { createOffers } from './given-keys.ts'
import { createKeyDesk } from './key-client.ts'
import { createInventory } from './key-overview.ts'
import { type KeyRecord, type Owner, openKeyRecords } from './key-record.ts'
import { createCare } from './managed-keys.ts'
import { labelOf, labelStart, type Policy, readOverlap } from './policy.ts'
import { retireName, retireRunbook } from './retire-steps.ts'
import { rotateName, rotateRunbook } from './rotate.ts'
import { memoryOf, planOf } from './rotation-plan.ts'
import { scheduleRetirements } from './schedule.ts'
import { createSessionMint } from './sign-in.ts'
import { createSinks, usesIn } from './sinks.ts'

/** What the contract says about keys under care. */
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
  /** The same keys, with those under care marked. */
  marked(keys: ApiKey[]): ApiKey[]
}

interface Options {
  home: string
  clock: Clock
  settings: Settings
  store: KeyStore
  runs: Runs
  registry: RegistryHttp
  /** The registry's administration socket. */
  adminSocket: string
  supervisor: { onChange(listener: () => void): () => void; tail(count: number): Promise<string[]> }
  /** The registry as clients call it: "127.0.0.1:5050". */
  address(): string
  serves(): boolean
  /** Where people sign in by browser; undefined where they cannot. */
  signInPlace(): (Omit<SignInWish, 'user' | 'arrived'> & { hasPage: boolean }) | undefined
  /** Absent in a shell without windows. */
  signInWindow?: SignInWindow | undefined
  report(what: SetAside): void
  log(message: string, data?: Record<string, unknown>): void
  onChange(): void
}

/** Keys under care: rotated, looked at, and revoked when their time has come. */
export interface RotationControl {
  handlers: RotationHandlers
  kinds: Record<string, RunbookKind>
  /** For a snapshot. */
  glance(): ManagedKeyGlance[]
  /** After runs that were cut off are under way. */
  begin(): void
  close(): void
}

const mayNot = fail({ code: 'not-authorised', reason: 'wrong-sender' })
/** The newest lines of the log that are looked through for what used a key. */
const logLines = 3000

export async function createRotationControl(options: Options): Promise<RotationControl> {
  const { home, clock, settings, store, runs, registry, supervisor, address, serves, report, log } = options
  const records = await openKeyRecords({
    home,
    now: clock.now,
    report,
    unreadable: reason => log('the keys under care cannot be read', { reason }),
    onChange: options.onChange,
  })
  const sinks = createSinks({ home, clock, settings, store })
  const serving = (limitMs: number): Promise<boolean> => until(serves, supervisor.onChange, clock, limitMs)
  const pause = (ms: number): Promise<void> =>
    new Promise(resolve => void clock.setTimer(clock.now() + ms, resolve))
  const desk = createKeyDesk({
    registry,
    admin: adminClient(options.adminSocket),
    serving,
    pause,
    now: clock.now,
  })
  const offers = createOffers({
    ...options,
    desk,
    mintInSession: createSessionMint({ registry, desk, serving }),
    users: () => records.all().map(({ user }) => user),
    async inUse(user) {
      const current = await store.get(ownerOf(user), 'current')
      return current.ok ? current.value : undefined
    },
  })
  const policy = (): Policy => ({
    days: settings.get('rotation.days'),
    overlapMs: readOverlap(settings.get('rotation.overlap')) ?? 0,
    label: settings.get('rotation.label'),
  })
  const here = { host: hostname() || 'host' }

  const parts: RotationParts = {
    clock,
    desk,
    store,
    records,
    serving,
    pause,
    policy,
    sink(spec) {
      const sink = sinks.of(spec)
      return sink.ok ? sink.value : undefined
    },
    ...offers.parts,
    recentUses: async user => usesIn(await supervisor.tail(logLines), user),
    retiringChanged: () => schedule.poke(),
  }
  const care = createCare(parts, sinks.of)
  const inventory = createInventory({
    ...parts,
    registry: address,
    serves,
    labelStart: user => labelStart(policy().label, { ...here, user }),
  })
  const schedule = scheduleRetirements({
    clock,
    desk,
    records,
    registry: address,
    serves,
    busy: () => runs.current() !== undefined,
    retire({ registry: place, user }, { uuid, label }) {
      log('an old key is revoked, as its time has come', { user, uuid })
      return runs.start(retireRunbook({ registry: place, user, old: { uuid, label } }, parts), 'schedule')
    },
  })

  const ownerOf = (user: string): Owner => ({ registry: address(), user })
  const freshLabel = (user: string): string =>
    labelOf(policy().label, { ...here, user, at: clock.now(), mark: randomBytes(3).toString('hex') })

  function known(user: string): Result<KeyRecord> {
    const record = records.find(ownerOf(user)) ?? records.all().find(one => one.user === user)
    return record ? ok(record) : care.notManaged(user)
  }

  const handlers: RotationHandlers = {
    marked(keys) {
      const ours = new Set(
        records.all().flatMap(({ uuid, retiring }) => [uuid, ...retiring.map(old => old.uuid)]),
      )
      return keys.map(key => (ours.has(key.uuid) ? { ...key, managed: true } : key))
    },
    keys: {
      managed: async () => ok({ keys: await inventory.list(), store: await store.describe() }),
      async manage({ user, ...wish }, caller) {
        // It names files, hosts and commands.
        if (caller !== 'cli') return mayNot
        const blocked = runs.blocked()
        if (blocked) return fail(blocked)
        if (!serves()) return fail({ code: 'registry-not-serving' })
        const checks = await care.manage(ownerOf(user), wish, freshLabel(user))
        if (!checks.ok) return checks
        const record = records.find(ownerOf(user))
        if (!record) return care.notManaged(user)
        schedule.poke()
        return ok({ ...(await inventory.look(record)), checks: checks.value })
      },
      async unmanage({ user }) {
        const blocked = runs.blocked()
        if (blocked) return fail(blocked)
        const record = known(user)
        return record.ok ? care.unmanage(record.value) : record
      },
      async rotate({ dryRun: dry, ...wish }, caller) {
        const blocked = runs.blocked()
        if (blocked && !dry) return fail(blocked)
        const record = known(wish.user)
        if (!record.ok) return record
        if (record.value.registry !== address())
          return fail({
            code: 'key-elsewhere',
            user: wish.user,
            registry: record.value.registry,
            here: address(),
          })
        const memory = memoryOf(record.value, wish, policy(), freshLabel(wish.user))
        if (!memory.ok) return memory
        if (dry) return ok({ plan: await planOf(memory.value, parts, inventory, sinks.of) })
        return runs.start(rotateRunbook(memory.value, parts), caller)
      },
      async prove({ user }) {
        const record = known(user)
        if (!record.ok) return record
        return serves() ? care.prove(record.value) : fail({ code: 'registry-not-serving' })
      },
      async showSecret({ user }, caller) {
        if (caller === 'dashboard') return mayNot
        const record = known(user)
        if (!record.ok) return record
        const kept = await store.get(record.value, 'current')
        if (!kept.ok) return kept
        if (kept.value === undefined)
          return fail({ code: 'key-not-kept', registry: record.value.registry, user, slot: 'current' })
        log('the secret of a key under care was shown', { user, caller })
        return ok({ user, apiKey: kept.value })
      },
      // Only a shell has a clipboard.
      copySecret: async () => mayNot,
      async endOverlap({ user }, caller) {
        const record = known(user)
        if (!record.ok) return record
        const old = record.value.retiring[0]
        if (!old) return fail({ code: 'nothing-retiring', user })
        const memory = { registry: record.value.registry, user, old: { uuid: old.uuid, label: old.label } }
        return runs.start(retireRunbook(memory, parts), caller)
      },
      ...offers.handlers,
      async forgejoToken({ token }, caller) {
        return caller === 'cli' ? giveForgejoToken(store.note(forgejoTokenAccount), token) : mayNot
      },
      unlock: async ({ passphrase }) => store.unlock(passphrase),
    },
  }

  /** What is found out without being asked: once it serves, and once a day. */
  let lookedAt = Number.NEGATIVE_INFINITY
  let stopDaily = (): void => {}
  function lookAll(): void {
    if (records.all().length === 0 || !serves() || clock.now() - lookedAt < 3_600_000) return
    lookedAt = clock.now()
    stopDaily()
    stopDaily = clock.setTimer(clock.now() + 86_400_000, lookAll, { unref: true })
    void inventory.list(true).catch(error => log('the keys could not be looked at', { error: String(error) }))
  }
  let stopListening = (): void => {}

  return {
    handlers,
    kinds: {
      [rotateName]: {
        deserialize(memory) {
          const read = v.safeParse(rotateMemory, memory)
          return read.success ? rotateRunbook(read.output, parts) : undefined
        },
        // Before a key is made there is nothing to take back; it goes on where it was agreed to beforehand.
        resumes: (begun, { yes }) => begun('mint') || yes === true,
      },
      [retireName]: {
        deserialize(memory) {
          const read = v.safeParse(retireMemory, memory)
          return read.success ? retireRunbook(read.output, parts) : undefined
        },
        resumes: () => true,
      },
    },
    glance: inventory.glance,
    begin() {
      stopListening = supervisor.onChange(() => {
        schedule.poke()
        lookAll()
      })
      schedule.poke()
      lookAll()
    },
    close() {
      stopListening()
      stopDaily()
      schedule.close()
      sinks.close()
    },
  }
}
