import { describe, expect, it } from 'vitest'
import type { Failure, OpenChoice } from '../../../contract/failure.ts'
import { failureMessage } from '../../../contract/messages/failure-message.ts'
import { plainText } from '../../../contract/messages/format.ts'
import { advisoryMessage } from '../../../contract/messages/release-message.ts'
import { faultMessage } from '../../../contract/messages/start-message.ts'
import { status } from '../../../contract/messages/status.ts'
import { statusSummary } from '../../../contract/messages/status-summary.ts'
import type { StatusClass } from '../../../contract/messages/summary.ts'
import type { ProcessState } from '../../../contract/registry-state.ts'
import type { ProbeResult } from '../../../contract/snapshot.ts'
import { snapshotOf, states } from '../../e2e/snapshots.ts'
import { aSnapshot, servingState } from '../../fakes/host.ts'
import { openToAll, otherFolder, zotStore } from '../../fakes/undecided.ts'

const now = new Date(2026, 2, 12, 14, 2, 0).getTime()
const seen = (process: Parameters<typeof aSnapshot>[0]) => statusSummary(aSnapshot(process), now)

describe('the glance', () => {
  const classes: Record<keyof typeof states, StatusClass> = {
    serving: 'fine',
    starting: 'working',
    draining: 'working',
    stopping: 'working',
    'backing-off': 'working',
    'crash-looping': 'down',
    foreign: 'down',
    'foreign-hidden': 'down',
    undecided: 'asks',
    'other-folder': 'asks',
    failed: 'down',
    'volume-gone': 'down',
    'folder-changed': 'down',
    stopped: 'off',
  }
  it.each(Object.entries(classes))('%s is %s, with a headline, a reason, and what to do', (name, kind) => {
    const process = states[name as keyof typeof states](now)
    const found = seen({ process })
    expect(found).toMatchObject({ class: kind, state: process.kind })
    expect(found.headline).toMatch(/^\S.*[^.]$/)
    expect(found.reason.length).toBeGreaterThan(10)
    if (kind === 'down' || kind === 'off') expect(found.actions.length).toBeGreaterThan(0)
    expect(found.actions.filter(action => action.kind === 'fill').length).toBeLessThanOrEqual(1)
    expect(`${found.headline} ${found.reason}`).not.toMatch(/undefined|NaN|!|successfully|please/i)
  })

  it('says what waits for a choice, what is there, and what decides it', () => {
    const zot = seen({ process: states.undecided(now) })
    expect(zot.headline).toBe('A zot wrote these images')
    expect(plainText(zot.reason)).toContain('58 repositories, 412 tags, 41.2 GB in /home/ada/zot.')
    expect(zot.reason).toContain('zotbar engine use zotbar-registry')
    expect(zot.actions.map(action => [action.verb, action.question !== undefined])).toEqual([
      ['use-zot', false],
      ['use-zotbar-registry', true],
      ['look-again', false],
    ])
    const other = seen({ process: states['other-folder'](now) })
    expect(other.headline).toBe('The data folder is not the one it was')
    expect(plainText(other.reason)).toMatch(
      /Before: 58 repositories, 412 tags, 41\.2 GB in \/home\/ada\/zot.*\nNow: nothing in \/Volumes\/registry\/zot/,
    )
    // Only a person at the machine accepts another folder.
    expect(other.actions.map(action => action.verb)).toEqual(['look-again'])
  })

  it('does not offer zotbar-registry for a config.json that it refuses', () => {
    const { config, ...undecided } = zotStore(now)
    const refused = [{ keyPath: 'http.auth.ldap', line: 7, column: 3, message: 'needs the zot engine' }]
    const found = seen({
      process: {
        kind: 'undecided',
        since: now,
        ...undecided,
        why: 'config-refused',
        config: { ...config, refused },
      },
    })
    expect(found.reason).toContain('line 7, column 3, http.auth.ldap: needs the zot engine')
    expect(found.actions.map(action => action.verb)).toEqual(['use-zot', 'look-again'])
  })

  it('says what a runbook does, whatever the process does meanwhile', () => {
    const runbook = {
      run: '1',
      runbook: 'engine-use',
      title: 'Switch to zot',
      by: 'cli',
      since: now,
      undoing: false,
      steps: [],
      parts: [],
    }
    const step = {
      id: 'gate',
      title: 'Prove it',
      phase: 'apply',
      label: 'Compared',
      done: 2,
      total: 9,
    } as const
    expect(
      seen({ process: { kind: 'stopped', since: now, why: 'asked' }, runbook: { ...runbook, step } }),
    ).toEqual({
      class: 'working',
      state: 'stopped',
      headline: 'Switch to zot',
      reason: 'Compared (2 of 9).',
      actions: [],
    })
    const question = { id: 'consent', title: 'Switch?', body: '', confirm: 'Switch' }
    expect(seen({ runbook: { ...runbook, question } }).reason).toContain('Switch?')
    expect(seen({ runbook: { ...runbook, undoing: true } }).headline).toContain('Taken back')
  })

  it('names a repository that cannot be read, and goes on telling of the rest', () => {
    const storage = { scanning: false, biggest: [], history: [], bytes: 1, repositories: 15, tags: 20 }
    const whole = seen({ storage })
    expect(whole.class).toBe('fine')
    const one = { repository: 'team/app', reason: 'its index.json is damaged' }
    const found = seen({ storage: { ...storage, unreadable: [one] } })
    expect(found).toMatchObject({ class: 'attention', state: 'serving', headline: 'Serving' })
    expect(plainText(found.reason)).toContain('15 repositories')
    expect(plainText(found.reason)).toContain(
      '1 repository cannot be read. team/app: its index.json is damaged.',
    )
    const two = [one, { repository: 'team/b', reason: 'access is denied' }]
    expect(plainText(seen({ storage: { ...storage, unreadable: two } }).reason)).toContain(
      '2 repositories cannot be read. team/app: its index.json is damaged, and 1 more.',
    )
    expect(status(aSnapshot({ storage: { ...storage, unreadable: two } }), now).unreadable).toEqual(two)
    expect(status(aSnapshot({ storage }), now)).not.toHaveProperty('unreadable')
  })

  it('offers the config that last started wherever it does not start with another one', () => {
    const lastConfig = { at: now - 60_000, diff: '-  "port": "70000"', id: 'a' }
    const exit = { kind: 'code', code: 1 } as const
    const down = { since: now, exit, lastLines: [], lastConfig }
    const downStates: ProcessState[] = [
      { kind: 'failed', since: now, error: { code: 'config-missing', file: '/c.json' }, lastConfig },
      { kind: 'backing-off', ...down, attempt: 1, until: now, waits: [] },
      { kind: 'crash-looping', ...down, exits: 6, windowMs: 60_000, retryAt: now },
    ]
    for (const process of downStates) {
      const { actions, reason } = seen({ process })
      expect(actions.at(-1)).toMatchObject({
        verb: 'use-last-config',
        kind: 'plain',
        question: { diff: lastConfig.diff, confirm: 'Use it' },
      })
      expect(reason).toContain('zotbar config show')
    }
  })

  it('names the program that has the port, as far as it is known', () => {
    const foreign = { kind: 'foreign' as const, since: now, port: 5050 }
    const reason = (process: typeof foreign & { pid?: number; command?: string }) => seen({ process }).reason
    expect(reason({ ...foreign, pid: 4182, command: '/usr/bin/python3 -m http.server' })).toMatch(
      /^python3 \(process 4182\) has it; it was left alone/,
    )
    expect(reason({ ...foreign, pid: 4182 })).toMatch(/^Another program \(process 4182\) has it/)
    expect(reason(foreign)).toMatch(/^Another program has it/)
  })

  it('says of a taken port that it starts by itself only where nobody has to choose first', () => {
    const foreign = { kind: 'foreign' as const, since: now, port: 5050, pid: 7, command: '/opt/zot serve' }
    const ended = (open?: OpenChoice) =>
      failureMessage({ code: 'port-in-use', port: 5050, ...(open === undefined ? {} : { open }) }).steps.join(
        '\n',
      )
    expect(seen({ process: foreign }).reason).toContain('It starts when the port is free.')
    expect(ended()).toContain('the registry starts by itself')
    const { why, commands } = zotStore(now)
    for (const open of [{ why, commands }, otherFolder(now)]) {
      const both = [seen({ process: { ...foreign, open } }).reason, ended(open)]
      for (const words of both) {
        expect(words).toContain('nothing is started until')
        expect(words).not.toMatch(/starts (by itself|when)/)
        for (const command of open.commands) expect(words).toContain(`On the command line, then: ${command}`)
      }
    }
  })

  it('serves and wants something while an advisory affects the running version', () => {
    const engine = { id: 'zot' as const, version: 'v2.1.13' }
    const advisory = { id: 'CVE-2026-31801', severity: 'warning' as const, evidence: 'e', advice: 'a' }
    const found = seen({ process: servingState, engine, upgrade: { advisories: [advisory] } })
    expect(found).toMatchObject({ class: 'attention', state: 'serving', headline: 'Serving' })
    expect(plainText(found.reason)).toMatch(/^1 advisory affects v2\.1\.13\. /)
    const two = { advisories: [advisory, { ...advisory, id: 'x' }], newest: 'v2.1.20' }
    const snapshot = aSnapshot({ process: servingState, engine, upgrade: two })
    expect(plainText(statusSummary(snapshot, now).reason)).toMatch(/^2 advisories affect v2\.1\.13\. /)
    expect(status(snapshot, now).state).toBe('serving')
    expect(status(snapshot, now)).not.toHaveProperty('upgrade')
    expect(advisoryMessage(snapshot)?.detail).toBe(
      'CVE-2026-31801, x. v2.1.20 is there; what it would mean: zotbar upgrade --dry-run.',
    )
    expect(seen({ process: servingState, engine, upgrade: { advisories: [] } }).class).toBe('fine')
  })

  it('calls an exit with code 0 no crash', () => {
    const ended = (code: number) =>
      seen({
        process: {
          kind: 'backing-off',
          since: now,
          attempt: 1,
          waits: [],
          until: now + 2000,
          exit: { kind: 'code', code },
          lastLines: [],
        },
      })
    expect(plainText(ended(0).headline)).toBe('Ended by itself; starts again in 2 s')
    expect(plainText(ended(1).headline)).toBe('Crashed; starts again in 2 s')
  })

  it('gives what the registry said last as the reason why it does not run', () => {
    const lastWord = 'failed to reload htpasswd: open /x: no such file or directory.'
    const process = { ...states['crash-looping'](now), lastWord } as ProcessState
    expect(plainText(seen({ process }).reason)).toContain(
      '6 exits in 58 s; the last time it ended with exit code 2: failed to reload htpasswd: open /x: no such file or directory. The images',
    )
    const again = {
      kind: 'starting',
      since: now - 28_000,
      cause: 'crashed',
      deadline: now,
      lastWord,
    } as const
    expect(seen({ process: again }).reason).toBe(
      `The registry ended by itself and is being started again. The last time it said: ${lastWord} It has until 14:02 to answer.`,
    )
  })

  it('says what the registry waits for, in the same way through all tries, and that it lasts', () => {
    const end = { lastWord: 'no issuer', waitsFor: 'identity-provider' } as const
    const trying = (waitingSince: number): ProcessState => {
      return {
        kind: 'starting',
        since: now - 28_000,
        cause: 'start-failed',
        deadline: now,
        ...end,
        waitingSince,
      }
    }
    const pausing = { ...states['backing-off'](now), ...end, waitingSince: now - 30_000 } as ProcessState
    expect(seen({ process: pausing })).toMatchObject({
      class: 'working',
      headline: 'Waits for the identity provider',
    })
    expect(plainText(seen({ process: trying(now - 30_000) }).reason)).toBe(
      'The registry does not start without it. It has tried for 30 s; this try began 28 s ago. The last time it said: no issuer. The images are not touched.',
    )
    expect(seen({ process: trying(now - 90_000) })).toMatchObject({
      class: 'down',
      headline: 'Waits for the identity provider',
    })
  })

  it('says that everyone is served, on every line where it serves', () => {
    const base = aSnapshot({ process: servingState })
    const reason = (open: 'push' | 'pull', platform: string) =>
      seen({ ...base, app: { ...base.app, platform }, registry: { ...base.registry, open } }).reason
    expect(reason('push', 'darwin')).toMatch(/\nAnyone who can reach this Mac may push\.$/)
    expect(reason('pull', 'linux')).toMatch(/\nAnyone who can reach this machine may pull\.$/)
  })

  it('asks before it serves everyone, and says what was agreed to before', () => {
    const choice = openToAll(now)
    const told = seen({ process: { kind: 'undecided', since: now, ...choice } })
    expect([told.class, told.headline]).toEqual(['asks', 'Nobody is asked who they are'])
    expect(told.reason).toContain('zotbar settings set registry.open 0.0.0.0:5050')
    expect(told.actions.map(({ verb }) => verb)).toEqual(['look-again'])
    const open = { address: '0.0.0.0:5050', rights: [], agreed: ['pull in **'] }
    const wider = seen({ process: { kind: 'undecided', since: now, ...choice, open } }).reason
    expect(wider).toMatch(/Everyone may do nothing\.\nAgreed to before: pull in \*\*\. It may be more now\./)
  })

  it('names the first probe that failed', () => {
    const service = {
      checkedAt: now - 12_000,
      probes: [
        { id: 'port', outcome: 'passed', tookMs: 1, detail: '1 ms' },
        { id: 'manifest', outcome: 'failed', tookMs: 6, detail: 'team/app answered 500' },
      ] as const,
    }
    const found = seen({ process: servingState, service: { ...service, probes: [...service.probes] } })
    expect(found).toMatchObject({ class: 'attention', state: 'degraded', headline: 'Degraded' })
    expect(plainText(found.reason)).toContain('A test pull failed: team/app answered 500.')
  })

  it('says what the registry says is wrong, and no restart against that', () => {
    const reason = 'the data folder is no longer there; is its volume mounted?'
    const failed = { id: 'ready', outcome: 'failed', tookMs: 1, detail: '/readyz 503' } as const
    const said = (probe: ProbeResult) =>
      plainText(seen({ process: servingState, service: { checkedAt: now, probes: [probe] } }).reason)
    expect(said({ ...failed, reason })).toMatch(`It says that it is not ready: ${reason} `)
    expect(said({ ...failed, reason })).not.toMatch(/restart|503|\?\./)
    expect(said(failed)).toContain('/readyz 503. Checked')
  })

  it('says that config.json names another folder, whatever else is to be done', () => {
    const registry = { ...aSnapshot().registry, dataFolder: '/a/zot', undecidedFolder: '/b/zot' }
    const found = seen({ process: servingState, registry })
    expect(found).toMatchObject({ class: 'attention', state: 'serving', headline: 'Serving' })
    expect(found.reason).toContain(
      '\nconfig.json names another data folder by now, /b/zot. /a/zot is served until you decide: zotbar data show',
    )
    const notice = { id: 'n', at: now, freeBytes: 2e9, volumeBytes: 5e11 }
    const tight = seen({
      process: servingState,
      registry,
      notices: [{ ...notice, kind: 'storage-nearly-full' }],
    })
    expect(tight.reason).toContain('/b/zot')
  })

  it('is degraded, and never serving, while the process does not answer', () => {
    const process = (overloaded: boolean): ProcessState => ({
      kind: 'serving',
      since: 1000,
      pid: 4242,
      startedAt: 1000,
      adopted: false,
      silence: { since: now - 12_000, overloaded },
    })
    const found = seen({ process: process(false) })
    expect(found).toMatchObject({ class: 'attention', state: 'degraded', headline: 'Degraded' })
    expect(plainText(found.reason)).toContain('It has not answered for 12 s. If it stays silent it is ended')
    expect(plainText(seen({ process: process(true) }).reason)).toContain('answered for 12 s. It lives')
    expect(status(aSnapshot({ process: process(true) }), now)).toMatchObject({ state: 'degraded' })
  })

  it('offers to cancel only before anything was signalled', () => {
    const draining = states.draining(now)
    if (draining.kind !== 'draining') throw new Error('another state')
    const verbs = (cancellable: boolean) =>
      seen({ process: { ...draining, cancellable } }).actions.map(each => each.verb)
    expect(verbs(true)).toEqual(['cancel', 'restart-now'])
    expect(verbs(false)).toEqual(['restart-now'])
  })

  it('wants something done while the disk fills', () => {
    const notice = {
      id: 'n',
      at: now,
      kind: 'storage-nearly-full',
      freeBytes: 2e9,
      volumeBytes: 5e11,
    } as const
    const found = seen({ process: servingState, notices: [notice] })
    expect(found).toMatchObject({ class: 'attention', state: 'serving' })
    expect(plainText(found.reason)).toContain('2.0 GB left')
  })

  it('says that pushes fail when the disk is full', () => {
    const notice = {
      id: 'n',
      at: now,
      kind: 'storage-nearly-full',
      freeBytes: 4096,
      volumeBytes: 5e11,
    } as const
    const found = seen({ process: servingState, notices: [notice] })
    expect(found).toMatchObject({
      class: 'attention',
      state: 'serving',
      headline: 'Serving, but the disk is full',
    })
    expect(plainText(found.reason)).toContain('pushes fail')
  })
})

describe('status for other tools', () => {
  it('has the pid and version while something runs, and no breaking spaces', () => {
    const line = status(
      aSnapshot({
        storage: {
          scanning: false,
          biggest: [],
          history: [],
          bytes: 5,
          repositories: 1,
          tags: 2,
          freeBytes: 9,
        },
      }),
      now,
    )
    expect(line).toMatchObject({
      state: 'serving',
      registry: { url: 'http://127.0.0.1:5050', engine: 'zotbar-registry', version: '0.1.0', pid: 4242 },
      storage: { bytes: 5, repositories: 1, tags: 2, freeBytes: 9 },
    })
    expect(JSON.stringify(line)).not.toContain('\u00a0')
  })

  it('has neither while nothing runs', () => {
    const line = status(snapshotOf(states.stopped(now), now), now)
    expect(line.registry).toEqual({ url: expect.any(String), engine: expect.any(String) })
  })
})

describe('failures in words', () => {
  const failures: Failure[] = [
    {
      code: 'config-invalid',
      file: '/c.json',
      faults: [{ message: 'is 70000', keyPath: 'http.port', line: 4, column: 3, allowed: '0 to 65535' }],
    },
    { code: 'port-in-use', port: 5050, pid: 3, command: 'zot' },
    { code: 'start-failed', exit: { kind: 'code', code: 2 }, lastLines: ['panic'] },
    { code: 'root-in-use', path: '/d' },
    { code: 'already-running', pid: 7, home: '/h' },
    { code: 'app-not-running', home: '/h' },
    { code: 'app-not-running', home: '/h', registry: { pid: 7 } },
    { code: 'app-not-answering', home: '/h', limitMs: 6_000 },
    { code: 'unknown-setting', key: 'keepSering', near: 'keepServing' },
    { code: 'not-authorised', reason: 'token-used' },
  ]
  it.each(failures.map(each => [each.code, each] as const))(
    '%s says what happened and what to do',
    (_, failure) => {
      const { title, steps } = failureMessage(failure)
      expect(title).toMatch(/[^.!]$/)
      expect(steps.length).toBeGreaterThan(0)
      expect([title, ...steps].join(' ')).not.toMatch(/undefined|\[object/)
    },
  )

  it('puts a fault of config.json on one line', () => {
    expect(
      faultMessage({ message: 'is 70000', keyPath: 'http.port', line: 4, column: 3, allowed: '0 to 65535' }),
    ).toBe('line 4, column 3, http.port: is 70000; allowed: 0 to 65535')
  })
})
