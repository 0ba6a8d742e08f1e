import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import type * as Files from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import {
  markOutdated,
  pruneSnapshots,
  restoreDatabases,
  takeSnapshot,
} from '../../../core/upgrade/snapshot.ts'

/** How many more calls change the disk before the process is gone: from then on nothing is done any more. */
let callsLeft = Number.POSITIVE_INFINITY
class Killed extends Error {}
vi.mock('node:fs/promises', async original => {
  const real = await original<typeof Files>()
  const counted = ['copyFile', 'rename', 'rm', 'mkdir', 'open'] as const
  const wrapped = counted.map(name => {
    const call = real[name] as (...args: unknown[]) => unknown
    return [
      name,
      async (...args: unknown[]) => {
        if (callsLeft <= 0) throw new Killed(name)
        callsLeft -= 1
        return call(...args)
      },
    ]
  })
  return { ...real, ...(Object.fromEntries(wrapped) as object) }
})

let home: string
let snapshot: string
let config: string
let a: string
let b: string
beforeEach(() => {
  callsLeft = Number.POSITIVE_INFINITY
  home = mkdtempSync(join(tmpdir(), 'zotbar-databases-'))
  snapshot = join(home, 'snapshots', '1')
  config = join(home, 'config.json')
  a = join(home, 'a')
  b = join(home, 'b')
  for (const root of [a, b]) mkdirSync(root)
  writeFileSync(config, '{}')
  put(a, { 'meta.db': 'keys of A', 'cache.db': 'cache of A' })
  put(b, { 'meta.db': 'keys of B' })
})
afterEach(() => rmSync(home, { recursive: true, force: true }))

function put(root: string, files: Record<string, string>): void {
  for (const [name, text] of Object.entries(files)) writeFileSync(join(root, name), text)
}
const read = (root: string): Record<string, string> =>
  Object.fromEntries(readdirSync(root).map(name => [name, readFileSync(join(root, name), 'utf8')]))
/** What a version that failed left. */
const changed = {
  a: { 'meta.db': 'new keys', 'cache.db': 'new cache' },
  b: { 'meta.db': 'new keys of B', 'cache.db': 'made since' },
}
const before = {
  a: { 'meta.db': 'keys of A', 'cache.db': 'cache of A' },
  b: { 'meta.db': 'keys of B' },
}
function change(): void {
  put(a, changed.a)
  put(b, changed.b)
}
const now = () => ({ a: read(a), b: read(b) })

describe('going back to a snapshot', () => {
  it('brings every database back to the path that it came from; one made since is kept with the copies', async () => {
    await takeSnapshot(snapshot, config, [a, b])
    change()
    put(a, { 'cache.db': before.a['cache.db'], 'pushed-meanwhile': 'an image' })
    const untouched = lstatSync(join(a, 'cache.db')).ino
    expect(await restoreDatabases(snapshot, [b, a])).toEqual({ kind: 'restored' })
    expect(now()).toEqual({ a: { ...before.a, 'pushed-meanwhile': 'an image' }, b: before.b })
    expect(lstatSync(join(a, 'cache.db')).ino).toBe(untouched)
    expect(readFileSync(join(snapshot, 'made-since', 'root-1', 'cache.db'), 'utf8')).toBe('made since')
    // The same again changes nothing.
    expect(await restoreDatabases(snapshot, [a, b])).toEqual({ kind: 'restored' })
    expect(read(b)).toEqual(before.b)
  })

  it.each<[string, () => void | Promise<void>, string]>([
    ['that is gone', () => rmSync(snapshot, { recursive: true }), 'no list of what they hold'],
    ['that was not finished', () => rmSync(join(snapshot, 'manifest.json')), 'no list of what they hold'],
    [
      'with a list that is damaged',
      () => writeFileSync(join(snapshot, 'manifest.json'), '{'),
      'cannot be read',
    ],
    [
      'with a copy that is damaged',
      () => put(join(snapshot, 'root-1'), { 'meta.db': 'keys of X' }),
      'not what was',
    ],
    ['with a copy that is gone', () => rmSync(join(snapshot, 'root-0', 'cache.db')), 'it does not exist'],
    ['since which the registry served', () => markOutdated(snapshot), 'has served since'],
  ])('%s touches nothing, and says why', async (_, harm, why) => {
    await takeSnapshot(snapshot, config, [a, b])
    change()
    await harm()
    expect(await restoreDatabases(snapshot, [a, b])).toEqual({
      kind: 'refused',
      why: expect.stringContaining(why),
    })
    expect(now()).toEqual(changed)
  })

  it.each([
    ['fewer', () => [a]],
    ['others', () => [a, join(home, 'c')]],
  ])('of other data folders (%s) touches nothing, and names both', async (_, roots) => {
    await takeSnapshot(snapshot, config, [a, b])
    change()
    expect(await restoreDatabases(snapshot, roots())).toMatchObject({
      kind: 'refused',
      why: expect.stringContaining(b),
    })
    expect(now()).toEqual(changed)
  })

  it('touches nothing where a data folder is not there', async () => {
    await takeSnapshot(snapshot, config, [a, b])
    change()
    rmSync(b, { recursive: true })
    expect(await restoreDatabases(snapshot, [a, b])).toMatchObject({ kind: 'refused' })
    expect(read(a)).toEqual(changed.a)
  })
})

/** Does `work` with a kill before each of its calls in turn; `then` looks at what is left. */
async function killedAnywhere(begin: () => unknown, work: () => Promise<unknown>, then: () => Promise<void>) {
  for (let at = 0; ; at += 1) {
    callsLeft = Number.POSITIVE_INFINITY
    await begin()
    callsLeft = at
    const end = await work().then(
      () => 'done',
      (error: unknown) => (error instanceof Killed ? 'killed' : Promise.reject(error)),
    )
    const left = callsLeft
    callsLeft = Number.POSITIVE_INFINITY
    await then()
    if (end === 'done' && left > 0) return at
  }
}

describe('a kill at any instant', () => {
  it('while databases come back leaves each whole, and the same call goes on', async () => {
    await takeSnapshot(snapshot, config, [a, b])
    const kills = await killedAnywhere(
      change,
      () => restoreDatabases(snapshot, [a, b]),
      async () => {
        for (const [root, was, is] of [
          [a, before.a, changed.a],
          [b, before.b, changed.b],
        ] as const)
          for (const name of ['meta.db', 'cache.db'] as const) {
            const whole = [is[name], (was as Record<string, string>)[name]]
            const path = join(root, name)
            expect(whole).toContain(existsSync(path) ? readFileSync(path, 'utf8') : undefined)
          }
        expect(await restoreDatabases(snapshot, [a, b])).toEqual({ kind: 'restored' })
        expect(now()).toEqual(before)
      },
    )
    expect(kills).toBeGreaterThan(15)
  })

  it('while a snapshot is taken leaves the databases, and a snapshot that is whole or not used', async () => {
    const kills = await killedAnywhere(
      () => {
        put(a, before.a)
        rmSync(join(b, 'cache.db'), { force: true })
        put(b, before.b)
      },
      () => takeSnapshot(snapshot, config, [a, b]),
      async () => {
        expect(now()).toEqual(before)
        change()
        const back = await restoreDatabases(snapshot, [a, b])
        expect(now()).toEqual(back.kind === 'restored' ? before : changed)
      },
    )
    expect(kills).toBeGreaterThan(15)
  })
})

describe('old snapshots', () => {
  it('go but for the newest; that of the run at hand stays, also when the clock was set back', async () => {
    const folder = join(home, 'snapshots')
    for (const name of ['20200101-own', '20260101', '20260102', '20260103', '20260104'])
      mkdirSync(join(folder, name), { recursive: true })
    await pruneSnapshots(folder, '20200101-own')
    expect(readdirSync(folder).sort()).toEqual(['20200101-own', '20260103', '20260104'])
  })
})
