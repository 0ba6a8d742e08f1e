import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { parseReference, type Reference } from '../../../registry/oci/reference.ts'
import { openDiskStorage } from '../../../registry/storage/disk-storage.ts'
import type { Storage } from '../../../registry/storage/storage.ts'
import { config, digestOf, imageOf, indexOf } from '../../suites/image.ts'
import { describeStorage } from '../../suites/storage.ts'

const temporary = (): string => mkdtempSync(join(tmpdir(), 'zotbar-storage-'))

describeStorage('disk', async () => {
  const root = temporary()
  const storage = openDiskStorage(root)
  return { storage: () => storage, dispose: async () => rmSync(root, { recursive: true }) }
})

describeStorage('disk, opened anew before every step', async () => {
  const root = temporary()
  return { storage: () => openDiskStorage(root), dispose: async () => rmSync(root, { recursive: true }) }
})

describe('on disk', () => {
  let root: string
  let storage: Storage
  const tag = (text: string): Reference => ({ kind: 'tag', tag: text })

  beforeEach(() => {
    root = temporary()
    storage = openDiskStorage(root)
  })
  afterEach(() => rmSync(root, { recursive: true }))

  const upload = async (name: string, bytes: Buffer | string): Promise<void> => {
    const id = await storage.uploads.start(name)
    if (!id.ok) throw new Error(id.error.name)
    await storage.uploads.write(name, id.value, { body: Readable.from([Buffer.from(bytes)]) })
    expect(await storage.uploads.commit(name, id.value, digestOf(bytes))).toMatchObject({ ok: true })
  }
  const push = async (name: string, reference: string, layers: string[] = []): Promise<string> => {
    for (const bytes of [config, ...layers]) await upload(name, bytes)
    const image = imageOf(layers)
    expect(await storage.manifests.put(name, tag(reference), image.mediaType, image.bytes)).toMatchObject({
      ok: true,
    })
    return image.digest
  }
  const json = (...path: string[]): unknown => JSON.parse(readFileSync(join(root, ...path), 'utf8'))

  it("is zot's layout, readable by its owner only", async () => {
    const digest = await push('team/app', 'v1', ['layer'])
    expect(json('team', 'app', 'oci-layout')).toEqual({ imageLayoutVersion: '1.0.0' })
    expect(json('team', 'app', 'index.json')).toEqual({
      schemaVersion: 2,
      manifests: [
        {
          mediaType: 'application/vnd.oci.image.manifest.v1+json',
          digest,
          size: imageOf(['layer']).bytes.length,
          annotations: { 'org.opencontainers.image.ref.name': 'v1' },
        },
      ],
    })
    expect(readdirSync(join(root, 'team', 'app')).sort()).toEqual([
      '.uploads',
      'blobs',
      'index.json',
      'oci-layout',
    ])
    expect(readdirSync(join(root, 'team/app/.uploads'))).toEqual([])
    for (const entry of readdirSync(root, { recursive: true, withFileTypes: true })) {
      const mode = statSync(join(entry.parentPath, entry.name)).mode & 0o777
      expect([entry.name, mode.toString(8)]).toEqual([entry.name, entry.isDirectory() ? '700' : '600'])
    }
  })

  it('keeps what it does not understand in index.json', async () => {
    const digest = await push('a', 'v1')
    const before = JSON.parse(readFileSync(join(root, 'a/index.json'), 'utf8'))
    before.annotations = { kept: 'yes' }
    before.manifests[0].annotations['com.example'] = 'kept'
    before.manifests.push({ mediaType: 'x/y', digest: 'blake3:00', size: 1, annotations: { a: 'b' } })
    writeFileSync(join(root, 'a/index.json'), JSON.stringify(before, null, 2))
    storage = openDiskStorage(root)
    await push('a', 'v2', ['two'])
    await storage.manifests.delete('a', tag('v1'))
    const after = json('a', 'index.json')
    expect(after).toMatchObject({ annotations: { kept: 'yes' } })
    expect(after).toMatchObject({
      manifests: expect.arrayContaining([
        expect.objectContaining({ digest, annotations: { 'com.example': 'kept' } }),
        { mediaType: 'x/y', digest: 'blake3:00', size: 1, annotations: { a: 'b' } },
      ]),
    })
  })

  it('serves a manifest that it took before, and takes it no more', async () => {
    await push('a', 'v1')
    // Go takes no 2.0 for a whole number, and knows no byte order mark.
    const odd = Buffer.from(
      `\ufeff${imageOf([]).bytes.toString().replace('"schemaVersion":2', '"schemaVersion":2.0')}`,
    )
    const { mediaType } = imageOf([])
    writeFileSync(join(root, 'a/blobs/sha256', digestOf(odd).hex), odd)
    const index = JSON.parse(readFileSync(join(root, 'a/index.json'), 'utf8'))
    const annotations = { 'org.opencontainers.image.ref.name': 'odd' }
    index.manifests.push({ mediaType, digest: digestOf(odd).text, size: odd.length, annotations })
    writeFileSync(join(root, 'a/index.json'), JSON.stringify(index))
    storage = openDiskStorage(root)
    const got = await storage.manifests.get('a', tag('odd'))
    expect(got.ok && got.value.body.equals(odd)).toBe(true)
    expect(await storage.manifests.put('a', tag('odd'), mediaType, odd)).toMatchObject({
      error: { name: 'manifest-invalid', detail: { reason: 'the manifest begins with a byte order mark' } },
    })
    // It still holds what it names, and an index may still list it.
    expect(await storage.blobs.delete('a', digestOf(config))).toMatchObject({
      error: { name: 'blob-referenced' },
    })
    const list = indexOf([{ mediaType, bytes: odd, digest: digestOf(odd).text }])
    expect(await storage.manifests.put('a', tag('list'), list.mediaType, list.bytes)).toMatchObject({
      ok: true,
    })
    expect(await storage.manifests.delete('a', tag('v1'))).toMatchObject({ ok: true })
    expect((await storage.manifests.get('a', { kind: 'digest', digest: digestOf(odd) })).ok).toBe(true)
  })

  it('shares a mounted blob', async () => {
    await upload('a', 'shared')
    await storage.blobs.mount('a', 'b', digestOf('shared'))
    const inode = (name: string): number =>
      statSync(join(root, name, 'blobs/sha256', digestOf('shared').hex)).ino
    expect(inode('b')).toBe(inode('a'))
    // Pushing it again keeps it shared.
    await upload('b', 'shared')
    expect(inode('b')).toBe(inode('a'))
  })

  it('replaces a blob that was cut short', async () => {
    await upload('a', 'whole')
    const path = join(root, 'a/blobs/sha256', digestOf('whole').hex)
    writeFileSync(path, 'wh')
    await upload('a', 'whole')
    expect(readFileSync(path, 'utf8')).toBe('whole')
  })

  it('does not serve a manifest that is damaged on disk', async () => {
    const digest = await push('a', 'v1')
    writeFileSync(join(root, 'a/blobs/sha256', digest.slice(7)), '{}')
    storage = openDiskStorage(root)
    expect(await storage.manifests.get('a', tag('v1'))).toMatchObject({ error: { name: 'storage-failed' } })
  })

  it('does not touch an index.json that is damaged', async () => {
    await push('a', 'v1')
    writeFileSync(join(root, 'a/index.json'), '{"schemaVersion":2,"manif')
    storage = openDiskStorage(root)
    expect(await storage.manifests.tags('a')).toMatchObject({ error: { name: 'storage-failed' } })
    const image = imageOf([], { annotations: { a: 'b' } })
    const stored = await storage.manifests.put('a', tag('v2'), image.mediaType, image.bytes)
    expect(stored).toMatchObject({ error: { name: 'storage-failed' } })
    expect(readFileSync(join(root, 'a/index.json'), 'utf8')).toBe('{"schemaVersion":2,"manif')
  })

  it('finds nested repositories and leaves other folders alone', async () => {
    for (const name of ['a', 'a/b', 'a/b/c', 'z/blobs', 'z']) await push(name, 'v1')
    for (const folder of ['_trivy/db', '_sessions', 'a/.sync/x/a'])
      await mkdir(join(root, folder), { recursive: true })
    for (const folder of ['_trivy/db', 'a/.sync/x/a']) writeFileSync(join(root, folder, 'index.json'), '{}')
    writeFileSync(join(root, 'cache.db'), 'not ours')
    storage = openDiskStorage(root)
    expect(await storage.repositories()).toEqual({ ok: true, value: ['a', 'a/b', 'a/b/c', 'z', 'z/blobs'] })
    await push('new', 'v1')
    expect(await storage.repositories()).toMatchObject({
      value: ['a', 'a/b', 'a/b/c', 'new', 'z', 'z/blobs'],
    })
  })

  it('a blob alone makes a repository without tags, as in zot', async () => {
    await upload('a', 'blob')
    expect(await storage.repositories()).toEqual({ ok: true, value: ['a'] })
    expect(await storage.manifests.tags('a')).toEqual({ ok: true, value: [] })
  })

  it('serves from memory what it has just stored or read', async () => {
    const digest = await push('a', 'v1')
    expect(storage.manifests.peek('a', 'v1')?.digest).toBe(digest)
    expect(storage.manifests.peek('a', digest)?.digest).toBe(digest)
    const later = openDiskStorage(root)
    expect(later.manifests.peek('a', 'v1')).toBeUndefined()
    const reference = parseReference('v1')
    if (typeof reference === 'string') throw new Error(reference)
    await later.manifests.get('a', reference)
    expect(later.manifests.peek('a', 'v1')?.digest).toBe(digest)
    await later.manifests.delete('a', reference)
    expect(later.manifests.peek('a', 'v1')).toBeUndefined()
  })

  it('leaves index.json alone when the same manifest is pushed again', async () => {
    await push('a', 'v1')
    const before = statSync(join(root, 'a/index.json')).ino
    await push('a', 'v1')
    expect(statSync(join(root, 'a/index.json')).ino).toBe(before)
  })

  it('says when the folder is gone', async () => {
    await mkdir(join(root, '_zotbar'))
    expect(await storage.reachable()).toMatchObject({ ok: true })
    rmSync(join(root, '_zotbar'), { recursive: true })
    expect(await storage.reachable()).toMatchObject({ error: { name: 'not-ready' } })
  })
})
