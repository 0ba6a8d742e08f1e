import { existsSync, linkSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { printScrubTable, scrubRepository } from '../../../registry/maintenance/scrub.ts'
import { type DiskStorage, openDiskStorage } from '../../../registry/storage/disk-storage.ts'
import { config, digestOf, digestText, imageOf, indexOf } from '../../suites/image.ts'
import { push, put, ref, upload } from '../../suites/store.ts'

let root: string
let storage: DiskStorage
let log: Record<string, unknown>[]
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'zotbar-scrub-'))
  storage = openDiskStorage(root)
  log = []
})
afterEach(() => rmSync(root, { recursive: true, force: true }))

const fileOf = (repo: string, bytes: Buffer | string): string =>
  join(root, repo, 'blobs', 'sha256', digestOf(bytes).hex)
const flip = (path: string): void => {
  const bytes = readFileSync(path)
  bytes[0] = (bytes[0] ?? 0) ^ 1
  writeFileSync(path, bytes)
}
const totals = { blobs: 0, corrupt: 0, unreadable: 0 }
const scrub = (repo: string, known = new Map<string, boolean>()) =>
  scrubRepository(
    {
      maintenance: storage.maintenance,
      logger: {
        log: (level: string, message: string, fields = {}) => void log.push({ level, message, ...fields }),
      },
      pause: async () => {},
      signal: new AbortController().signal,
      known,
    },
    repo,
    Object.assign(totals, { blobs: 0, corrupt: 0, unreadable: 0 }),
  )

describe('scrub', () => {
  it('finds nothing wrong with what is whole', async () => {
    await push(storage, 'a', 'v1', 'layer')
    await upload(storage, 'a', '')
    expect(await scrub('a')).toEqual([{ repository: 'a', tag: 'v1', status: 'ok', blob: '', error: '' }])
    expect(totals).toEqual({ blobs: 4, corrupt: 0, unreadable: 0 })
    expect(log).toEqual([])
  })

  it('takes a blob with a flipped bit out of every image, and names those', async () => {
    await push(storage, 'a', 'v1', 'one')
    await push(storage, 'a', 'v2', 'two')
    flip(fileOf('a', 'two'))
    const rows = await scrub('a')
    expect(rows).toEqual([
      { repository: 'a', tag: 'v1', status: 'ok', blob: '', error: '' },
      { repository: 'a', tag: 'v2', status: 'affected', blob: digestText('two'), error: 'bad blob digest' },
    ])
    const path = join(root, '_zotbar/quarantine/a', digestText('two'))
    expect(log).toMatchObject([{ level: 'error', repository: 'a', blob: digestText('two'), path }])
    expect(existsSync(path)).toBe(true)
    expect(await storage.blobs.open('a', digestOf('two'))).toMatchObject({ error: { name: 'blob-unknown' } })
    expect(await scrub('a')).toMatchObject([
      { status: 'ok' },
      { status: 'affected', error: 'blob not found' },
    ])
    // Pushed again, it is whole again.
    await upload(storage, 'a', 'two')
    expect(await scrub('a')).toMatchObject([{ status: 'ok' }, { status: 'ok' }])
  })

  it('takes a damaged manifest out of memory too', async () => {
    const image = await push(storage, 'a', 'v1', 'layer')
    expect(storage.manifests.peek('a', 'v1')).toBeDefined()
    flip(fileOf('a', image.bytes))
    expect(await scrub('a')).toMatchObject([{ tag: 'v1', status: 'affected', blob: image.digest }])
    expect(storage.manifests.peek('a', 'v1')).toBeUndefined()
    expect(await storage.manifests.get('a', ref('v1'))).toMatchObject({ error: { name: 'manifest-unknown' } })
  })

  it('follows an index to the image that is affected', async () => {
    await upload(storage, 'a', config)
    await upload(storage, 'a', 'amd')
    const child = imageOf(['amd'])
    await put(storage, 'a', child.digest, child)
    await put(storage, 'a', 'multi', indexOf([child]))
    flip(fileOf('a', 'amd'))
    expect(await scrub('a')).toMatchObject([
      { tag: '', status: 'affected' },
      { tag: 'multi', status: 'affected', blob: digestText('amd') },
    ])
  })

  it('names a damaged blob that no image uses, and one that is missing', async () => {
    await push(storage, 'a', 'v1', 'layer')
    await upload(storage, 'a', 'loose')
    flip(fileOf('a', 'loose'))
    rmSync(fileOf('a', 'layer'))
    expect(await scrub('a')).toMatchObject([
      { tag: 'v1', status: 'affected', blob: digestText('layer'), error: 'blob not found' },
      { tag: '', status: 'affected', blob: digestText('loose'), error: 'bad blob digest' },
    ])
  })

  it('reads a file with several names once, and quarantines each of them', async () => {
    await push(storage, 'a', 'v1', 'layer')
    await upload(storage, 'b', 'other')
    await storage.blobs.mount('a', 'b', digestOf('layer'))
    flip(fileOf('a', 'layer'))
    const known = new Map<string, boolean>()
    await scrub('a', known)
    await scrub('b', known)
    expect([...known.values()]).toEqual([false])
    for (const repo of ['a', 'b']) {
      expect(existsSync(fileOf(repo, 'layer'))).toBe(false)
      expect(existsSync(join(root, '_zotbar/quarantine', repo, digestText('layer')))).toBe(true)
    }
  })

  it('leaves a file alone that has taken the place of the damaged one', async () => {
    await upload(storage, 'a', 'blob')
    const path = fileOf('a', 'blob')
    flip(path)
    linkSync(path, `${path}.old`)
    const options = { pause: async () => {}, signal: new AbortController().signal, known: new Map() }
    const health = await storage.maintenance.check('a', digestOf('blob'), options)
    if (health.kind !== 'corrupt') throw new Error(health.kind)
    rmSync(path)
    await upload(storage, 'a', 'blob')
    expect(await storage.maintenance.quarantine('a', digestOf('blob'), health.inode)).toEqual({
      ok: true,
      value: undefined,
    })
    expect(await storage.blobs.stat('a', digestOf('blob'))).toMatchObject({ ok: true })
  })

  it("prints a table with zot's columns", async () => {
    await push(storage, 'team/app', 'v1', 'layer')
    const [head, row] = printScrubTable(await scrub('team/app')).split('\n')
    expect(head?.split(/ {2,}/)).toEqual(['REPOSITORY', 'TAG', 'STATUS', 'AFFECTED BLOB', 'ERROR'])
    expect(row?.split(/ {2,}/)).toEqual(['team/app', 'v1', 'ok'])
  })
})
