import type { Finding } from '../../contract/runbook.ts'
import type { ReleaseRow, UpgradeEdit, UpgradePlan, UpgradeState } from '../../contract/upgrade.ts'

const day = 86_400_000
const file = '/home/ada/.config/zot/config.json'

export const advisories: Finding[] = [
  {
    id: 'CVE-2025-30204',
    severity: 'warning',
    evidence: `${file}: http.auth.openid.providers`,
    advice:
      'A crafted token makes zot use much memory. Anybody who reaches the port can send one. Mended in v2.1.14. Upgrade; until then let only people you trust reach the port.',
  },
  {
    id: 'CVE-2026-31801',
    severity: 'warning',
    evidence: `${file}: http.accessControl.repositories["shipyard/**"].policies[0].actions = ["read", "create"]`,
    advice: 'Who may create may replace latest. Mended in v2.1.15. Upgrade; until then take create away.',
  },
]

const bites: Finding = {
  id: 'latest-needs-update',
  severity: 'warning',
  evidence: `${file}: http.accessControl.repositories["shipyard/**"].policies[0].actions = ["read", "create"]`,
  advice:
    'From v2.1.15: Pushing latest again needs update. Who may create but not update gets 403. Let the CI push a new tag each time.',
}

export const upgradeState = (now: number): UpgradeState => ({
  engine: 'zot',
  running: 'v2.1.13',
  newest: 'v2.1.15',
  checkedAt: now - 40 * 60_000,
  back: 'v2.1.11',
  installed: [
    { version: 'v2.1.13', path: '/x/v2.1.13/zot', running: true },
    { version: 'v2.1.11', path: '/x/v2.1.11/zot', running: false },
  ],
  findings: advisories,
  sourceBuild: true,
  schedule: 'never',
})

export const releases = (now: number): ReleaseRow[] => [
  {
    version: 'v2.1.16',
    publishedAt: now - 3 * day,
    notes: '',
    installed: true,
    running: false,
    older: false,
    bad: { at: now - day, reason: 'It ended by itself at second 41 of 60.' },
    findings: [],
  },
  {
    version: 'v2.1.15',
    publishedAt: now - 20 * day,
    notes:
      "## What's Changed\n* fix: check `latest` like any tag by [@someone](https://example.net) in #1234\n* build: go 1.25\n\n**Full changelog**: v2.1.14...v2.1.15",
    bytes: 118e6,
    digest: `sha256:${'ab'.repeat(32)}`,
    installed: false,
    running: false,
    older: false,
    findings: [bites, ...advisories.map(finding => ({ ...finding, severity: 'info' as const }))],
  },
  {
    version: 'v2.1.13',
    publishedAt: now - 90 * day,
    notes: 'Fixes.',
    installed: true,
    running: true,
    older: false,
    findings: advisories,
  },
  {
    version: 'v2.1.11',
    publishedAt: now - 200 * day,
    notes: 'Older.',
    bytes: 112e6,
    digest: `sha256:${'cd'.repeat(32)}`,
    installed: true,
    running: false,
    older: true,
    findings: [],
  },
]

export const plan = (part: Partial<UpgradePlan> = {}): UpgradePlan => ({
  runbook: 'upgrade',
  from: 'v2.1.13',
  to: 'v2.1.15',
  origin: 'published',
  findings: [bites],
  steps: [
    ['preflight', 'Check before starting', 'What would fail is found while the old version serves.'],
    ['download', 'Download v2.1.15', 'It is fetched beside what runs.'],
    ['verify', 'Verify', 'Nothing runs that was not looked at.'],
    ['stop', 'Finish pushes and stop', 'zot cannot finish them by itself.'],
    ['gate', 'Prove that it works', 'What answers may still have lost a tag.'],
  ].map(([id = '', title = '', why = '']) => ({ id, title, why, holds: id === 'download' })),
  ...part,
})

export const edit: UpgradeEdit = {
  file,
  why: 'The limits of requests are named, so that slow pushes go on.',
  required: false,
  diff: [
    `--- ${file}`,
    `+++ ${file}`,
    '@@ -4,3 +4,5 @@',
    '   "http": {',
    '     "address": "127.0.0.1",',
    '-    "port": "5050"',
    '+    "port": "5050",',
    '+    "readTimeout": "0s"',
    '',
  ].join('\n'),
}
