import { hostname } from 'node:os'
import * as v from 'valibot'
import type { KeyWarning, ManagedKeySummary } from '../../contract/key.ts'
import type { SignInRequest } from '../../contract/sign-in.ts'
import type { Clock } from '../../lib/clock.ts'
import { adminClient } from '../platform/admin-client.ts'
import type { SetAside } from '../platform/json-file.ts'
import type { NewKey } from '../platform/new-key.ts'
import type { RegistryHttp } from '../platform/registry-http.ts'
import { waitUntil } from '../platform/wait-until.ts'
import type { RunbookKind } from '../runbook/runbook-kind.ts'
import type { Runs } from '../runbook/runs.ts'
import { accountOf, type KeyStore } from '../secrets/key-store.ts'
import type { Settings } from '../settings/settings.ts'
import { forgejoTokenAccount } from '../sinks/forgejo-sink.ts'
import { type RotationDeps, retireMemory, rotateMemory } from './deps.ts'
import { createGivenKeys, type SignInWindows } from './given-keys.ts'
import { createKeyClient } from './key-client.ts'
import { createKeyOverview, type KeyOverview } from './key-overview.ts'
import { type KeyRecord, type KeyRecords, openKeyRecords } from './key-record.ts'
import { labelPrefix, type Policy, parseOverlap } from './policy.ts'
import { retireName, retireRunbook } from './retire-steps.ts'
import { rotateName, rotateRunbook } from './rotate.ts'
import { createRotationHandlers, type RotationHandlers } from './rotation-handlers.ts'
import { createRetirementSchedule } from './schedule.ts'
import { createSignInKeys } from './sign-in.ts'
import { createSinks } from './sinks.ts'

interface Options {
  home: string
  clock: Clock
  settings: Settings
  store: KeyStore
  runs: Runs
  registry: RegistryHttp
  /** The registry's administration socket. */
  adminSocket: string
  supervisor: { onChange(listener: () => void): () => void }
  /** The newest lines of the engine's log, wherever it goes, oldest first. */
  tail(count: number): Promise<string[]>
  /** The registry as clients call it: "127.0.0.1:5050". */
  address(): string
  serves(): boolean
  /** What keeps a new key from doing what it is for. */
  keyWarnings(key: NewKey): Promise<KeyWarning[]>
  /** Where people sign in by browser; undefined where they cannot. */
  signInPlace(): (Omit<SignInRequest, 'user' | 'checkArrival'> & { hasPage: boolean }) | undefined
  signInWindow: SignInWindows
  /** Calls back when a run may have gone on; returns the end of that. */
  followRuns(listener: () => void): () => void
  report(setAside: SetAside): void
  log(message: string, data?: Record<string, unknown>): void
  onChange(): void
}

/** Managed keys: rotated, inspected, and revoked when their time has come. */
export interface RotationControl {
  handlers: RotationHandlers
  kinds: Record<string, RunbookKind>
  /** For a snapshot. */
  summaries(): ManagedKeySummary[]
  /** The users with a managed key of this registry, and that key where it can be read. */
  owners(): Promise<{ user: string; password?: string }[]>
  /** The accounts in the keychain that the managed keys and their sinks use. */
  keychainAccounts(): Promise<string[]>
  /** Called after interrupted runs were resumed. */
  begin(): void
  close(): void
}

/** How many of the newest log lines are searched for uses of a key: about all that the core retains of its own log. */
const searchedLogLines = 100_000
const hourMs = 3_600_000
const dayMs = 86_400_000

export async function createRotationControl(options: Options): Promise<RotationControl> {
  const { home, clock, settings, store, runs, registry, supervisor, address, serves, report, log } = options
  const records = await openKeyRecords({
    home,
    now: clock.now,
    report,
    onUnreadable: reason => log('the managed keys cannot be read', { reason }),
    onChange: options.onChange,
  })
  const sinks = createSinks({ home, clock, settings, store })
  const untilServing = (limitMs: number): Promise<boolean> =>
    waitUntil(serves, supervisor.onChange, clock, limitMs)
  const pause = (ms: number): Promise<void> =>
    new Promise(resolve => void clock.setTimer(clock.now() + ms, resolve))
  const client = createKeyClient({
    registry,
    admin: adminClient(options.adminSocket),
    untilServing,
    pause,
    now: clock.now,
  })
  const givenKeys = createGivenKeys({
    ...options,
    client,
    createBySignIn: createSignInKeys({ registry, client, untilServing }),
    users: () => records.all().map(({ user }) => user),
    async keyInUse(user) {
      const current = await store.get({ registry: address(), user }, 'current')
      return current.ok ? current.value : undefined
    },
  })
  const host = hostname() || 'host'
  const retiringListeners: (() => void)[] = []
  const deps: RotationDeps = {
    clock,
    client,
    store,
    records,
    untilServing,
    pause,
    policy: () => policyFrom(settings),
    sink(spec) {
      const sink = sinks.of(spec)
      return sink.ok ? sink.value : undefined
    },
    ...givenKeys.deps,
    requestLog: () => options.tail(searchedLogLines),
    onRetiringChange() {
      for (const listener of retiringListeners) listener()
    },
  }
  const overview = createKeyOverview({
    ...deps,
    registry: address,
    serves,
    labelPrefix: user => labelPrefix(deps.policy().label, { host, user }),
  })
  const schedule = createRetirementSchedule({
    clock,
    client,
    records,
    registry: address,
    serves,
    isBusy: () => runs.current() !== undefined,
    retire({ registry: owner, user }, { uuid, label }) {
      log('an old key is revoked, as its time has come', { user, uuid })
      return runs.start(retireRunbook({ registry: owner, user, old: { uuid, label } }, deps), 'schedule')
    },
  })
  retiringListeners.push(schedule.check)
  const inspection = dailyInspection({ clock, records, overview, serves, log })
  let stopListening = (): void => {}

  return {
    handlers: createRotationHandlers({
      ...{ deps, runs, sinks, overview, givenKeys, host, address, serves, log },
      keyWarnings: options.keyWarnings,
    }),
    kinds: runKinds(deps),
    summaries: overview.summaries,
    async owners() {
      const owners = []
      for (const record of records.all().filter(({ registry: name }) => name === address())) {
        const stored = await store.get(record, 'current')
        const password = stored.ok ? stored.value : undefined
        owners.push({ user: record.user, ...(password === undefined ? {} : { password }) })
      }
      return owners
    },
    keychainAccounts: async () => ((await store.usesKeychain()) ? accountsOf(records.all()) : []),
    begin() {
      stopListening = supervisor.onChange(() => {
        schedule.check()
        inspection.run()
      })
      schedule.check()
      inspection.run()
    },
    close() {
      stopListening()
      inspection.close()
      schedule.close()
      sinks.close()
    },
  }
}

/** Slots that are empty by the record are left out, and the token where no sink needs one. */
function accountsOf(records: readonly KeyRecord[]): string[] {
  const slots = records.flatMap(record => [
    accountOf(record, 'current'),
    ...(record.pending === undefined ? [] : [accountOf(record, 'next')]),
    ...(record.retiring.length === 0 ? [] : [accountOf(record, 'retiring')]),
  ])
  const needsToken = records.some(({ sinks }) => sinks.some(({ spec }) => spec.startsWith('forgejo:')))
  return needsToken ? [...slots, forgejoTokenAccount] : slots
}

const policyFrom = (settings: Settings): Policy => ({
  days: settings.get('rotation.days'),
  overlapMs: parseOverlap(settings.get('rotation.overlap')) ?? 0,
  label: settings.get('rotation.label'),
})

/** How an interrupted rotation or revocation is taken up again. */
function runKinds(deps: RotationDeps): Record<string, RunbookKind> {
  return {
    [rotateName]: {
      deserialize(memory) {
        const parsed = v.safeParse(rotateMemory, memory)
        return parsed.success ? rotateRunbook(parsed.output, deps) : undefined
      },
      // Before a key is created there is nothing to undo: it resumes only where the user agreed beforehand.
      resumes: (hasBegun, { yes }) => hasBegun('mint') || yes === true,
    },
    [retireName]: {
      deserialize(memory) {
        const parsed = v.safeParse(retireMemory, memory)
        return parsed.success ? retireRunbook(parsed.output, deps) : undefined
      },
      resumes: () => true,
    },
  }
}

/** Inspects all keys unasked: once the registry serves, then once a day. */
function dailyInspection({
  clock,
  records,
  overview,
  serves,
  log,
}: Pick<Options, 'clock' | 'serves' | 'log'> & { records: KeyRecords; overview: KeyOverview }) {
  let lastAt = Number.NEGATIVE_INFINITY
  let stopTimer = (): void => {}
  function run(): void {
    if (records.all().length === 0 || !serves() || clock.now() - lastAt < hourMs) return
    lastAt = clock.now()
    stopTimer()
    stopTimer = clock.setTimer(clock.now() + dayMs, run, { unref: true })
    void overview.list(true).catch(error => log('the keys could not be inspected', { error: String(error) }))
  }
  return { run, close: () => stopTimer() }
}
