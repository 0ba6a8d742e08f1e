import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { DatabaseSync } from 'node:sqlite'
import { setImmediate as turn } from 'node:timers/promises'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openAccessDatabase } from '../../../registry/metadata/access-database.ts'
import { ApiKeys, type NewKey } from '../../../registry/metadata/api-keys.ts'
import { runAll } from '../../../registry/metadata/database.ts'
import type { DatabaseWriter } from '../../../registry/metadata/writer.ts'

/**
 * Keys that are made by keys: none outlives what made it, in whatever order creation and revocation are called and end.
 */

let folder: string
let database: DatabaseSync
let now = 0
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'zotbar-lines-'))
  open()
})
afterEach(() => {
  database.close()
  rmSync(folder, { recursive: true })
})
function open(): void {
  const opened = openAccessDatabase(folder)
  if (!opened.ok) throw new Error(opened.message)
  database = opened.database
  // The order of calls is what is looked at here; power cuts are in writer.test.ts.
  database.exec('PRAGMA synchronous = OFF')
}

/** A disk that writes in the order of its calls, each when it is told to. */
function slowDisk() {
  const waiting: ((fails: boolean) => void)[] = []
  const writer: DatabaseWriter = {
    write: statements =>
      new Promise((resolve, reject) => {
        waiting.push(fails => {
          if (fails) return reject(new Error('disk full'))
          runAll(database, statements)
          resolve()
        })
      }),
  }
  const step = async (fails = false): Promise<void> => {
    waiting.shift()?.(fails)
    await turn()
  }
  const drain = async (): Promise<void> => {
    while (waiting.length > 0) await step()
  }
  return { writer, step, drain }
}

const wanted = (more: Partial<NewKey>): NewKey => ({
  user: 'ci',
  origin: 'local',
  label: '',
  scopes: [],
  expiresAt: now + 1000,
  creatorUa: '',
  ...more,
})

function setUp() {
  const disk = slowDisk()
  const keys = new ApiKeys(database, disk.writer, () => now)
  const make = async (more: Partial<NewKey> = {}) => {
    const made = keys.create(wanted(more))
    await disk.drain()
    return await made
  }
  const must = async (more: Partial<NewKey> = {}) => {
    const made = await make(more)
    if (!made.ok) throw new Error(made.reason)
    return { ...made, uuid: made.key.uuid }
  }
  return { ...disk, keys, make, must }
}

describe('a key that a key asks for', () => {
  it('ends with it at the latest, also when it asks for more, and through a whole chain', async () => {
    const { keys, must } = setUp()
    const first = await must({ expiresAt: now + 90 })
    const second = await must({ mintedBy: first.uuid, expiresAt: now + 365 * 86_400_000 })
    const third = await must({ mintedBy: second.uuid, expiresAt: now + 30 })
    const fourth = await must({ mintedBy: third.uuid, expiresAt: now + 80 })
    expect([first, second, third, fourth].map(({ key }) => key.expiresAt - now)).toEqual([90, 90, 30, 30])
    now += 30
    expect([first, second, third, fourth].map(({ secret }) => keys.find('ci', secret))).toMatchObject([
      {},
      {},
      'expired',
      'expired',
    ])
  })

  it('is not made by one that has ended, was revoked or never was', async () => {
    const { keys, drain, make, must } = setUp()
    const [expired, revoked] = [await must({ expiresAt: now + 1 }), await must()]
    now += 1
    const ending = keys.revoke([revoked.uuid])
    for (const mintedBy of [expired.uuid, revoked.uuid, 'never'])
      expect(await make({ mintedBy })).toEqual({ ok: false, reason: 'ended' })
    await drain()
    await ending
    expect(await make({ mintedBy: revoked.uuid })).toEqual({ ok: false, reason: 'ended' })
    expect(keys.list().map(({ uuid }) => uuid)).toEqual([expired.uuid])
  })

  it('is not made where that one is revoked, or expires, before it is on disk', async () => {
    const { keys, drain, must } = setUp()
    for (const end of ['revoked', 'expired'] as const) {
      const minter = await must({ expiresAt: now + 10 })
      const made = keys.create(wanted({ mintedBy: minter.uuid }))
      const revoking = end === 'revoked' ? keys.revoke([minter.uuid]) : undefined
      if (end === 'expired') now += 10
      await drain()
      await revoking
      expect(await made).toEqual({ ok: false, reason: 'ended' })
      expect(keys.descendants(minter.uuid)).toEqual([])
    }
    const stored = database.prepare('SELECT expires_at AS at FROM api_keys').all()
    expect(stored.filter(({ at }) => Number(at) > now)).toEqual([])
  })

  it('of a line of 64 is refused: the first one always reaches the last', async () => {
    const { keys, make, must } = setUp()
    const first = await must()
    let last = first
    for (let at = 0; at < 64; at++) last = await must({ mintedBy: last.uuid })
    expect(keys.descendants(first.uuid)).toHaveLength(64)
    expect(await make({ mintedBy: last.uuid })).toEqual({ ok: false, reason: 'line-too-long' })
    expect(await make()).toMatchObject({ ok: true })
  })
})

describe('a revocation', () => {
  it('counts from its call on, and not at all where the disk does not take it', async () => {
    const { keys, step, make, must } = setUp()
    const { uuid, secret } = await must()
    const child = await must({ mintedBy: uuid })
    const failing = keys.revoke([uuid, child.uuid])
    failing.catch(() => {})
    expect([keys.find('ci', secret), keys.find('ci', child.secret)]).toEqual([undefined, undefined])
    await step(true)
    await expect(failing).rejects.toThrow('disk full')
    expect([keys.find('ci', secret), keys.find('ci', child.secret)]).toMatchObject([{}, {}])
    expect(await make({ mintedBy: uuid })).toMatchObject({ ok: true })
  })
})

type Op =
  | { do: 'make'; by: number; life: number }
  | { do: 'revoke'; which: number; line: boolean }
  | { do: 'wait'; ms: number }
  | { do: 'disk'; fails: boolean }

const op: fc.Arbitrary<Op> = fc.oneof(
  fc.record({
    do: fc.constant('make' as const),
    by: fc.integer({ min: -1, max: 7 }),
    life: fc.integer({ min: 1, max: 50 }),
  }),
  fc.record({ do: fc.constant('revoke' as const), which: fc.nat(7), line: fc.boolean() }),
  fc.record({ do: fc.constant('wait' as const), ms: fc.integer({ min: 1, max: 15 }) }),
  fc.record({
    do: fc.constant('disk' as const),
    fails: fc.double({ noNaN: true, min: 0, max: 1 }).map(x => x < 0.1),
  }),
)

it('holds in any order of calls and of their ends', { timeout: 20_000 }, async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(op, { minLength: 5, maxLength: 40 }), async ops => {
      database.exec('DELETE FROM api_keys')
      const { keys, step, drain } = setUp()
      /** Every key that was ever answered, with the one that it came from. */
      const made: { uuid: string; secret: string; until: number; parent?: string }[] = []
      /** Whatever came out of these may never open anything again. */
      const endedLines = new Set<string>()
      const running: Promise<unknown>[] = []
      const lineOf = (uuid: string | undefined): string[] =>
        uuid === undefined ? [] : [uuid, ...lineOf(made.find(key => key.uuid === uuid)?.parent)]
      const check = (): void => {
        for (const { uuid, secret, until } of made) {
          if (typeof keys.find('ci', secret) !== 'object') continue
          for (const older of lineOf(uuid)) {
            expect(until).toBeLessThanOrEqual(made.find(key => key.uuid === older)?.until ?? until)
            expect(endedLines.has(older)).toBe(false)
          }
        }
      }
      for (const next of ops) {
        if (next.do === 'make') {
          const by = made[next.by]
          // As a request: who asks was known when it came, whatever happened since.
          const parent = by ? { mintedBy: by.uuid } : {}
          running.push(
            keys.create(wanted({ expiresAt: now + next.life, ...parent })).then(
              answer => {
                if (!answer.ok) return
                const { uuid, expiresAt } = answer.key
                made.push({ uuid, secret: answer.secret, until: expiresAt, ...(by && { parent: by.uuid }) })
              },
              () => {},
            ),
          )
        } else if (next.do === 'revoke') {
          const uuid = made[next.which]?.uuid
          if (uuid === undefined) continue
          const offspring = keys.descendants(uuid).map(key => key.uuid)
          running.push(
            keys.revoke(next.line ? [uuid, ...offspring] : [uuid]).then(
              () => {
                if (next.line) endedLines.add(uuid)
                // Without them, those that go on were all named in the answer.
                else for (const key of keys.descendants(uuid)) expect(offspring).toContain(key.uuid)
              },
              () => {},
            ),
          )
        } else if (next.do === 'wait') now += next.ms
        else await step(next.fails)
        check()
      }
      await drain()
      await Promise.all(running)
      check()
      // The disk and the memory agree on what there is.
      const stored = database.prepare('SELECT uuid FROM api_keys ORDER BY uuid').all()
      expect(stored.map(({ uuid }) => uuid)).toEqual(
        keys
          .list()
          .map(({ uuid }) => uuid)
          .sort(),
      )
    }),
    { numRuns: 400 },
  )
})
