import { readdirSync, readFileSync } from 'node:fs'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { eventually } from '../../fakes/eventually.ts'
import { fakeOp, type OpMode } from '../../fakes/op.ts'
import { another, made, never, secret, sinkDepsOf, temporaryFolder } from './sink-deps.ts'

let folder: ReturnType<typeof temporaryFolder>
let op: ReturnType<typeof fakeOp>
const spec = 'op:CI/zot-ci registry/api key'
beforeEach(() => {
  folder = temporaryFolder()
  op = fakeOp(folder.path)
  op.put('CI', 'zot-ci registry', { username: 'zot-ci' })
})
afterEach(() => folder.dispose())

const sink = (limitMs?: number, named = spec) =>
  made(named, sinkDepsOf(folder.path, { ...op, limits: { ...(limitMs !== undefined && { op: limitMs }) } }))

/** The arguments and the environment of every process that may be looked at. */
const everyProcess = (): string[] =>
  readdirSync('/proc')
    .filter(name => /^\d+$/.test(name))
    .flatMap(pid => [`/proc/${pid}/cmdline`, `/proc/${pid}/environ`])
    .map(file => {
      try {
        return readFileSync(file, 'latin1')
      } catch {
        return ''
      }
    })

it('delivers on standard input, reads back, and proves', async () => {
  expect(await sink().reach(never)).toEqual({ ok: true })
  expect(await sink().prove(secret, never)).toEqual({ holds: 'another', words: 'nothing' })
  for (let time = 0; time < 2; time += 1) expect(await sink().deliver(secret, never)).toEqual({ ok: true })
  expect(op.fields('CI', 'zot-ci registry')).toEqual({ username: 'zot-ci', 'api key': secret.key })
  expect(await sink().prove(secret, never)).toEqual({ holds: 'this' })
  expect(await sink().prove(another, never)).toEqual({ holds: 'another', words: 'something else' })
  expect(op.calls()).toContainEqual([
    'item',
    'edit',
    'zot-ci registry',
    '--vault',
    'CI',
    'api key[password]=-',
  ])
  expect(JSON.stringify(op.calls())).not.toContain('zak_')
})

it('takes a period of a field for no section', async () => {
  const dotted = sink(undefined, 'op:CI/zot-ci registry/api.key')
  expect(await dotted.deliver(secret, never)).toEqual({ ok: true })
  expect(op.fields('CI', 'zot-ci registry')['api.key']).toBe(secret.key)
})

it.each<[OpMode, string]>([
  ['signed-out', 'op-signed-out'],
  ['not-signed-in', 'op-signed-out'],
  ['expired', 'op-signed-out'],
  ['no-accounts', 'op-signed-out'],
  ['dismissed', 'op-locked'],
  ['timeout', 'op-locked'],
  ['no-app', 'op-locked'],
])('asks for what is to be done when it says: %s', async (mode, id) => {
  op.mode(mode)
  const waits = {
    error: { code: 'sink-locked', detail: expect.stringMatching(/ERROR/) },
    waitFor: { id, title: expect.any(String), body: expect.any(String), confirm: 'Try again' },
  }
  expect(await sink().reach(never)).toMatchObject({ ok: false, ...waits })
  expect(await sink().deliver(secret, never)).toMatchObject({ ok: false, ...waits })
  expect(await sink().prove(secret, never)).toMatchObject({ holds: 'unknown', ...waits })
  op.mode('')
  expect(await sink().deliver(secret, never)).toEqual({ ok: true })
})

it('asks when it waits for somebody, and ends it', async () => {
  op.mode('slow')
  expect(await sink(1_500).deliver(secret, never)).toMatchObject({
    error: { code: 'sink-locked' },
    waitFor: { id: 'op-locked' },
  })
})

it('shows its key in no process, and stops when it is cancelled', async () => {
  op.mode('slow')
  const stop = new AbortController()
  const delivered = sink().deliver(secret, stop.signal)
  await eventually(() => op.calls().length > 0, 30_000)
  if (process.platform === 'linux') {
    const seen = everyProcess()
    expect(seen.some(text => text.includes('api key[password]=-'))).toBe(true)
    expect(seen.filter(text => text.includes(secret.key))).toEqual([])
  }
  stop.abort()
  expect(await delivered).toMatchObject({ error: { code: 'cancelled' } })
})

it('says that it refused, without the key that it repeats', async () => {
  op.mode('refuses')
  const refused = await sink().deliver(secret, never)
  expect(refused).toMatchObject({
    ok: false,
    error: { code: 'sink-refused', detail: expect.stringMatching(/Forbidden.*\*\*\*/) },
  })
  expect(refused).not.toHaveProperty('waitFor')
  expect(JSON.stringify(refused)).not.toContain('0123456789abcdef')
})

it.each<OpMode>(['other', 'forgets'])('does not believe one that keeps something else: %s', async mode => {
  op.put('CI', 'zot-ci registry', { 'api key': 'zak_before' })
  op.mode(mode)
  await sink().deliver(secret, never)
  expect(await sink().prove(secret, never)).toEqual({ holds: 'another', words: 'something else' })
})

it('says that item, vault or program are not there', async () => {
  const missing = { ok: false, error: { code: 'sink-missing' } }
  expect(await sink(undefined, 'op:CI/nothing/x').reach(never)).toMatchObject(missing)
  expect(await sink(undefined, 'op:None/nothing/x').reach(never)).toMatchObject(missing)
  expect(await sink(undefined, 'op:CI/nothing/x').deliver(secret, never)).toMatchObject(missing)
  expect(await made(spec, sinkDepsOf(folder.path)).reach(never)).toMatchObject({
    ok: false,
    error: { code: 'sink-unusable', words: expect.stringMatching(/not on the PATH/) },
  })
})
