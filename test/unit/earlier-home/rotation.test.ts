import { createHash, randomBytes, randomUUID } from 'node:crypto'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import * as v from 'valibot'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ok } from '../../../contract/result.ts'
import { type RotationDeps, retireMemory, rotateMemory } from '../../../core/rotation/deps.ts'
import type { Bearer, CreatedKey, CreateKeyRequest, KeyClient } from '../../../core/rotation/key-client.ts'
import { openKeyRecords } from '../../../core/rotation/key-record.ts'
import { retireName, retireRunbook } from '../../../core/rotation/retire-steps.ts'
import { rotateName, rotateRunbook } from '../../../core/rotation/rotate.ts'
import { createRunner } from '../../../core/runbook/runner.ts'
import { openKeyStore } from '../../../core/secrets/key-store.ts'
import { openSystemKeychain } from '../../../core/secrets/system-keychain.ts'
import { parseAndCreateSink } from '../../../core/sinks/create-sink.ts'
import { type Clock, systemClock } from '../../../lib/clock.ts'
import { localHost } from '../../../ssh/local-host.ts'
import { layRun, linesOf, type Machine, type Recording, timeOf } from '../../setup/earlier-home.ts'

const owner = { registry: '127.0.0.1:5050', user: 'zot-ci' }
const sinks = ['file', 'command', 'authfile'] as const

let machine: Machine
let home: string
beforeEach(() => {
  machine = { folder: mkdtempSync(join(tmpdir(), 'zotbar-earlier-')), port: 5050 }
  home = join(machine.folder, 'home')
})
afterEach(() => rmSync(machine.folder, { recursive: true, force: true }))

interface Interruption {
  recording: Recording
  at: number
  line: string
  /** How the run is to end; `nothing`: it had ended. */
  outcome: 'done' | 'cancelled' | 'nothing'
}

/** The lines of a run from one on; what it had not turned back from goes on. */
const interruptions = (recording: Recording, from = 'begun'): Interruption[] => {
  const lines = linesOf(recording)
  const turned = lines.indexOf('cancelled')
  return lines
    .map((line, at): Interruption => {
      const outcome = turned !== -1 && at >= turned ? 'cancelled' : 'done'
      return { recording, at, line, outcome: line === 'ended' ? 'nothing' : outcome }
    })
    .slice(lines.indexOf(from))
}

interface Row {
  uuid: string
  hash: string
  user: string
  label: string
  created_at: number
  expires_at: number
}

const hashOf = (secret: string): string =>
  createHash('sha256').update(secret.slice('zak_'.length)).digest('hex')

/** The keys that the registry of 0.1.0 had on its disk, and what it does with them. */
function registryOf(clock: Clock) {
  const database = new DatabaseSync(join(machine.folder, 'zot/_zotbar/access.db'), { readOnly: true })
  let rows = database.prepare('SELECT * FROM api_keys').all() as unknown as Row[]
  database.close()
  const time = (at: number): string => new Date(at).toISOString()
  const listed = (row: Row) => ({
    uuid: row.uuid,
    user: row.user,
    label: row.label,
    createdAt: time(row.created_at),
    expirationDate: time(row.expires_at),
    lastUsed: null,
    scopes: [],
  })
  const letsIn = ({ user, key }: Bearer): boolean =>
    rows.some(row => row.user === user && row.hash === hashOf(key) && row.expires_at > clock.now())
  const end = (uuid: string): void => {
    rows = rows.filter(row => row.uuid !== uuid)
  }
  function make({ user, label, expirationDate }: CreateKeyRequest): CreatedKey {
    const secret = `zak_${randomBytes(16).toString('hex')}`
    const [uuid, created] = [randomUUID(), clock.now()]
    const expires = Date.parse(expirationDate)
    rows.push({ uuid, hash: hashOf(secret), user, label, created_at: created, expires_at: expires })
    return { uuid, createdAt: time(created), expirationDate, secret }
  }
  const of = (user: string) => rows.filter(row => row.user === user)
  const client: KeyClient = {
    listOwn: async bearer => ok(letsIn(bearer) ? of(bearer.user).map(listed) : 'refused'),
    registryTime: async () => ok(clock.now()),
    create: async (bearer, wish) => ok(letsIn(bearer) ? make(wish) : 'refused'),
    async revoke(bearer, uuid) {
      if (!letsIn(bearer)) return ok('refused')
      end(uuid)
      return ok([])
    },
    listAll: async () => ok(rows.map(listed)),
    createFor: async wish => ok(make(wish)),
    async revokeAny(uuid) {
      end(uuid)
      return ok([])
    },
    async request(path, bearer, { method = 'GET' } = {}) {
      const status = letsIn(bearer) ? { GET: 200, HEAD: 200, PUT: 403, POST: 202, DELETE: 204 }[method] : 401
      const body = path.endsWith('/tags/list') ? '{"tags":["1"]}' : '{}'
      return ok({ status: status ?? 200, body: Buffer.from(body), header: () => undefined })
    },
    withAgent: () => client,
  }
  return { client, of, letsIn: (key: string) => letsIn({ user: owner.user, key }) }
}

/** As if it were some time after the run was interrupted. */
function clockAfter(at: number): Clock {
  const system = systemClock()
  const ahead = at + 120_000 - system.now()
  return {
    ...system,
    now: () => system.now() + ahead,
    setTimer: (when, fire, options) => system.setTimer(when - ahead, fire, options),
  }
}

type SinkName = (typeof sinks)[number]
const fileOf = (sink: SinkName): string => join(machine.folder, 'places', sink)

function keyIn(sink: SinkName): string {
  const text = readFileSync(fileOf(sink), 'utf8').trim()
  if (sink !== 'authfile') return text
  const { auths } = JSON.parse(text) as { auths: Record<string, { auth: string }> }
  const pair = Buffer.from(auths[owner.registry]?.auth ?? '', 'base64').toString('utf8')
  return pair.slice(`${owner.user}:`.length)
}

describe('a rotation that 0.1.0 was in the middle of', () => {
  it.each([
    ...interruptions('rotate-forward'),
    ...interruptions('rotate-back', 'applying overlap'),
    ...interruptions('retire'),
  ])('$recording, interrupted at $line: $outcome', async ({ recording, at, outcome }) => {
    layRun(recording, at, machine)
    const clock = clockAfter(timeOf(recording, at))
    const registry = registryOf(clock)
    const before = registry.of(owner.user).map(({ uuid }) => uuid)
    const aside: unknown[] = []
    const report = (what: unknown): void => void aside.push(what)
    const records = await openKeyRecords({ home, now: clock.now, report, onChange: () => {} })
    const store = openKeyStore({
      home,
      keychain: openSystemKeychain(),
      keyFile: () => '',
      plain: () => false,
    })
    const host = localHost({ home: machine.folder })
    const sinkDeps = { localHost: host, opHost: host, remoteHost: () => host }
    const deps: RotationDeps = {
      clock,
      client: registry.client,
      store,
      records,
      untilServing: async () => true,
      pause: async () => {},
      policy: () => ({ days: 90, overlapMs: 0, label: 'zotbar/test/<date>' }),
      sink(spec) {
        const forgejo = { url: () => '', token: async () => ok(undefined) }
        const sink = parseAndCreateSink(spec, { ...sinkDeps, forgejo })
        return sink.ok ? sink.value : undefined
      },
      takeGivenKey: () => undefined,
      signIn: () => undefined,
      requestLog: async () => [],
      onRetiringChange: () => {},
    }
    const runbooks = createRunner({
      home,
      clock,
      kinds: {
        [rotateName]: {
          deserialize: memory => rotateRunbook(v.parse(rotateMemory, memory), deps),
          resumes: (begun, { yes }) => begun('mint') || yes === true,
        },
        [retireName]: {
          deserialize: memory => retireRunbook(v.parse(retireMemory, memory), deps),
          resumes: () => true,
        },
      },
      report,
      log: () => {},
      onChange: () => {},
    })

    // Whatever the line: what is in use, and what each sink got so far, lets the user in.
    const inUse = await store.get(owner, 'current')
    expect(inUse.ok && inUse.value !== undefined && registry.letsIn(inUse.value)).toBe(true)
    for (const sink of sinks) if (existsSync(fileOf(sink))) expect(registry.letsIn(keyIn(sink))).toBe(true)

    const interrupted = await runbooks.interrupted()
    expect(aside).toEqual([])
    if (outcome === 'nothing') expect(interrupted).toBeUndefined()
    else {
      expect(interrupted).toMatchObject({ resumes: outcome === 'done' })
      const ended = await interrupted?.resume()
      if (outcome === 'done') expect(ended).toEqual({ result: 'done' })
      expect(ended).toMatchObject({ result: outcome })
    }
    const [record] = await runbooks.history()
    const result = outcome === 'nothing' ? (recording === 'rotate-back' ? 'cancelled' : 'done') : outcome
    expect(record).toMatchObject({ result, runbook: recording === 'retire' ? 'retire' : 'rotate' })

    const [only, ...others] = registry.of(owner.user)
    expect(others).toEqual([])
    const known = records.find(owner)
    expect(known).toMatchObject({ uuid: only?.uuid, retiring: [] })
    expect(known).not.toHaveProperty('pending')
    const current = await store.get(owner, 'current')
    expect(current.ok && current.value !== undefined && hashOf(current.value)).toBe(only?.hash)
    for (const sink of sinks) expect({ ok: true, value: keyIn(sink) }).toEqual(current)
    for (const slot of ['next', 'retiring'] as const)
      expect(await store.get(owner, slot)).toEqual({ ok: true, value: undefined })
    // A key that was made before the interruption is not made a second time.
    expect(before.includes(only?.uuid ?? '') || linesOf(recording).indexOf('applied mint') > at).toBe(true)
  })
})
