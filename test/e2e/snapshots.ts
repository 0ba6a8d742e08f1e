import type { JournalEntry, ProcessState } from '../../contract/registry-state.ts'
import type { Notice, ProbeResult, Snapshot } from '../../contract/snapshot.ts'
import { otherFolder, zotStore } from '../fakes/undecided.ts'

const s = 1_000
const min = 60 * s
const h = 60 * min
const day = 24 * h
const GB = 1e9

/** It serves, and has not answered for 12 s. */
export const silent = (now: number, overloaded: boolean): ProcessState => ({
  kind: 'serving',
  since: now - 3 * day,
  pid: 4127,
  startedAt: now - 3 * day,
  adopted: false,
  silence: { since: now - 12 * s, overloaded },
})

/** The states a registry can be in, as pages are shown them. Times are told back from `now`. */
export const states = {
  serving: (now: number): ProcessState => ({
    kind: 'serving',
    since: now - 3 * day - 4 * h,
    pid: 4127,
    startedAt: now - 3 * day - 4 * h,
    adopted: false,
  }),
  starting: (now: number): ProcessState => ({
    kind: 'starting',
    since: now - 2 * s,
    cause: 'app-started',
    pid: 4127,
    deadline: now + 298 * s,
  }),
  draining: (now: number): ProcessState => ({
    kind: 'draining',
    since: now - 1 * s,
    pid: 4127,
    until: now + 14 * s,
    then: 'restart',
    pushes: [
      { repository: 'shipyard/app', bytes: 212e6 },
      { repository: 'shipyard/worker', bytes: 41e6 },
      { repository: 'infrastructure/continuous-integration/runner-images/linux-arm64', bytes: 18e6 },
    ],
    cancellable: true,
  }),
  stopping: (now: number): ProcessState => ({
    kind: 'stopping',
    since: now - 1 * s,
    pid: 4127,
    killAt: now + 19 * s,
    then: 'restart',
  }),
  'backing-off': (now: number): ProcessState => ({
    kind: 'backing-off',
    since: now - 1 * s,
    attempt: 2,
    until: now + 4 * s,
    exit: { kind: 'code', code: 2 },
    lastLines: [
      '{"level":"info","message":"opening metadata database","time":"2026-03-12T14:02:31Z"}',
      'panic: page 214 already freed',
    ],
    waits: [1_000, 2_000],
  }),
  'crash-looping': (now: number): ProcessState => ({
    kind: 'crash-looping',
    since: now - 20 * s,
    exits: 6,
    windowMs: 58 * s,
    retryAt: now + 5 * min,
    exit: { kind: 'code', code: 2 },
    lastLines: ['info   opening metadata database', 'panic  page 214 already freed', 'exit status 2'],
  }),
  foreign: (now: number): ProcessState => ({
    kind: 'foreign',
    since: now - 12 * s,
    port: 5050,
    pid: 4127,
    command: '/usr/local/bin/zot serve /home/ada/.config/zot/config.json',
    user: 'ada',
    startedAt: now - 3 * day,
    zot: { version: 'v2.1.13' },
  }),
  'foreign-hidden': (now: number): ProcessState => ({ kind: 'foreign', since: now - 12 * s, port: 5050 }),
  undecided: (now: number): ProcessState => ({ kind: 'undecided', since: now - 12 * s, ...zotStore(now) }),
  'other-folder': (now: number): ProcessState => ({
    kind: 'undecided',
    since: now - 12 * s,
    ...otherFolder(now),
  }),
  failed: (now: number): ProcessState => ({
    kind: 'failed',
    since: now - 5 * s,
    error: {
      code: 'config-invalid',
      file: '/home/ada/.config/zot/config.json',
      faults: [
        { message: 'is 70000', keyPath: 'http.port', line: 4, column: 13, allowed: '0 to 65535' },
        { message: 'is not known', keyPath: 'http.prot', line: 5, column: 5 },
      ],
    },
  }),
  'volume-gone': (now: number): ProcessState => ({
    kind: 'failed',
    since: now - 20 * s,
    error: { code: 'data-volume-missing', path: '/Volumes/registry/zot', parent: '/Volumes/registry' },
  }),
  'folder-changed': (now: number): ProcessState => ({
    kind: 'failed',
    since: now - 20 * s,
    error: { code: 'other-folder', path: '/home/ada/zot' },
  }),
  stopped: (now: number): ProcessState => ({ kind: 'stopped', since: now - 42 * min, why: 'asked' }),
} satisfies Record<string, (now: number) => ProcessState>

const healthy: ProbeResult[] = [
  { id: 'port', outcome: 'passed', tookMs: 1, detail: '1 ms' },
  { id: 'ready', outcome: 'passed', tookMs: 2, detail: '/readyz 200' },
  { id: 'catalog', outcome: 'passed', tookMs: 3, detail: '58 repositories' },
  { id: 'manifest', outcome: 'passed', tookMs: 6, detail: '6 ms' },
]

export const ailing: ProbeResult[] = [
  ...healthy.slice(0, 3),
  { id: 'manifest', outcome: 'failed', tookMs: 30, detail: 'shipyard/app answered 500' },
]

const journal = (now: number): JournalEntry[] => [
  {
    id: 'j2',
    at: now - 3 * day - 4 * h,
    cause: 'asked-restart',
    exit: { kind: 'code', code: 0 },
    ranForMs: 9 * day,
    downMs: 400,
    lastLines: [],
  },
  {
    id: 'j1',
    at: now - 12 * day,
    cause: 'crashed',
    exit: { kind: 'code', code: 2 },
    ranForMs: 3 * h + 12 * min,
    downMs: 600,
    lastLines: ['panic'],
  },
]

/** A registry of 41.2 GB as it is after some weeks, in `process`. */
export function snapshotOf(process: ProcessState, now: number, part: Partial<Snapshot> = {}): Snapshot {
  return {
    takenAt: now,
    app: {
      version: '0.1.0',
      pid: 900,
      build: 'source',
      keeper: 'terminal',
      offers: [],
      startedAt: now - 20 * day,
      home: '/home/ada/.local/share/zotbar',
    },
    engine: { id: 'zotbar-registry', version: '0.1.0' },
    registry: {
      url: 'http://127.0.0.1:5050',
      host: '127.0.0.1',
      port: 5050,
      configFile: '/home/ada/.config/zot/config.json',
      dataFolder: '/home/ada/zot',
    },
    process,
    service: process.kind === 'serving' ? { checkedAt: now - 40 * s, probes: healthy } : { probes: [] },
    storage: {
      asOf: now - 2 * min,
      scanning: false,
      bytes: 41.2 * GB,
      repositories: 58,
      tags: 412,
      freeBytes: 212 * GB,
      volumeBytes: 494 * GB,
      biggest: [
        { name: 'shipyard/app', bytes: 11.8 * GB, tags: 31 },
        { name: 'shipyard/worker', bytes: 7.1 * GB, tags: 18 },
        { name: 'infrastructure/continuous-integration/runner-images/linux-arm64', bytes: 5.4 * GB, tags: 9 },
        { name: 'library/alpine', bytes: 74e6, tags: 1 },
      ],
      history: Array.from({ length: 31 }, (_, index): [number, number] => [
        now - (30 - index) * day,
        (22.2 + index * 0.633 + Math.sin(index) * 0.3) * GB,
      ]),
      growth: { bytes: 19 * GB, days: 30 },
      daysToFull: 335,
    },
    journal: journal(now),
    pushes: [{ at: now - 15 * min, repository: 'shipyard/app', reference: '2026.03.12', by: 'zot-ci' }],
    notices: [],
    quitting: false,
    ...part,
  }
}

/** Before the first push. */
export const empty = (now: number): Snapshot =>
  snapshotOf(
    { kind: 'serving', since: now - 9 * s, pid: 4127, startedAt: now - 9 * s, adopted: false },
    now,
    {
      storage: {
        asOf: now,
        scanning: false,
        bytes: 0,
        repositories: 0,
        tags: 0,
        freeBytes: 212 * GB,
        volumeBytes: 494 * GB,
        biggest: [],
        history: [],
      },
      journal: [{ id: 'j0', at: now - 9 * s, cause: 'app-started', lastLines: [] }],
      pushes: [],
      notices: [
        {
          id: 'n0',
          at: now - 9 * s,
          kind: 'config-written',
          file: '/home/ada/.config/zot/config.json',
          data: '/home/ada/zot',
        },
      ],
    },
  )

/** One repository cannot be read, and the figures hold for the rest. */
export function unreadable(now: number): Pick<Snapshot, 'storage'> {
  const { storage } = snapshotOf(states.serving(now), now)
  return {
    storage: {
      ...storage,
      unreadable: [{ repository: 'team/damaged', reason: 'index.json is not valid JSON' }],
    },
  }
}

export const setAside = (now: number): Notice => ({
  id: 'n1',
  at: now,
  kind: 'file-set-aside',
  file: '/home/ada/.local/share/zotbar/settings.json',
  keptAs: '/home/ada/.local/share/zotbar/settings.json.bad-20260312',
})
