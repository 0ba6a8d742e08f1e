import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { ManagedKeyList } from '../../../contract/key.ts'
import type { JournalEntry } from '../../../contract/registry-state.ts'
import type { RunbookDetails, RunbookRecord } from '../../../contract/runbook.ts'
import { openKeyRecords } from '../../../core/rotation/key-record.ts'
import { createRunner } from '../../../core/runbook/runner.ts'
import { openKeyStore } from '../../../core/secrets/key-store.ts'
import { openSecrets } from '../../../core/secrets/secrets.ts'
import { openSystemKeychain } from '../../../core/secrets/system-keychain.ts'
import { openSettings } from '../../../core/settings/settings.ts'
import { forgejoTokenAccount } from '../../../core/sinks/forgejo-sink.ts'
import { openJournal, standardJournalLimits } from '../../../core/supervisor/journal.ts'
import { readRecord } from '../../../core/supervisor/process-record.ts'
import { createLibrary } from '../../../core/upgrade/library.ts'
import { systemClock } from '../../../lib/clock.ts'
import { createLoginAgent, type Run } from '../../../main/login-agent.ts'
import {
  answersOf,
  filesIn,
  layHome,
  layLoginAgent,
  layStore,
  type Machine,
  portOfHome,
  programText,
  type StoreKind,
} from '../../setup/earlier-home.ts'

/** What 0.1.0 answered about the home itself, in the form of its contract. */
interface Answers {
  settings: { key: string; value: unknown }[]
  keys: ManagedKeyList
  secrets: Record<string, string>
  admin: { user: string; password: string }
  runs: RunbookRecord[]
  details: RunbookDetails[]
  journal: JournalEntry[]
}

let machine: Machine
let home: string
let answers: Answers
const aside: unknown[] = []
const report = (what: unknown): void => void aside.push(what)
beforeEach(() => {
  const folder = mkdtempSync(join(tmpdir(), 'zotbar-earlier-'))
  machine = { folder, port: portOfHome() }
  home = join(folder, 'home')
  aside.length = 0
})
afterEach(() => {
  rmSync(machine.folder, { recursive: true, force: true })
  expect(aside).toEqual([])
})

const noKeychain = (): never => {
  throw new Error('no keychain here')
}
const textsOf = (name: string): string[] =>
  readFileSync(join(home, name), 'utf8')
    .split('\n')
    .filter(line => line !== '')

describe('what 0.1.0 left is read whole', () => {
  beforeEach(() => {
    layHome(machine)
    answers = answersOf<Answers>(machine)
  })

  it('each setting has the value that it had, and the file stays as it is', async () => {
    const before = readFileSync(join(home, 'settings.json'), 'utf8')
    const settings = await openSettings({ home, clock: systemClock(), report })
    const values = new Map<string, unknown>(settings.all().map(({ key, value }) => [key, value]))
    expect(answers.settings.length).toBeGreaterThan(30)
    for (const { key, value } of answers.settings) expect([key, values.get(key)]).toEqual([key, value])
    expect(readFileSync(join(home, 'settings.json'), 'utf8')).toBe(before)
    // One that is changed takes no other one with it.
    await settings.set('keepServing', false, 'cli')
    const after = { ...(JSON.parse(before) as object), keepServing: false }
    expect(JSON.parse(readFileSync(join(home, 'settings.json'), 'utf8'))).toEqual(after)
  })

  it('each managed key is known, with its sinks, and its secret is there', async () => {
    const records = await openKeyRecords({ home, now: Date.now, report, onChange: () => {} })
    const store = openKeyStore({
      home,
      keyFile: () => join(machine.folder, 'key-file'),
      plain: () => false,
      keychain: openSystemKeychain({ load: noKeychain }),
    })
    expect(answers.keys.keys.map(({ user }) => user)).toEqual(['admin', 'zot-ci'])
    expect(await store.describe()).toBe(answers.keys.store)
    for (const key of answers.keys.keys) {
      const record = records.find(key)
      const { uuid, label, createdAt, expirationDate, kept } = key
      expect(record).toMatchObject({ uuid, label, createdAt, expirationDate, kept })
      expect(record?.sinks.map(({ spec, state }) => [spec, state])).toEqual(
        key.sinks.map(({ spec, state }) => [spec, state]),
      )
      expect(record?.retiring.map(old => [old.uuid, old.retireAt])).toEqual(
        key.retiring ? [[key.retiring.uuid, key.retiring.retireAt]] : [],
      )
      expect(await store.get(key, 'current')).toEqual({ ok: true, value: answers.secrets[key.user] })
      const retiring = await store.get(key, 'retiring')
      expect(retiring.ok && retiring.value !== undefined).toBe(key.retiring !== undefined)
    }
  })

  it('each line of the journal says why it restarted', async () => {
    const before = textsOf('journal.jsonl')
    const failed: string[] = []
    const journal = await openJournal(
      join(home, 'journal.jsonl'),
      { ...standardJournalLimits, shown: 1000 },
      report,
      reason => failed.push(reason),
    )
    const ids = new Set(before.map(line => (JSON.parse(line) as JournalEntry).id))
    expect(journal.newest()).toHaveLength(ids.size)
    expect(new Set(journal.newest().map(({ cause }) => cause))).toContain('crashed')
    expect(journal.newest().slice(0, answers.journal.length)).toEqual(answers.journal)
    await journal.close()
    expect([failed, textsOf('journal.jsonl')]).toEqual([[], before])
  })

  it('each run that ended is listed as it was, step for step', async () => {
    const runbooks = createRunner({
      home,
      clock: systemClock(),
      kinds: {},
      report,
      log: () => {},
      onChange: () => {},
    })
    expect(await runbooks.interrupted()).toBeUndefined()
    expect(await runbooks.history()).toEqual(answers.runs)
    expect(new Set(answers.runs.map(({ runbook }) => runbook))).toEqual(
      new Set(['rotate', 'engine-use', 'upgrade']),
    )
    expect(new Set(answers.runs.map(({ result }) => result))).toEqual(
      new Set(['done', 'cancelled', 'rolled-back']),
    )
    for (const details of answers.details) expect(await runbooks.details(details.run)).toEqual(details)
  })

  it('the versions of zot, those that failed and those before, are known', async () => {
    const library = createLibrary(home)
    const versions = (await library.list()).map(({ version }) => version).sort()
    expect(versions).toEqual(['v2.1.15', 'v2.1.17'])
    expect(Object.keys(await library.bad())).toEqual(['v2.1.16'])
    expect(readFileSync((await library.activeProgram()) ?? '', 'utf8')).toBe(programText('v2.1.15'))
  })

  it('the record of the registry that ran is understood', async () => {
    const record = await readRecord(join(home, 'run/registry.json'), report)
    expect(record).toMatchObject({
      engine: 'zotbar-registry',
      configFile: join(machine.folder, '.config/zot/config.json'),
      place: { url: `http://127.0.0.1:${machine.port}`, host: '127.0.0.1', port: machine.port },
    })
  })

  it('the password of the first account is there', async () => {
    const { user, htpasswd } = JSON.parse(readFileSync(join(home, 'admin.json'), 'utf8')) as {
      user: string
      htpasswd: string
    }
    expect(user).toBe(answers.admin.user)
    const secrets = openSecrets({ home, keychain: openSystemKeychain({ load: noKeychain }) })
    expect(await secrets.get(`${user} in ${htpasswd}`)).toEqual({ ok: true, value: answers.admin.password })
  })
})

describe('secrets that 0.1.0 kept', () => {
  it.each<StoreKind>(['keychain', 'encrypted-file', 'plain-file'])('in the %s are all there', async kind => {
    const items = layStore(kind, machine.folder)
    const before = filesIn(home)
    const load = () => {
      if (kind !== 'keychain') return noKeychain()
      return {
        getPassword: async (service: string, account: string) => items[`${service} ${account}`] ?? null,
        setPassword: async (service: string, account: string, secret: string) => {
          items[`${service} ${account}`] = secret
        },
        deletePassword: async (service: string, account: string) => delete items[`${service} ${account}`],
      }
    }
    const keyFile = kind === 'encrypted-file' ? join(machine.folder, 'key-file') : ''
    const keychain = openSystemKeychain({ load })
    const open = () => openKeyStore({ home, keychain, keyFile: () => keyFile, plain: () => false })
    const owner = { registry: '127.0.0.1:5050', user: 'zot-ci' }
    const store = open()
    expect(await store.backend()).toEqual({ kind })
    for (const slot of ['current', 'next', 'retiring'] as const)
      expect(await store.get(owner, slot)).toEqual({ ok: true, value: `zak_test-${slot}` })
    expect(await store.secret(forgejoTokenAccount).get()).toEqual({ ok: true, value: 'test-token' })
    expect(await openSecrets({ home, keychain }).get('admin')).toEqual({ ok: true, value: 'test-password' })
    expect(filesIn(home)).toEqual(before)

    // An interrupted rotation goes on with them.
    expect(await store.promote(owner)).toEqual({ ok: true, value: null })
    expect(await open().get(owner, 'current')).toEqual({ ok: true, value: 'zak_test-next' })
    expect(await open().get(owner, 'retiring')).toEqual({ ok: true, value: 'zak_test-current' })
  })
})

describe('a login agent that 0.1.0 wrote', () => {
  const label = 'app.zotbar.login'
  const program = '/Applications/Zotbar.app/Contents/MacOS/Zotbar'
  const file = () => join(machine.folder, 'Library/LaunchAgents', `${label}.plist`)
  let calls: string[][]

  const agentOf = (path: string, environment: Record<string, string>) => {
    calls = []
    const run: Run = async (_, args) => {
      calls.push(args)
      return { code: 0, stdout: '', stderr: '' }
    }
    return createLoginAgent({
      label,
      userHome: machine.folder,
      uid: 501,
      program: [path],
      environment,
      bundleId: 'app.zotbar.Zotbar',
      run,
    })
  }

  describe.each([
    ['usual' as const, {}],
    ['other-home' as const, { ZOTBAR_HOME: '/Users/test/zotbar' }],
  ])('%s', (name, environment) => {
    beforeEach(() => layLoginAgent(name, machine.folder))

    it('is the one that this Zotbar would write: launchd takes over at once', async () => {
      const before = readFileSync(file(), 'utf8')
      const agent = agentOf(program, environment)
      expect(await agent.state()).toEqual({ kind: 'on' })
      expect(await agent.handOver()).toBe(true)
      expect(calls.at(-1)).toEqual(['bootstrap', 'gui/501', file()])
      expect(readFileSync(file(), 'utf8')).toBe(before)
    })

    it('follows the app to another place, and goes when it is turned off', async () => {
      const agent = agentOf('/Users/test/Zotbar.app/Contents/MacOS/Zotbar', environment)
      expect(await agent.handOver()).toBe(false)
      expect(readFileSync(file(), 'utf8')).toContain('<string>/Users/test/Zotbar.app/Contents/MacOS/Zotbar')
      expect(await agent.disable()).toEqual({ ok: true, state: { kind: 'off' } })
      expect(filesIn(machine.folder)).toEqual({})
    })
  })
})
