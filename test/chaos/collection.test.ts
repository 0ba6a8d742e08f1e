import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, expect, it, vi } from 'vitest'
import { collectRepository, noTotals } from '../../registry/maintenance/gc.ts'
import { compileRetention } from '../../registry/maintenance/retention-policy.ts'
import { BlobIndex } from '../../registry/storage/blob-index.ts'
import { Dedupe } from '../../registry/storage/dedupe.ts'
import { type DiskStorage, openDiskStorage } from '../../registry/storage/disk-storage.ts'
import { slowDown } from '../fakes/slow-fs.ts'
import { missingOf, Pusher, type Report, randomOf } from './pushers.ts'

vi.mock('node:fs/promises', async importOriginal => {
  const { slowFs } = await import('../fakes/slow-fs.ts')
  return slowFs(await importOriginal())
})

const numberIn = (name: string, otherwise: number): number => Number(process.env[name] ?? otherwise)
/** `npm run test:chaos` sets it. */
const seeds = numberIn('ZOTBAR_CHAOS_SEEDS', process.env['ZOTBAR_CHAOS'] === '1' ? 2000 : 120)
const firstSeed = numberIn('ZOTBAR_CHAOS_FIRST', 1)
/** Stores at work at a time: each of them waits for its disk most of the time. */
const atOnce = 40
const pushers = 3
const steps = 12

const folder = mkdtempSync(join(tmpdir(), 'zotbar-collection-'))
afterAll(() => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }))

function open(root: string, seed: number): { storage: DiskStorage; close: () => void } {
  if (seed % 4 !== 0) return { storage: openDiskStorage(root), close: () => {} }
  const index = new BlobIndex(root)
  return {
    storage: openDiskStorage(root, { dedupe: new Dedupe(root, index, true) }),
    close: () => index.close(),
  }
}

/** A policy by which nothing but what is named by a tag stays, and without any delay. */
const compiled = compileRetention({
  retention: {
    dryRun: false,
    delay: 0,
    policies: [
      {
        repositories: ['**'],
        deleteReferrers: true,
        deleteUntagged: true,
        keepTags: [],
        keepUntagged: undefined,
      },
    ],
  },
} as never)

async function collectUntil(
  storage: DiskStorage,
  pauseMs: () => number,
  isOver: () => boolean,
): Promise<void> {
  if (!compiled.ok) throw new Error(compiled.problems.join())
  const { retention } = compiled
  const signal = new AbortController().signal
  const said: string[] = []
  while (!isOver()) {
    for (const name of ['a', 'team/b'])
      await collectRepository(
        {
          maintenance: storage.maintenance,
          logger: {
            log: (level, message, fields) =>
              void (level === 'info' || said.push(`${message} ${JSON.stringify(fields)}`)),
          },
          usage: undefined,
          countedSince: 0,
          // Everything is old enough.
          now: () => Date.now() + 60_000,
          pause: async () => {},
        },
        { delay: 0, retention },
        name,
        noTotals(),
        signal,
      )
    // Others get their turn: so long a run would take on a larger store.
    await sleep(pauseMs())
  }
}

/** One seed: what was acknowledged and is not whole afterwards. */
async function lossesOf(seed: number, report: Report): Promise<string[]> {
  const root = join(folder, String(seed))
  mkdirSync(root)
  const { storage, close } = open(root, seed)
  const random = randomOf(seed)
  const all = Array.from(
    { length: pushers },
    (_, at) => new Pusher(storage, `p${at}`, randomOf(seed * 31 + at), report),
  )
  let over = false
  const collecting = collectUntil(
    storage,
    () => Math.floor(random() * 6),
    () => over,
  )
  const pushing = Promise.all(all.map(pusher => pusher.run(steps + Math.floor(random() * 4)))).finally(() => {
    over = true
  })
  await Promise.all([pushing, collecting])
  const losses: string[] = []
  // As it serves, and as a process would that begins now.
  for (const opened of [storage, openDiskStorage(root)])
    for (const { acknowledged } of all)
      for (const { repository, tag, digest } of acknowledged.values())
        losses.push(...(await missingOf(opened, repository, tag, digest)))
  close()
  rmSync(root, { recursive: true, force: true, maxRetries: 5 })
  return [...new Set(losses)].map(loss => `seed ${seed}: ${loss}`)
}

it(`keeps every push that was acknowledged while garbage is collected without a delay (seeds ${firstSeed} to ${firstSeed + seeds - 1})`, async () => {
  const random = randomOf(firstSeed)
  slowDown(step => {
    const dice = random()
    if (step === 'fsync') return dice < 0.5 ? 0 : Math.floor(random() * 8)
    return dice < 0.1 ? Math.floor(random() * 3) : undefined
  })
  const report: Report = { pushes: 0, indexes: 0, refused: 0 }
  const losses: string[] = []
  let next = firstSeed
  const work = async (): Promise<void> => {
    while (next < firstSeed + seeds) {
      const seed = next++
      losses.push(...(await lossesOf(seed, report).catch(error => [`seed ${seed}: ${error}`])))
    }
  }
  await Promise.all(Array.from({ length: atOnce }, work))
  const { pushes, indexes, refused } = report
  const lost = new Set(losses.map(loss => loss.split(':', 1)[0])).size
  console.log(
    `seeds ${firstSeed} to ${firstSeed + seeds - 1}: ${pushes} pushes acknowledged (${indexes} of indexes), ${refused} refused, losses in ${lost} seeds`,
  )
  expect(losses).toEqual([])
  expect(indexes).toBeGreaterThan(seeds)
}, 3_600_000)
