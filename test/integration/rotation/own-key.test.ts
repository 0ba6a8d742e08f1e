import { chmodSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { fail, type Result } from '../../../contract/result.ts'
import { type RegistryHttp, registryHttp } from '../../../core/platform/registry-http.ts'
import type { RotationDeps } from '../../../core/rotation/deps.ts'
import { createKeyClient } from '../../../core/rotation/key-client.ts'
import { createKeyOverview } from '../../../core/rotation/key-overview.ts'
import { type KeyRecords, openKeyRecords } from '../../../core/rotation/key-record.ts'
import { ManagedKeys } from '../../../core/rotation/managed-keys.ts'
import { rotateRunbook } from '../../../core/rotation/rotate.ts'
import { initialMemory } from '../../../core/rotation/rotation-plan.ts'
import type { Entry, Journal } from '../../../core/runbook/journal.ts'
import { type RunEvent, runRunbook } from '../../../core/runbook/run.ts'
import type { Question } from '../../../core/runbook/step.ts'
import { type KeyStore, openKeyStore } from '../../../core/secrets/key-store.ts'
import { openSystemKeychain } from '../../../core/secrets/system-keychain.ts'
import { parseAndCreateSink } from '../../../core/sinks/create-sink.ts'
import { systemClock } from '../../../lib/clock.ts'
import { basic, threeTiers, writeHtpasswd } from '../registry/people.ts'
import { type Registry, startRegistry, temporaryFolder } from '../registry/registry-process.ts'
import { sinkDepsOf } from '../sinks/sink-deps.ts'

const user = 'robot'
let data: ReturnType<typeof temporaryFolder>
let folder: ReturnType<typeof temporaryFolder>
let registry: Registry
let http: RegistryHttp
let store: KeyStore
let records: KeyRecords
let file: string

beforeAll(async () => {
  data = temporaryFolder()
  const root = join(data.path, 'data')
  registry = await startRegistry(root, threeTiers(writeHtpasswd(root, user)))
  http = registryHttp({ url: () => registry.url, credential: async () => undefined })
})
afterAll(async () => {
  http.close()
  await registry.stop()
  data.dispose()
})

beforeEach(async () => {
  folder = temporaryFolder()
  const keyFile = join(folder.path, 'key-file')
  writeFileSync(keyFile, 'a passphrase of several words')
  chmodSync(keyFile, 0o600)
  store = openKeyStore({
    home: folder.path,
    keychain: openSystemKeychain(),
    keyFile: () => keyFile,
    plain: () => false,
  })
  records = await openKeyRecords({ home: folder.path, now: Date.now, report: () => {}, onChange: () => {} })
  file = join(folder.path, 'place')
})
afterEach(async () => {
  for (const { uuid } of await keys()) await endKey(uuid)
  folder.dispose()
})

const endKey = (uuid = '') =>
  registry.ask(`/zot/auth/apikey?id=${uuid}`, { method: 'DELETE', headers: { authorization: basic(user) } })
const owner = () => ({ registry: `127.0.0.1:${registry.port}`, user })
const sinks = (spec: string) => parseAndCreateSink(spec, sinkDepsOf(folder.path))

/** As zot is asked: there is no administration socket. */
function rotationDeps(over: Partial<RotationDeps> = {}, through: RegistryHttp = http): RotationDeps {
  const clock = over.clock ?? systemClock()
  const pause = (ms: number) => new Promise<void>(done => setTimeout(done, ms))
  return {
    clock,
    client: createKeyClient({
      registry: through,
      admin: { ask: async () => ({ kind: 'absent' }) },
      untilServing: async () => true,
      pause,
      now: clock.now,
    }),
    store,
    records,
    sink(spec) {
      const sink = sinks(spec)
      return sink.ok ? sink.value : undefined
    },
    untilServing: async () => true,
    pause,
    policy: () => ({ days: 90, overlapMs: 0, label: 'zotbar/<host>/<date>' }),
    takeGivenKey: () => undefined,
    signIn: () => undefined,
    requestLog: async () => [],
    onRetiringChange: () => {},
    ...over,
  }
}

/** A key of the user, made with the password as on the registry's page. */
async function newKey(scopes: string[] = []): Promise<string> {
  const { body } = await registry.ask('/zot/auth/apikey', {
    method: 'POST',
    headers: { authorization: basic(user) },
    body: JSON.stringify({ label: 'by hand', scopes }),
  })
  return (JSON.parse(body.toString()) as { apiKey: string }).apiKey
}

async function keys(): Promise<{ uuid: string; label: string; scopes: string[] }[]> {
  const { body } = await registry.ask('/zot/auth/apikey', { headers: { authorization: basic(user) } })
  return (JSON.parse(body.toString()) as { apiKeys: { uuid: string; label: string; scopes: string[] }[] })
    .apiKeys
}
const letsIn = async (key: string): Promise<boolean> =>
  (await registry.ask('/zot/auth/apikey', { headers: { authorization: basic(user, key) } })).status === 200

async function manage(key: string): Promise<void> {
  const managed = await new ManagedKeys(rotationDeps(), sinks).manage(
    owner(),
    { key, sinks: [`file:${file}`] },
    'unused',
  )
  expect(managed.ok).toBe(true)
}

async function rotate(deps: RotationDeps, ask: (question: Question) => Promise<boolean> = async () => false) {
  const record = records.find(owner())!
  const memory = initialMemory(record, { user, leaked: false, yes: true }, deps.policy(), {
    newLabel: 'zotbar/box/2026-03-01-0a1b2c',
    agent: 'zotbar (run 0a1b2c)',
  })
  if (!memory.ok) throw new Error(JSON.stringify(memory.error))
  const entries: Entry[] = []
  const journal: Journal = { entries, add: async entry => void entries.push(structuredClone(entry)) }
  const told: RunEvent[] = []
  const outcome = await runRunbook(rotateRunbook(memory.value, deps), 'a-run', {
    journal,
    clock: systemClock(),
    emit: telling => told.push(telling),
    ask,
    signal: new AbortController().signal,
  })
  return { ...outcome, entries, told }
}

const kept = async (slot: 'current' | 'next' | 'retiring'): Promise<string | undefined> => {
  const found = await store.get(owner(), slot)
  return found.ok ? found.value : undefined
}

/** The old key alone, everywhere. */
async function isAsBefore(old: string): Promise<void> {
  expect(await keys()).toHaveLength(1)
  expect([await kept('current'), await kept('next'), readFileSync(file, 'utf8')]).toEqual([
    old,
    undefined,
    old,
  ])
  expect(await letsIn(old)).toBe(true)
}

describe('a rotation where nobody but the key can be asked', () => {
  it('mints with the key, and revokes the old one with it', async () => {
    const old = await newKey()
    await newKey()
    await manage(old)
    const { uuid } = records.find(owner())!
    expect((await keys()).map(key => key.uuid)).toContain(uuid)
    const { result, entries } = await rotate(rotationDeps())
    expect(result).toBe('done')
    expect(entries.find(entry => entry.kind === 'applied' && entry.step === 'mint')).toMatchObject({
      words: 'Created with the key in use',
    })
    const key = readFileSync(file, 'utf8')
    expect([await letsIn(old), await letsIn(key)]).toEqual([false, true])
    expect([await kept('current'), await kept('next'), await kept('retiring')]).toEqual([
      key,
      undefined,
      undefined,
    ])
    expect(await keys()).toHaveLength(2)
    expect(JSON.stringify(entries)).not.toContain(key.slice(4))
  })

  it('keeps the new key as narrow as the old one', async () => {
    const scopes = ['repository:team/**:read,create']
    const old = await newKey(scopes)
    await manage(old)
    expect((await rotate(rotationDeps())).result).toBe('done')
    expect(await keys()).toMatchObject([{ label: 'zotbar/box/2026-03-01-0a1b2c', scopes }])
    expect(await letsIn(old)).toBe(false)
  })

  it('asks for a key where the one in use was revoked, until it is one', async () => {
    const old = await newKey()
    await manage(old)
    const [first] = await keys()
    await endKey(first?.uuid)
    let asked: Question | undefined
    let given: { secret: string; how: string } | undefined
    const deps = rotationDeps({
      takeGivenKey() {
        const key = given
        given = undefined
        return key
      },
    })
    let times = 0
    const { result } = await rotate(deps, async question => {
      asked = question
      times += 1
      // The first yes comes without a key.
      if (times > 1) given = { secret: await newKey(), how: 'elsewhere, and pasted' }
      return true
    })
    expect(result).toBe('done')
    expect([times, asked?.wants]).toEqual([2, { keyOf: user }])
    expect(await keys()).toHaveLength(1)
    expect(await letsIn(readFileSync(file, 'utf8'))).toBe(true)
  })

  it('reports a key that was revoked elsewhere, and one that has no secret any more', async () => {
    await manage(await newKey())
    const overview = createKeyOverview({
      ...rotationDeps(),
      registry: () => owner().registry,
      serves: () => true,
      labelPrefix: () => 'zotbar/box/',
    })
    expect((await overview.list())[0]?.drift).toEqual([])
    const [first] = await keys()
    await endKey(first?.uuid)
    expect((await overview.list())[0]?.drift).toMatchObject([{ id: 'revoked-elsewhere' }])
    expect(overview.summaries()).toMatchObject([{ trouble: 'it was revoked elsewhere' }])
    await store.delete(owner(), 'current')
    expect((await overview.list())[0]?.drift).toMatchObject([{ id: 'secret-gone' }])
  })
})

describe('what must not leave a key behind', () => {
  it('an answer that was lost: the key that was made is revoked, and another one made', async () => {
    const old = await newKey()
    await manage(old)
    let lost = 0
    const through: RegistryHttp = {
      ...http,
      async ask(path, options) {
        const answer = await http.ask(path, options)
        if (path === '/zot/auth/apikey' && options?.method === 'POST' && lost < 1) {
          lost += 1
          return fail({ code: 'registry-unreachable', reason: 'The connection broke' })
        }
        return answer
      },
    }
    const { result } = await rotate(rotationDeps({}, through))
    expect([result, lost]).toEqual(['done', 1])
    expect(await keys()).toHaveLength(1)
    expect(await letsIn(readFileSync(file, 'utf8'))).toBe(true)
  })

  const denied: Result<null> = fail({ code: 'keychain-denied', reason: 'the user said no' })
  it.each<[string, (store: KeyStore) => KeyStore]>([
    [
      'takes no next key',
      all => ({ ...all, set: async (o, slot, s) => (slot === 'next' ? denied : all.set(o, slot, s)) }),
    ],
    ['does not switch', all => ({ ...all, promote: async () => denied })],
    [
      'switches, and breaks then',
      all => ({
        ...all,
        async promote(who) {
          await all.promote(who)
          return denied
        },
      }),
    ],
  ])('a store that %s', async (_, wrap) => {
    const old = await newKey()
    await manage(old)
    const { result, error } = await rotate(rotationDeps({ store: wrap(store) }))
    expect(result).toBe('rolled-back')
    expect(error?.code).toBe('keychain-denied')
    await isAsBefore(old)
    expect(await kept('retiring')).toBeUndefined()
    expect((await rotate(rotationDeps())).result).toBe('done')
  })

  it('a sink that keeps the new key: neither is revoked, and the next rotation goes on with it', async () => {
    const old = await newKey()
    await manage(old)
    const stubborn = (spec: string) => {
      const sink = sinks(spec)
      if (!sink.ok) return undefined
      return {
        ...sink.value,
        deliver: async (...given: Parameters<typeof sink.value.deliver>) =>
          given[0].key === old
            ? { ok: false as const, error: { code: 'sink-refused', words: 'It keeps what it has.' } }
            : sink.value.deliver(...given),
      }
    }
    const broken = rotationDeps({ sink: stubborn, store: { ...store, promote: async () => denied } })
    expect(await rotate(broken)).toMatchObject({ result: 'failed', error: { code: 'sink-refused' } })
    const next = readFileSync(file, 'utf8')
    expect([await letsIn(old), await letsIn(next), await kept('current'), await kept('next')]).toEqual([
      ...[true, true],
      ...[old, next],
    ])
    expect((await rotate(rotationDeps())).result).toBe('done')
    expect([readFileSync(file, 'utf8'), await kept('current')]).toEqual([next, next])
    expect([await letsIn(old), (await keys()).length]).toEqual([false, 1])
  })

  it('a clock that is wrong, and a sink that cannot be reached', async () => {
    const old = await newKey()
    await manage(old)
    const clock = { ...systemClock(), now: () => Date.now() + 6 * 60_000 }
    const wrong = await rotate(rotationDeps({ clock }))
    expect(wrong).toMatchObject({ result: 'failed', error: { code: 'clock-wrong' } })
    await records.update(owner(), record => ({
      ...record,
      sinks: [...record.sinks, { spec: `file:${folder.path}/nowhere/key`, state: 'unknown' }],
    }))
    expect((await rotate(rotationDeps())).result).toBe('failed')
    await isAsBefore(old)
  })
})
