import type { ApiKey, KeyDrift, ManagedKey, ManagedKeySummary } from '../../contract/key.ts'
import type { RunbookDetails, RunbookPart, RunbookPlan, RunbookProgress } from '../../contract/runbook.ts'

const s = 1_000
const hour = 3_600 * s
const day = 24 * hour
const iso = (at: number): string => new Date(at).toISOString()

/** A key of 90 days with so many left. */
function aged(user: string, daysLeft: number, now: number): ManagedKey {
  const created = now - (90 - daysLeft) * day + 10 * s
  return {
    registry: '127.0.0.1:5050',
    user,
    label: `zotbar/indri/${iso(created).slice(0, 10)}-5f2c1a`,
    uuid: `uuid-${user}`,
    createdAt: iso(created),
    expirationDate: iso(created + 90 * day),
    lastUsed: iso(now - 15 * 60 * s),
    kept: 'keychain',
    sinks: [],
    drift: [],
    daysLeft,
    nearEnd: daysLeft <= 30,
    shouldRotate: daysLeft <= 15,
  }
}

export const ci = (now: number, part: Partial<ManagedKey> = {}): ManagedKey => ({
  ...aged('zot-ci', 9, now),
  sinks: [
    {
      spec: 'op:Infra/zot-ci/credential',
      title: '1Password',
      place: 'Infra, zot-ci, credential',
      state: 'proven',
    },
    {
      spec: 'forgejo:shipyard/app/ZOT_CI_API_KEY',
      title: 'Forgejo secret',
      place: 'shipyard/app, ZOT_CI_API_KEY',
      state: 'accepted',
    },
    {
      spec: 'ssh:indri:mise run provision-indri',
      title: 'Command on indri',
      place: 'mise run provision-indri',
      state: 'accepted',
    },
  ],
  proveRepository: 'shipyard/app',
  ...part,
})

export const renovate = (now: number): ManagedKey => ({
  ...aged('renovate', 69, now),
  sinks: [
    {
      spec: 'authfile:/home/ada/.docker/config.json',
      title: 'auth.json',
      place: '~/.docker',
      state: 'proven',
    },
  ],
})

export const stale: KeyDrift = {
  id: 'sink-stale',
  words: 'op:Infra/zot-ci/credential holds another key.',
  repair: 'Hand it over again: zotbar keys manage zot-ci',
}

export const glanceOf = ({
  user,
  registry,
  uuid,
  createdAt,
  expirationDate,
  daysLeft,
  shouldRotate,
}: ManagedKey): ManagedKeySummary => ({
  user,
  registry,
  uuid,
  createdAt,
  expirationDate,
  daysLeft,
  shouldRotate,
})

export const listed = ({ uuid, user, label, createdAt, expirationDate, lastUsed }: ManagedKey): ApiKey => ({
  uuid,
  user,
  label,
  createdAt,
  expirationDate,
  lastUsed,
  managed: true,
})

/** The steps of a rotation: id, title, why. */
const steps: [string, string, string][] = [
  ['preflight', 'Look whether everything is there', 'What would fail is found before a key is made.'],
  ['ask', 'Ask for consent', 'A key that is revoked cannot be brought back.'],
  ['mint', 'Make the new key', 'The key in use goes on working meanwhile.'],
  ['keep', 'Keep it as the next one', 'A key counts once it was read back from the store.'],
  ['deliver', 'Hand it to each place, in order', 'Whoever uses the key takes it from there.'],
  ['prove', 'Prove that the new key works', 'It takes over only when it can do what it is for.'],
  ['switch', 'Make it the key in use', 'From here on the new key is the current one.'],
  ['overlap', 'Let both keys work for a while', 'What still uses the old one can finish.'],
]
const ending: [string, string, string][] = [
  ['revoke', 'Revoke the old key', 'From here on only the new one works. There is no way back.'],
  ['confirm', 'See that it is refused', 'A revoked key that still works would be nobody’s.'],
]

export const plan = (revokes: boolean): RunbookPlan => ({
  runbook: 'rotate',
  steps: [...steps, ...(revokes ? ending : [])].map(([id, title, why]) => ({
    id,
    title,
    why,
    holds: id === 'ask',
  })),
  findings: [
    {
      id: 'unprovable',
      severity: 'info',
      evidence: 'forgejo:shipyard/app/ZOT_CI_API_KEY',
      advice: 'It takes the key and cannot show afterwards what it holds.',
    },
    { id: 'sink-stale', severity: 'warning', evidence: stale.words, advice: stale.repair },
  ],
})

const proof: RunbookPart[] = [
  { id: 'signs-in', title: 'Signs in as zot-ci', state: 'passed', words: '3 ms' },
  { id: 'pull', title: 'May pull from shipyard/app', state: 'passed', words: '2026.03.12' },
  { id: 'upload', title: 'May start an upload, then cancels it', state: 'working' },
  { id: 'overwrite', title: 'May not overwrite a tag', state: 'pending', words: '403 is expected' },
]

/** A rotation in its proof. */
export const proving = (now: number): RunbookProgress => ({
  run: '20260312T140206000Z-rotate-a1b2',
  runbook: 'rotate',
  title: 'Rotate the key of zot-ci',
  by: 'dashboard',
  since: now - 6 * s,
  step: { id: 'prove', title: 'Prove that the new key works', phase: 'apply' },
  undoing: false,
  steps: steps.map(([id, title, why], at) => ({
    id,
    title,
    why,
    state: id === 'ask' ? 'skipped' : at < 5 ? 'done' : at === 5 ? 'working' : 'pending',
    ...(at < 5 ? { tookMs: 100 + at * 300 } : {}),
    ...(id === 'deliver' ? { words: '2 of 3 cannot show what they hold' } : {}),
  })),
  parts: proof,
})

/** The same one while its new key is not in use yet. */
export const withNext = (now: number): ManagedKey =>
  ci(now, {
    next: {
      label: 'zotbar/indri/2026-03-12-9b1e07',
      createdAt: iso(now - 5 * s),
      expirationDate: iso(now + 90 * day),
    },
  })

/** The same one after the switch. */
export const switched = (now: number): ManagedKey => {
  const { label, uuid, lastUsed } = ci(now)
  return {
    ...ci(now),
    ...aged('zot-ci', 89, now),
    uuid: 'uuid-new',
    sinks: ci(now).sinks,
    lastUsed: null,
    retiring: { uuid, label, retireAt: iso(now + day), ...(lastUsed === null ? {} : { lastUsed }) },
  }
}

/** How it ended. */
export function ended(now: number): RunbookDetails {
  const { step: _, ...run } = proving(now)
  return {
    ...run,
    result: 'done',
    tookMs: 4_700,
    changed: ['the key of zot-ci became a new one', 'the old key is revoked in 24 hours'],
    steps: run.steps.map(one => (one.state === 'skipped' ? one : { ...one, state: 'done', tookMs: 300 })),
    parts: proof.map(part => ({ ...part, state: 'passed' })),
    partsOf: 'prove',
  }
}
