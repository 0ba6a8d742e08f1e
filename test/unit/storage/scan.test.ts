import { mkdirSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { FileList } from '../../../core/storage/file-list.ts'
import type { ScanMessage } from '../../../core/storage/scan.ts'
import { type ScanThread, startScan } from '../../../core/storage/scan.ts'
import { StoreTree } from '../../fakes/store-tree.ts'

/** A thread that a test speaks for. */
function thread() {
  const on: { message?: (m: ScanMessage) => void; error?: (e: Error) => void; exit?: (c: number) => void } =
    {}
  const fake = {
    ended: 0,
    on: (event: 'message' | 'error' | 'exit', listener: never) => {
      on[event] = listener
    },
    terminate: () => {
      fake.ended += 1
    },
  }
  return { fake, on, start: () => fake as unknown as ScanThread }
}

describe('a scan by a thread', () => {
  let folder: string
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'zotbar-scan-'))
    const tree = new StoreTree(join(folder, 'data'))
    mkdirSync(tree.root)
    for (const name of ['a', 'b']) tree.blob(name, name)
    folder = tree.root
  })
  afterEach(() => rm(join(folder, '..'), { recursive: true, force: true }))

  const begin = async () => {
    const { fake, on, start } = thread()
    const scan = startScan(folder, { smallStore: 0, startThread: start })
    while (!on.message) await new Promise(resolve => setImmediate(resolve))
    return { fake, on, scan }
  }

  it('adds up batches, then ends the thread', async () => {
    const { fake, on, scan } = await begin()
    const files = new FileList()
    for (const ino of [1, 2, 3]) files.add({ dev: 1, ino, size: 10 })
    const repositories = [
      { name: 'a', tags: 1, sample: undefined, files: 2, stamps: { index: 1, blobs: [] } },
      { name: 'b', tags: 2, sample: undefined, files: 1, stamps: { index: 1, blobs: [] } },
    ]
    on.message?.({ kind: 'batch', batch: { repositories, files: files.take(), folders: [] } })
    on.message?.({ kind: 'done', unreadable: [] })
    const outcome = await scan.done
    expect(outcome.kind).toBe('counted')
    if (outcome.kind !== 'counted') return
    expect([outcome.ledger.bytes, outcome.ledger.tags]).toEqual([30, 3])
    expect(outcome.ledger.biggest(1)).toEqual([{ name: 'a', bytes: 20, tags: 1 }])
    expect(fake.ended).toBe(1)
  })

  it('fails with the reason that the thread gives, or that ended it', async () => {
    const told = await begin()
    told.on.message?.({ kind: 'failed', reason: 'access is denied' })
    expect(await told.scan.done).toEqual({ kind: 'failed', reason: 'access is denied' })
    const broken = await begin()
    broken.on.error?.(new Error('out of memory'))
    expect(await broken.scan.done).toEqual({ kind: 'failed', reason: 'out of memory' })
  })

  it('is cancelled at once, and so is one whose thread went away', async () => {
    const asked = await begin()
    asked.scan.cancel()
    expect(await asked.scan.done).toEqual({ kind: 'cancelled' })
    expect(asked.fake.ended).toBe(1)
    const lost = await begin()
    lost.on.exit?.(1)
    expect(await lost.scan.done).toEqual({ kind: 'cancelled' })
  })
})
