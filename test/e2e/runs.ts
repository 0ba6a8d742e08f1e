import type {
  RunbookDetails,
  RunbookPart,
  RunbookProgress,
  RunbookRecord,
  RunbookStep,
} from '../../contract/runbook.ts'

const s = 1_000
type State = RunbookStep['state']

const gate: RunbookPart[] = [
  { id: 'ready', title: 'Ready within 30 s', state: 'passed', words: '0.34 s' },
  { id: 'census', title: 'Same 58 repositories and 412 tags', state: 'passed', words: 'all there' },
  { id: 'pulls', title: 'Sampled digests pull byte for byte', state: 'working', words: '9 of 12' },
  { id: 'public', title: 'registry.example.net answers and lists', state: 'passed', words: '38 ms' },
  { id: 'user:0', title: 'mise run services-check', state: 'pending', words: 'after the pulls' },
  { id: 'steady', title: '60 s without a restart', state: 'working', words: '23 of 60 s' },
]

/** The steps of an upgrade: id, title, how long it takes, what comes of it. */
const upgrade: [string, string, number, string?][] = [
  ['preflight', 'Check before starting', 1_200],
  ['download', 'Download v2.1.15', 4_800],
  ['verify', 'Verify', 600, 'digest, size, architecture, version'],
  ['stage', 'Place beside v2.1.13', 100],
  ['stop', 'Finish pushes and stop', 1_400],
  ['snapshot', 'Take a snapshot', 200, 'config.json, meta.db, cache.db'],
  ['census', 'Count what is stored', 900, '58 repositories, 412 tags'],
  ['swap', 'Swap', 8],
  ['start', 'Start v2.1.15', 300],
  ['gate', 'Prove that it works', 53_000],
  ['commit', 'Keep v2.1.15', 10],
]

function steps(states: Partial<Record<string, State>>, words: Record<string, string> = {}): RunbookStep[] {
  return upgrade.map(([id, title, tookMs, said]) => {
    const state = states[id] ?? 'done'
    const told = words[id] ?? (state === 'done' ? said : undefined)
    return {
      id,
      title,
      why: `Why ${title.toLowerCase()} is a step.`,
      state,
      ...(state === 'done' ? { tookMs } : {}),
      ...(told === undefined ? {} : { words: told }),
      ...(id === 'commit' ? { pointOfNoReturn: true as const } : {}),
    }
  })
}

const upgrading = (now: number) => ({
  run: '20260312T140206000Z-upgrade-a1b2',
  runbook: 'upgrade',
  title: 'Upgrade to zot v2.1.15',
  by: 'window',
  since: now - 62 * s,
})

/** An upgrade in its gate. */
export const inTheGate = (now: number): RunbookProgress => ({
  ...upgrading(now),
  step: { id: 'gate', title: 'Prove that it works', phase: 'apply', label: 'steady', done: 23, total: 60 },
  undoing: false,
  steps: steps({ gate: 'working', commit: 'pending' }, { gate: '23 of 60 s steady' }),
  parts: gate,
})

/** An upgrade that is being built from source, with the output of the build and how much is done. */
export const building = (now: number): RunbookProgress => ({
  ...inTheGate(now),
  step: {
    id: 'download',
    title: 'Download v2.1.15',
    phase: 'apply',
    label: 'Downloaded',
    done: 42e6,
    total: 119e6,
  },
  steps: upgrade.map(([id, title], at) => ({
    id,
    title,
    why: `Why ${title.toLowerCase()} is a step.`,
    state: at === 0 ? 'done' : at === 1 ? 'working' : 'pending',
    ...(at === 1
      ? { words: 'Downloaded (42 MB of 119 MB)', count: { done: 42e6, total: 119e6, unit: 'bytes' as const } }
      : {}),
  })),
  parts: [],
  lines: ['mise x -- make binary', 'go: downloading zotregistry.dev/zot', 'go build -o bin/zot-linux-amd64'],
})

/** The same one, gone back. */
export const wentBack = (now: number): RunbookDetails => ({
  ...upgrading(now),
  undoing: true,
  result: 'rolled-back',
  tookMs: 53 * s,
  error: {
    code: 'not-stable',
    words:
      'v2.1.15 was ready after 0.34 s and ended by itself at second 41 of 60, with exit code 2. Its last lines:',
    detail: [
      '14:02:57.204 info   GC finished, shipyard/app',
      '14:02:57.311 fatal  concurrent map read and map write',
      '14:02:57.318        exit code 2',
    ].join('\n'),
  },
  changed: [],
  steps: steps(
    { stop: 'undone', swap: 'undone', start: 'undone', gate: 'failed', commit: 'pending' },
    { gate: 'it ended at second 41' },
  ),
  parts: gate.map(part =>
    part.id === 'steady' ? { ...part, state: 'failed', words: 'ended at 41 s' } : part,
  ),
  partsOf: 'gate',
})

const refused = 'asks for a password that Zotbar does not have'

/** The same one, done; of what it proved, some could not be asked for. */
export const notAllProven = (now: number): RunbookDetails => ({
  ...upgrading(now),
  undoing: false,
  result: 'done',
  tookMs: 62 * s,
  unproven: [
    `Every repository and tag is there: 12 of 40 tags could be asked for; the rest ${refused}`,
    `Pulls give the same bytes: 2 of 5 images could be pulled; the rest ${refused}`,
  ],
  changed: ['zot: v2.1.13 became v2.1.15'],
  steps: steps({}, { gate: '2 checks not proven' }).map(step =>
    step.id === 'gate' ? { ...step, unproven: true as const } : step,
  ),
  parts: [
    { id: 'ready', title: 'It is ready', state: 'passed', words: '0.34 s' },
    { id: 'reads', title: 'What could be read before can be read now', state: 'passed' },
    {
      id: 'census',
      title: 'Every repository and tag is there',
      state: 'unproven',
      words: `12 of 40 tags could be asked for; the rest ${refused}`,
    },
    {
      id: 'pulls',
      title: 'Pulls give the same bytes',
      state: 'unproven',
      words: `2 of 5 images could be pulled; the rest ${refused}`,
    },
    {
      id: 'public-url',
      title: 'The public address answers and lists',
      state: 'skipped',
      words: 'config.json names none',
    },
    { id: 'stable', title: 'It runs for 60 s without a restart', state: 'passed' },
  ],
  partsOf: 'gate',
})

/** An engine switch that waits for consent. */
export const asking = (now: number): RunbookProgress => ({
  run: '20260312T140206000Z-engine-use-c3d4',
  runbook: 'engine-use',
  title: 'Switch from zotbar-registry 0.1.0 to zot v2.1.15',
  by: 'cli',
  since: now - 3 * s,
  step: { id: 'ask', title: 'Ask for consent', phase: 'wait' },
  question: {
    id: 'consent',
    title: 'Switch to zot?',
    body: 'The registry is away for a few seconds.\nAPI keys made with zotbar-registry do not work with zot.',
    confirm: 'Switch',
  },
  undoing: false,
  steps: [
    {
      id: 'preflight',
      title: 'Look whether it can take over',
      why: 'Found early.',
      state: 'done',
      tookMs: 400,
    },
    { id: 'ask', title: 'Ask for consent', why: 'Some things stop working.', state: 'working' },
    { id: 'stop', title: 'Finish pushes and stop', why: 'One writer.', state: 'pending' },
    { id: 'commit', title: 'Keep it', why: 'Proven.', state: 'pending', pointOfNoReturn: true },
  ],
  parts: [],
})

/** Runs that have ended, one of each kind of end. */
export const ended = (now: number): RunbookRecord[] => [
  {
    run: upgrading(now).run,
    runbook: 'upgrade',
    title: 'Upgrade to zot v2.1.15',
    by: 'window',
    at: now - 62 * s,
    tookMs: 53 * s,
    result: 'rolled-back',
    error: { code: 'not-stable', words: 'v2.1.15 ended by itself at second 41 of 60, with exit code 2.' },
    changed: [],
  },
  {
    run: 'r2',
    runbook: 'rotate',
    title: 'Rotate the key of zot-ci',
    by: 'cli',
    at: now - 3_600 * s,
    tookMs: 4_200,
    result: 'done',
    changed: ['the key of zot-ci'],
  },
  {
    run: 'r5',
    runbook: 'upgrade',
    title: 'Upgrade to zot v2.1.14',
    by: 'schedule',
    at: now - 7_200 * s,
    tookMs: 62_000,
    result: 'done',
    unproven: ['Pulls give the same bytes: 2 of 5 images could be pulled'],
    changed: ['zot: v2.1.13 became v2.1.14'],
  },
  {
    run: 'r3',
    runbook: 'engine-use',
    title: 'Switch from zotbar-registry 0.1.0 to zot v2.1.13',
    by: 'dashboard',
    at: now - 86_400 * s,
    tookMs: 14_000,
    result: 'cancelled',
    changed: [],
  },
  {
    run: 'r4',
    runbook: 'upgrade',
    title: 'Upgrade to zot v2.1.13',
    by: 'cli',
    at: now - 9 * 86_400 * s,
    tookMs: 70_000,
    result: 'failed',
    error: { code: 'no-space', words: 'The volume is full.' },
    changed: [],
  },
]
