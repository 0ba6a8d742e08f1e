import { describe, expect, it } from 'vitest'
import type { CoreLink } from '../../../contract/core-link.ts'
import type { Failure } from '../../../contract/failure.ts'
import { statusSummary } from '../../../contract/messages/status-summary.ts'
import type { ProcessState } from '../../../contract/registry-state.ts'
import type { Snapshot } from '../../../contract/snapshot.ts'
import { coreView } from '../../../main/core-view.ts'
import type { LoginState } from '../../../main/login-agent.ts'
import { type MenuRow, menuFor } from '../../../main/menu.ts'
import { aSnapshot } from '../../fakes/host.ts'
import { zotStore } from '../../fakes/undecided.ts'

const exit = { kind: 'code', code: 2 } as const
const states: Record<ProcessState['kind'], ProcessState> = {
  stopped: { kind: 'stopped', since: 1, why: 'asked' },
  starting: { kind: 'starting', since: 1, cause: 'asked-start', deadline: 300_000 },
  serving: { kind: 'serving', since: 1, pid: 2, startedAt: 1, adopted: false },
  draining: { kind: 'draining', since: 1, pid: 2, until: 9, then: 'restart', pushes: [], cancellable: true },
  stopping: { kind: 'stopping', since: 1, pid: 2, killAt: 9, then: 'stopped' },
  'backing-off': { kind: 'backing-off', since: 1, attempt: 1, until: 9, exit, lastLines: [], waits: [] },
  'crash-looping': {
    kind: 'crash-looping',
    since: 1,
    exits: 5,
    windowMs: 60_000,
    retryAt: 9,
    exit,
    lastLines: [],
  },
  foreign: { kind: 'foreign', since: 1, port: 5050 },
  undecided: { kind: 'undecided', since: 1, ...zotStore(5) },
  failed: { kind: 'failed', since: 1, error: { code: 'data-read-only', path: '/d' } },
}

const menuOf = (over: Partial<Snapshot> = {}, login: LoginState = { kind: 'off' }): MenuRow[] => {
  const snapshot = aSnapshot(over)
  return menuFor(coreView({ kind: 'live' }, snapshot, 5), login)
}
const label = (row: MenuRow): string => (row.type === 'separator' ? '-' : row.label)
/** The rows that act on the registry. */
const verbs = (rows: MenuRow[]): string[] =>
  rows.flatMap(row =>
    row.type === 'item' && row.command.do === 'registry' ? [`${row.label}: ${row.command.verb}`] : [],
  )

describe('the menu in the bar', () => {
  it('reads, while serving: headline, address, storage, verbs, windows, login, quit', () => {
    const storage = {
      scanning: false,
      bytes: 41_200_000_000,
      freeBytes: 212_000_000_000,
      biggest: [],
      history: [],
    }
    expect(menuOf({ storage }).map(label)).toEqual([
      'Serving',
      'Copy 127.0.0.1:5050',
      '41.2\u00a0GB stored, 212\u00a0GB free',
      '-',
      'Restart',
      'Stop',
      '-',
      'Open Zotbar',
      'Logs',
      '-',
      'Start at login',
      'Quit Zotbar',
    ])
  })

  it.each([
    ['stopped', ['Start: start']],
    ['starting', ['Stop: stop']],
    ['serving', ['Restart: restart', 'Stop: stop']],
    ['draining', ['Cancel restart: cancel', 'Restart now…: restart-now']],
    ['stopping', []],
    ['backing-off', ['Start now: start', 'Stop trying: stop']],
    ['crash-looping', ['Try again now: try-again', 'Stop: stop']],
    ['foreign', ['Check again: check-again']],
    [
      'undecided',
      ['Use zot: use-zot', 'Use zotbar-registry…: use-zotbar-registry', 'Look again: look-again'],
    ],
    ['failed', ['Start again: try-again']],
  ] as const)('offers, while %s, what can be done', (kind, expected) => {
    const rows = menuOf({ process: states[kind] })
    expect(verbs(rows)).toEqual(expected)
    const head = rows[0]
    expect(head).toEqual({
      type: 'note',
      label: statusSummary(aSnapshot({ process: states[kind] }), 5).headline,
    })
  })

  it('says Degraded as the popover does, and still offers Restart and Stop once', () => {
    const service = {
      probes: [{ id: 'ready', outcome: 'failed', tookMs: 1, detail: 'HTTP 503' }] as const,
    }
    const rows = menuOf({ service: { probes: [...service.probes] } })
    expect(rows.map(label)[0]).toBe('Degraded')
    expect(verbs(rows)).toEqual(['Restart: restart', 'Stop: stop'])
  })

  it('never has two rules in a row, nor a row that is greyed for no reason', () => {
    for (const process of Object.values(states)) {
      const rows = menuOf({ process }).map(label)
      expect(rows.join(' ')).not.toContain('- -')
      expect(rows.at(-1)).toBe('Quit Zotbar')
    }
  })

  it('keeps the question that a dangerous row asks first', () => {
    const row = menuOf({ process: states.draining }).find(each => label(each) === 'Restart now…')
    expect(row).toMatchObject({ command: { question: { confirm: 'Restart now' } } })
  })

  it('says nothing but the headline while quitting', () => {
    expect(menuOf({ quitting: true })).toHaveLength(1)
  })

  it('tells the storage line of each case', () => {
    const base = { biggest: [], history: [] }
    const line = (storage: Snapshot['storage']) => menuOf({ storage }).map(label)[2]
    expect(line({ ...base, scanning: true })).toBe('Counting what is stored')
    expect(line({ ...base, scanning: false })).toBe('-')
    expect(line({ ...base, scanning: true, bytes: 5_000 })).toBe('5.0\u00a0kB stored')
    expect(
      line({ ...base, scanning: false, error: { code: 'data-unreadable', path: '/d', reason: 'x' } }),
    ).toBe('The data folder cannot be read')
  })

  it('shows whether it starts at login, and when macOS has that turned off', () => {
    const row = (login: LoginState) => menuOf({}, login).filter(each => each.type === 'check')
    expect(row({ kind: 'on' })).toMatchObject([{ checked: true, command: { do: 'login', on: false } }])
    expect(row({ kind: 'off' })).toMatchObject([{ checked: false, command: { do: 'login', on: true } }])
    expect(row({ kind: 'disabled' })).toMatchObject([{ checked: false, command: { do: 'login', on: true } }])
    expect(menuOf({}, { kind: 'disabled' }).map(label)).toContain(
      'macOS has it turned off, in System Settings > Login Items',
    )
    expect(row({ kind: 'unavailable' })).toEqual([])
  })

  it('says that it serves everyone, and only while it serves', () => {
    const { app, registry } = aSnapshot()
    const open = { app: { ...app, platform: 'darwin' }, registry: { ...registry, open: 'push' } } as const
    expect(menuOf(open).map(label).slice(0, 2)).toEqual(['Serving', 'Anyone who can reach this Mac may push'])
    expect(menuOf({ ...open, process: states.stopped }).map(label)[1]).toBe('Copy 127.0.0.1:5050')
  })

  it('copies the address that stands before an image name', () => {
    const { app, registry } = aSnapshot()
    const copies = (more: Partial<Snapshot>) =>
      menuOf(more)
        .map(label)
        .filter(text => text.startsWith('Copy'))
    expect(copies({})).toEqual(['Copy 127.0.0.1:5050'])
    expect(
      copies({
        app: { ...app, platform: 'darwin' },
        registry: { ...registry, publicUrl: 'https://registry.example.net' },
      }),
    ).toEqual(['Copy registry.example.net', 'Copy 127.0.0.1:5050, for this Mac'])
  })
})

describe('the menu without a core', () => {
  const away = (link: CoreLink, snapshot?: Snapshot) => menuFor(coreView(link, snapshot, 5), { kind: 'off' })
  const lost = (error: Failure, isStarting = false): CoreLink => ({
    kind: 'lost',
    since: 1,
    error,
    isStarting,
  })
  const around = ['-', 'Open Zotbar', 'Logs', '-', 'Start at login', 'Quit Zotbar']

  it('says why, and offers to start one', () => {
    // What was known of the registry may be wrong by now.
    const rows = away(lost({ code: 'app-not-running', home: '/h' }), aSnapshot())
    expect(rows.map(label)).toEqual([
      'Zotbar is not running',
      'Nothing answers for /h.',
      '-',
      'Start Zotbar',
      ...around,
    ])
    expect(rows.find(row => label(row) === 'Start Zotbar')).toMatchObject({ command: { do: 'start-core' } })
  })

  it.each<[string, Failure]>([
    ['An older Zotbar is running', { code: 'core-older', pid: 7, home: '/h' }],
    [
      'Two versions of Zotbar do not understand each other',
      { code: 'other-contract', ours: 2, theirs: 1, version: '0.3.0', pid: 7 },
    ],
  ])('says %s, which has to be quit first', (title, error) => {
    const rows = away(lost(error)).map(label)
    expect(rows[0]).toBe(title)
    expect(rows[1]).toContain('process 7')
    expect(rows).not.toContain('Start Zotbar')
  })

  it('says while one starts that it does, and no more', () => {
    for (const link of [{ kind: 'connecting' } as const, { kind: 'live' } as const])
      expect(away(link).map(label)).toEqual(['Starting Zotbar', expect.any(String), ...around])
    expect(away(lost({ code: 'app-not-running', home: '/h' }, true))[0]).toMatchObject({
      label: 'Starting Zotbar',
    })
  })
})
