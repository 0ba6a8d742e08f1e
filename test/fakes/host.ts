import type { Events, ZotbarHandlers } from '../../contract/contract.ts'
import { type ClientHello, contractNumber, type Hello, helloHeader, helloText } from '../../contract/hello.ts'
import type { Host } from '../../contract/host.ts'
import type { Image, ImageDetails } from '../../contract/image.ts'
import type { ApiKey, ManagedKey } from '../../contract/key.ts'
import type { ProcessState } from '../../contract/registry-state.ts'
import { fail, ok } from '../../contract/result.ts'
import type { Snapshot } from '../../contract/snapshot.ts'

export const servingState: ProcessState = {
  kind: 'serving',
  since: 1_000,
  pid: 4242,
  startedAt: 1_000,
  adopted: false,
}

/** The states of a restart, in their order. */
export const restartStates: ProcessState[] = [
  { kind: 'draining', since: 0, pid: 4242, until: 9, then: 'restart', pushes: [], cancellable: true },
  { kind: 'stopping', since: 0, pid: 4242, killAt: 9, then: 'restart' },
  { kind: 'starting', since: 0, cause: 'asked-restart', deadline: 9 },
]

export function aSnapshot(over: Partial<Snapshot> = {}): Snapshot {
  return {
    takenAt: 1_000,
    app: {
      version: '0.1.0',
      build: 'source',
      pid: 77,
      keeper: 'terminal',
      offers: [],
      startedAt: 1,
      home: '/home/u/zotbar',
    },
    engine: { id: 'zotbar-registry', version: '0.1.0' },
    registry: { url: 'http://127.0.0.1:5050', host: '127.0.0.1', port: 5050, configFile: '/c/config.json' },
    process: servingState,
    service: { probes: [] },
    storage: { scanning: false, biggest: [], history: [] },
    journal: [],
    pushes: [],
    notices: [],
    quitting: false,
    ...over,
  }
}

export const anImage: Image = {
  repository: 'team/app',
  tag: '1',
  digest: `sha256:${'a'.repeat(64)}`,
  platforms: ['linux/amd64', 'linux/arm64'],
  size: 12_300_000,
  pushedAt: 1_000,
  pulls: 2,
  lastPulled: 2_000,
}

const anImageInFull: ImageDetails = {
  ...anImage,
  mediaType: 'application/vnd.oci.image.manifest.v1+json',
  platforms: [{ platform: 'linux/amd64', digest: anImage.digest, size: 12_300_000 }],
  layers: [],
  pullCommand: 'docker pull 127.0.0.1:5050/team/app:1',
}

export const aKey: ApiKey = {
  uuid: '7d3a2c1e-0000-4000-8000-000000000001',
  user: 'ci',
  label: 'pipeline',
  createdAt: '2026-03-01T10:00:00.000Z',
  expirationDate: '2026-05-30T10:00:00.000Z',
  lastUsed: null,
  managed: false,
}

const aManagedKey: ManagedKey = {
  registry: '127.0.0.1:5050',
  user: 'zot-ci',
  label: 'zotbar/box/2026-01-01-0a1b2c',
  uuid: aKey.uuid,
  createdAt: '2026-01-01T00:00:00.000Z',
  expirationDate: '2026-04-01T00:00:00.000Z',
  lastUsed: null,
  kept: 'keychain',
  sinks: [{ spec: 'file:/run/key', title: 'File', place: '/run/key', state: 'proven' }],
  drift: [],
  daysLeft: 60,
  nearEnd: false,
  shouldRotate: false,
}

export interface FakeHost extends Host {
  push<E extends keyof Events>(event: E, value: Events[E]): void
  /** How many listen to an event. */
  listeners(event: keyof Events): number
  /** Every command that arrived, with its caller. */
  calls: { name: string; input: unknown; caller: string; connection?: string }[]
}

type Areas = { [Area in keyof ZotbarHandlers]?: Partial<ZotbarHandlers[Area]> }

/** A host whose commands answer at once; `over` replaces some of them. */
export function fakeHost(over: Areas = {}): FakeHost {
  let now = aSnapshot()
  const calls: FakeHost['calls'] = []
  const heard = new Map<string, Set<(value: never) => void>>()
  const of = (event: string): Set<(value: never) => void> => {
    const set = heard.get(event) ?? new Set()
    heard.set(event, set)
    return set
  }
  const row = {
    key: 'keepServing',
    value: false,
    default: false,
    words: 'Keep serving after quit',
    allowed: 'true or false',
    how: 'now',
    via: 'any',
  } as const
  const handlers: ZotbarHandlers = {
    app: {
      snapshot: async () => ok(now),
      dashboardLink: async () => ok({ url: 'http://127.0.0.1:7000/#token=abc' }),
      open: async () => ok(null),
      quit: async () => ok(null),
      sessionEnds: async () => ok(null),
      woke: async () => ok(null),
      handOver: async ({ build }) => ok({ pid: 78, build }),
      revokeSessions: async () => ok({ sessions: 0 }),
      ...over.app,
    },
    shell: {
      answer: async () => ok(null),
      arrived: async () => ok({ kind: 'not-yet' }),
      looking: async () => ok(null),
      ...over.shell,
    },
    secrets: {
      olderApp: async () => ok({ accounts: [] }),
      takeOver: async ({ items }) => ok({ taken: items.map(({ account }) => account), failed: [] }),
      ...over.secrets,
    },
    registry: {
      start: async () => ok(now),
      stop: async () => ok(now),
      restart: async () => ok(now),
      cancel: async () => ok(null),
      lookAgain: async () => ok(now),
      ...over.registry,
    },
    data: {
      show: async () => fail({ code: 'config-missing', file: '/c.json' }),
      accept: async () => fail({ code: 'nothing-to-accept', folder: '/data' }),
      ...over.data,
    },
    config: {
      last: async () => fail({ code: 'no-other-config', file: '/c.json' }),
      restore: async () => fail({ code: 'no-other-config', file: '/c.json' }),
      ...over.config,
    },
    logs: { tail: async () => ok({ lines: ['one', 'two'] }), ...over.logs },
    images: {
      list: async () => ok({ images: [anImage], timesKnown: true }),
      show: async ({ repository, reference }) => ok({ ...anImageInFull, repository, tag: reference }),
      delete: async named => ok({ ...named, digest: anImage.digest, tagOnly: true }),
      ...over.images,
    },
    keys: {
      list: async () => ok({ keys: [aKey] }),
      create: async ({ user, label }) =>
        ok({
          uuid: aKey.uuid,
          user,
          label,
          expirationDate: aKey.expirationDate,
          apiKey: `zak_${'0'.repeat(32)}`,
        }),
      reveal: async () => ok({ apiKey: `zak_${'0'.repeat(32)}` }),
      revoke: async ({ uuid }) => ok({ revoked: [uuid], descendants: [] }),
      managed: async () => ok({ keys: [aManagedKey], store: 'the keychain' }),
      manage: async () => ok({ ...aManagedKey, checks: [] }),
      unmanage: async ({ user }) => ok({ user, uuid: aManagedKey.uuid }),
      rotate: async () => ok({ run: 'run-1' }),
      showSecret: async ({ user }) => ok({ user, apiKey: 'zak_shown' }),
      copySecret: async () => ok(null),
      prove: async ({ user }) => ok({ user, works: true, checks: [] }),
      endOverlap: async () => ok({ run: 'run-1' }),
      snooze: async ({ user }) => ok({ user, until: '2026-03-02T12:00:00.000Z' }),
      offerKey: async () => ok(null),
      signIn: async () => ok(null),
      forgejoToken: async () => ok(null),
      unlock: async () => ok(null),
      ...over.keys,
    },
    admin: {
      show: async () => ok({ user: 'admin', password: 'secret-word' }),
      reset: async () => ok({ user: 'admin', password: 'another-word' }),
      ...over.admin,
    },
    engine: {
      list: async () =>
        ok({
          engines: [
            { id: 'zotbar-registry', version: '0.1.0', path: '/x/registry.mjs', current: true, usable: true },
          ],
        }),
      use: async () => ok({ run: 'run-1' }),
      ...over.engine,
    },
    upgrade: {
      state: async () =>
        ok({
          engine: 'zot',
          running: 'v2.1.13',
          newest: 'v2.1.15',
          installed: [],
          findings: [],
          sourceBuild: false,
          schedule: 'never',
        }),
      releases: async () => ok({ releases: [], asOf: 0 }),
      begin: async () => ok({ run: 'run-1' }),
      ...over.upgrade,
    },
    runbooks: {
      state: async () => ok({ lines: [], next: 0, end: { runbook: 'engine-use', result: 'done' } }),
      answer: async () => ok(null),
      cancel: async () => ok(null),
      show: async () => fail({ code: 'nothing-under-way' }),
      history: async () => ok({ runs: [] }),
      ...over.runbooks,
    },
    settings: {
      list: async () => ok({ settings: [row] }),
      get: async () => ok(row),
      set: async ({ key, value }) => ok({ key, value: value ?? false, takesEffect: 'now' }),
      ...over.settings,
    },
  }
  const recorded = Object.fromEntries(
    Object.entries(handlers).map(([area, verbs]) => [
      area,
      Object.fromEntries(
        Object.entries(verbs).map(([verb, handler]) => [
          verb,
          (input: never, caller: never, connection?: string) => {
            const from = connection === undefined ? {} : { connection }
            calls.push({ name: `${area}.${verb}`, input, caller, ...from })
            return (handler as (...call: unknown[]) => unknown)(input, caller, connection)
          },
        ]),
      ),
    ]),
  ) as unknown as ZotbarHandlers
  return {
    handlers: recorded,
    calls,
    snapshot: () => now,
    on(event, listener) {
      of(event).add(listener as (value: never) => void)
      return () => of(event).delete(listener as (value: never) => void)
    },
    push(event, value) {
      if (event === 'snapshot') now = value as Snapshot
      for (const listener of of(event)) listener(value as never)
    },
    listeners: event => of(event).size,
  }
}

/** What a core of the contract of now says of itself. */
export const coreHello: Hello = { contract: contractNumber, build: 'source', version: '0.1.0', home: 1 }

/** The headers of a client of the contract of now. */
export const helloHeaders = (as: ClientHello['as'], over: Partial<ClientHello> = {}) => ({
  [helloHeader]: helloText({ ...coreHello, as, pid: 4321, ...over }),
})
