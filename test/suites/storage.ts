import { Readable } from 'node:stream'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { parseReference, type Reference } from '../../registry/oci/reference.ts'
import type { Storage } from '../../registry/storage/storage.ts'
import { config, digestOf, imageOf, indexOf, type Made } from './image.ts'

export interface Fixture {
  /** The storage under test; may be another object over the same data each time. */
  storage: () => Storage
  dispose: () => Promise<void>
}

const ref = (text: string): Reference => {
  const parsed = parseReference(text)
  if (typeof parsed === 'string') throw new Error(parsed)
  return parsed
}

/** What every storage does, whatever it keeps things in. */
export function describeStorage(name: string, create: () => Promise<Fixture>): void {
  describe(`storage: ${name}`, () => {
    let fixture: Fixture
    const storage = (): Storage => fixture.storage()
    beforeEach(async () => {
      fixture = await create()
    })
    afterEach(() => fixture.dispose())

    const upload = async (repo: string, bytes: Buffer | string, algorithm = 'sha256'): Promise<void> => {
      const id = await started(repo)
      expect(
        await storage().uploads.write(repo, id, { body: Readable.from([Buffer.from(bytes)]) }),
      ).toMatchObject({
        ok: true,
      })
      expect(await storage().uploads.commit(repo, id, digestOf(bytes, algorithm))).toMatchObject({ ok: true })
    }
    const started = async (repo: string): Promise<string> => {
      const id = await storage().uploads.start(repo)
      if (!id.ok) throw new Error(id.error.name)
      return id.value
    }
    const put = (repo: string, reference: string, { mediaType, bytes }: Made) =>
      storage().manifests.put(repo, ref(reference), mediaType, bytes)
    const push = async (repo: string, tag: string, layer: string): Promise<Made> => {
      await upload(repo, config)
      await upload(repo, layer)
      const image = imageOf([layer])
      expect(await put(repo, tag, image)).toMatchObject({ ok: true })
      return image
    }
    const content = async (repo: string, bytes: Buffer | string): Promise<string | undefined> => {
      const opened = await storage().blobs.open(repo, digestOf(bytes))
      if (!opened.ok) return undefined
      const into = Buffer.alloc(opened.value.size)
      await opened.value.read(into, 0)
      await opened.value.close()
      return into.toString()
    }

    describe('uploads and blobs', () => {
      it('keeps what was uploaded', async () => {
        await upload('a/b', 'hello')
        expect(await storage().blobs.stat('a/b', digestOf('hello'))).toEqual({ ok: true, value: 5 })
        expect(await content('a/b', 'hello')).toBe('hello')
        expect(await content('a/c', 'hello')).toBeUndefined()
      })

      it('knows sha512', async () => {
        await upload('a', 'hello', 'sha512')
        expect(await storage().blobs.stat('a', digestOf('hello', 'sha512'))).toEqual({ ok: true, value: 5 })
      })

      it('takes chunks in order, and only in order', async () => {
        const id = await started('a')
        const write = (text: string, at: number) =>
          storage().uploads.write('a', id, {
            body: Readable.from([Buffer.from(text)]),
            at,
            length: text.length,
          })
        expect(await write('abc', 0)).toEqual({ ok: true, value: 3 })
        expect(await write('xyz', 9)).toMatchObject({ ok: false, error: { name: 'upload-out-of-order' } })
        expect(await storage().uploads.offset('a', id)).toEqual({ ok: true, value: 3 })
        expect(await write('def', 3)).toEqual({ ok: true, value: 6 })
        expect(await storage().uploads.commit('a', id, digestOf('abcdef'))).toMatchObject({ ok: true })
        expect(await content('a', 'abcdef')).toBe('abcdef')
        expect(await storage().uploads.offset('a', id)).toMatchObject({ error: { name: 'upload-unknown' } })
      })

      it('keeps what arrived before the connection broke, to go on from', async () => {
        const id = await started('a')
        const broken = Readable.from(
          (async function* () {
            yield Buffer.from('abc')
            throw new Error('connection reset')
          })(),
        )
        const written = await storage().uploads.write('a', id, { body: broken })
        expect(written).toMatchObject({ ok: false, error: { name: 'size-invalid' } })
        expect(await storage().uploads.offset('a', id)).toEqual({ ok: true, value: 3 })
        await storage().uploads.write('a', id, { body: Readable.from([Buffer.from('def')]), at: 3 })
        expect(await storage().uploads.commit('a', id, digestOf('abcdef'))).toMatchObject({ ok: true })
      })

      it('refuses content that is not what the digest says, and forgets it', async () => {
        const id = await started('a')
        await storage().uploads.write('a', id, { body: Readable.from([Buffer.from('hello')]) })
        const committed = await storage().uploads.commit('a', id, digestOf('goodbye'))
        expect(committed).toMatchObject({ ok: false, error: { name: 'digest-mismatch' } })
        expect(await storage().uploads.offset('a', id)).toMatchObject({ error: { name: 'upload-unknown' } })
        expect(await content('a', 'hello')).toBeUndefined()
      })

      it('counts what was announced', async () => {
        const id = await started('a')
        const written = await storage().uploads.write('a', id, {
          body: Readable.from([Buffer.from('ab')]),
          length: 3,
        })
        expect(written).toMatchObject({ ok: false, error: { name: 'size-invalid' } })
      })

      it('cancels', async () => {
        const id = await started('a')
        expect(await storage().uploads.cancel('a', id)).toMatchObject({ ok: true })
        expect(await storage().uploads.cancel('a', id)).toMatchObject({ error: { name: 'upload-unknown' } })
      })

      it('does not know the uploads of other repositories, nor strange identifiers', async () => {
        const id = await started('a')
        for (const [repo, name] of [
          ['b', id],
          ['a', '../index.json'],
          ['a', 'x'],
        ] as const) {
          expect(await storage().uploads.offset(repo, name)).toMatchObject({
            error: { name: 'upload-unknown' },
          })
        }
      })

      it('mounts from another repository', async () => {
        await upload('a', 'hello')
        expect(await storage().blobs.mount('a', 'b/c', digestOf('hello'))).toMatchObject({ ok: true })
        expect(await storage().blobs.mount('a', 'b/c', digestOf('hello'))).toMatchObject({ ok: true })
        expect(await content('b/c', 'hello')).toBe('hello')
        expect(await storage().blobs.mount('a', 'b/c', digestOf('absent'))).toMatchObject({
          error: { name: 'blob-unknown' },
        })
      })

      it('finds who holds a blob, among those it may look into', async () => {
        await push('z/app', 'v1', 'layer')
        await push('a', 'v1', 'other')
        const find = (bytes: string, accepts: (name: string) => boolean) =>
          storage().blobs.find('to', digestOf(bytes), accepts)
        expect(await find('layer', () => true)).toEqual({ ok: true, value: 'z/app' })
        expect(await find('layer', name => name === 'a')).toEqual({ ok: true, value: undefined })
        expect(await find('absent', () => true)).toEqual({ ok: true, value: undefined })
        await storage().manifests.delete('z/app', ref(imageOf(['layer']).digest))
        await storage().blobs.delete('z/app', digestOf('layer'))
        expect(await find('layer', () => true)).toEqual({ ok: true, value: undefined })
        const many = await Promise.all(Array.from({ length: 100 }, () => find('absent', () => true)))
        expect(many.every(found => found.ok && found.value === undefined)).toBe(true)
      })

      it('deletes a blob that nobody uses, and refuses while somebody does', async () => {
        await push('a', 'v1', 'layer')
        await upload('a', 'loose')
        expect(await storage().blobs.delete('a', digestOf('loose'))).toMatchObject({ ok: true })
        expect(await storage().blobs.delete('a', digestOf('loose'))).toMatchObject({
          error: { name: 'blob-unknown' },
        })
        for (const bytes of ['layer', config, imageOf(['layer']).bytes]) {
          expect(await storage().blobs.delete('a', digestOf(bytes))).toMatchObject({
            error: { name: 'blob-referenced' },
          })
        }
        expect(await content('a', 'layer')).toBe('layer')
      })
    })

    describe('manifests', () => {
      it('serves what was pushed, by tag and by digest, byte for byte', async () => {
        const image = await push('team/app', 'v1', 'layer')
        for (const reference of ['v1', image.digest]) {
          const found = await storage().manifests.get('team/app', ref(reference))
          expect(found).toMatchObject({
            ok: true,
            value: { digest: image.digest, mediaType: image.mediaType },
          })
          expect(found.ok && found.value.body.equals(image.bytes)).toBe(true)
        }
        expect(await storage().repositories()).toEqual({ ok: true, value: ['team/app'] })
      })

      it('has nothing in memory that is not there', async () => {
        const image = await push('a', 'v1', 'layer')
        expect(storage().manifests.peek('a', 'v2')).toBeUndefined()
        expect(storage().manifests.peek('b', image.digest)).toBeUndefined()
        expect(storage().manifests.peek('../a', 'v1')).toBeUndefined()
      })

      it('tells a missing repository from a missing manifest', async () => {
        await push('a', 'v1', 'layer')
        expect(await storage().manifests.get('a', ref('v2'))).toMatchObject({
          error: { name: 'manifest-unknown' },
        })
        expect(await storage().manifests.get('b', ref('v1'))).toMatchObject({
          error: { name: 'name-unknown' },
        })
        expect(await storage().manifests.tags('b')).toMatchObject({ error: { name: 'name-unknown' } })
      })

      it('refuses a manifest whose content is missing, and stays as it was', async () => {
        await upload('a', config)
        const missing = await put('a', 'v1', imageOf(['absent']))
        expect(missing).toMatchObject({ error: { name: 'manifest-incomplete' } })
        const orphan = await put('a', 'v1', indexOf([imageOf(['absent'])]))
        expect(orphan).toMatchObject({ error: { name: 'manifest-incomplete' } })
        expect(await storage().holding()).toEqual({ ok: true, value: [] })
      })

      it('does not ask for layers that stay elsewhere', async () => {
        await upload('a', config)
        const foreign = {
          mediaType: 'application/vnd.docker.image.rootfs.foreign.diff.tar.gzip',
          digest: digestOf('x').text,
          size: 1,
        }
        expect(await put('a', 'v1', imageOf([], { layers: [foreign] }))).toMatchObject({ ok: true })
      })

      it.each([
        ['not JSON', '{'],
        ['not an object', '[]'],
        ['another schema', '{"schemaVersion":1}'],
        ['no config', '{"schemaVersion":2,"layers":[]}'],
        [
          'a bad digest',
          '{"schemaVersion":2,"config":{"digest":"sha256:1","size":1,"mediaType":"a"},"layers":[]}',
        ],
        [
          'another type than announced',
          '{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json"}',
        ],
        ['a list in an image', '{"schemaVersion":2,"manifests":[]}'],
      ])('refuses a manifest with %s', async (_, text) => {
        const { mediaType } = imageOf([])
        const stored = await storage().manifests.put('a', ref('v1'), mediaType, Buffer.from(text))
        expect(stored).toMatchObject({ error: { name: 'manifest-invalid' } })
      })

      it('refuses other media types and wrong digests', async () => {
        const image = await push('a', 'v1', 'layer')
        const text = await storage().manifests.put('a', ref('v2'), 'text/plain', image.bytes)
        expect(text).toMatchObject({ error: { name: 'manifest-type-unsupported' } })
        const wrong = await put('a', digestOf('other').text, image)
        expect(wrong).toMatchObject({ error: { name: 'digest-mismatch' } })
      })

      it('moves a tag; what it pointed to stays reachable by digest', async () => {
        const first = await push('a', 'latest', 'one')
        const second = await push('a', 'latest', 'two')
        expect(await storage().manifests.get('a', ref('latest'))).toMatchObject({
          value: { digest: second.digest },
        })
        expect(await storage().manifests.get('a', ref(first.digest))).toMatchObject({ ok: true })
        expect(await storage().manifests.tags('a')).toEqual({ ok: true, value: ['latest'] })
      })

      it('sets several tags with one push by digest, all or none', async () => {
        await upload('a', config)
        const [one, two] = ['one', 'two'].map(by => imageOf([], { annotations: { by } }))
        const set = ({ mediaType, bytes, digest }: Made, existing: 'replace' | 'keep', ...tags: string[]) =>
          storage().manifests.put('a', ref(digest), mediaType, bytes, existing, tags)
        expect(await set(one!, 'keep', 'x', 'y')).toMatchObject({ ok: true })
        expect(await set(two!, 'keep', 'z', 'x')).toMatchObject({ error: { name: 'denied' } })
        expect(await storage().manifests.tags('a')).toEqual({ ok: true, value: ['x', 'y'] })
        expect(await set(two!, 'replace', 'z', 'x')).toMatchObject({ ok: true })
        for (const [tag, image] of [
          ['x', two],
          ['y', one],
          ['z', two],
        ] as const)
          expect(await storage().manifests.get('a', ref(tag))).toMatchObject({
            value: { digest: image!.digest },
          })
      })

      it('untags: the manifest stays reachable by digest', async () => {
        const image = await push('a', 'v1', 'layer')
        expect(await storage().manifests.delete('a', ref('v1'))).toEqual({ ok: true, value: ['v1'] })
        expect(await storage().manifests.delete('a', ref('v1'))).toMatchObject({
          error: { name: 'manifest-unknown' },
        })
        expect(await storage().manifests.get('a', ref('v1'))).toMatchObject({
          error: { name: 'manifest-unknown' },
        })
        expect(await storage().manifests.get('a', ref(image.digest))).toMatchObject({ ok: true })
      })

      it('deletes a manifest with all its tags, and takes it again', async () => {
        const image = await push('a', 'v1', 'layer')
        await put('a', 'v2', image)
        const gone = await storage().manifests.delete('a', ref(image.digest))
        expect(gone.ok && [...gone.value].sort()).toEqual([image.digest, 'v1', 'v2'].sort())
        expect(await storage().manifests.tags('a')).toEqual({ ok: true, value: [] })
        expect(await storage().manifests.get('a', ref(image.digest))).toMatchObject({ ok: false })
        expect(await storage().manifests.delete('a', ref(image.digest))).toMatchObject({ ok: false })
        expect(await put('a', 'v3', image)).toMatchObject({ ok: true })
        expect(await storage().manifests.get('a', ref('v3'))).toMatchObject({
          value: { digest: image.digest },
        })
      })

      it('deletes in no repository', async () => {
        expect(await storage().manifests.delete('none', ref('v1'))).toMatchObject({
          error: { name: 'name-unknown' },
        })
        expect(await storage().repositories()).toEqual({ ok: true, value: [] })
      })

      it.each(['oci', 'docker'] as const)('keeps the children of an index (%s)', async family => {
        await upload('a', config)
        await upload('a', 'amd')
        await upload('a', 'arm')
        const children = ['amd', 'arm'].map(layer => imageOf([layer], {}, family))
        for (const child of children) expect(await put('a', child.digest, child)).toMatchObject({ ok: true })
        const index = indexOf(children, {}, family)
        expect(await put('a', 'multi', index)).toMatchObject({ ok: true })
        expect(await storage().manifests.tags('a')).toEqual({ ok: true, value: ['multi'] })
        const child = ref(children[0]!.digest)
        expect(await storage().manifests.delete('a', child)).toMatchObject({
          error: { name: 'manifest-referenced' },
        })
        expect(await storage().manifests.delete('a', ref(index.digest))).toMatchObject({ ok: true })
        expect(await storage().manifests.delete('a', child)).toMatchObject({ ok: true })
      })

      it('lists referrers', async () => {
        const image = await push('a', 'v1', 'layer')
        const subject = {
          subject: { mediaType: image.mediaType, digest: image.digest, size: image.bytes.length },
        }
        const note = imageOf([], { ...subject, artifactType: 'text/note', annotations: { by: 'me' } })
        expect(await put('a', note.digest, note)).toMatchObject({
          value: { subject: { text: image.digest } },
        })
        const found = { digest: note.digest, artifactType: 'text/note', annotations: { by: 'me' } }
        expect(await storage().manifests.referrers('a', digestOf(image.bytes))).toMatchObject({
          ok: true,
          value: [found],
        })
        await storage().manifests.delete('a', ref(note.digest))
        expect(await storage().manifests.referrers('a', digestOf(image.bytes))).toEqual({
          ok: true,
          value: [],
        })
        expect(await storage().manifests.referrers('none', digestOf(image.bytes))).toEqual({
          ok: true,
          value: [],
        })
      })
    })

    describe('at the same time', () => {
      it('loses nothing when many write one repository', async () => {
        await upload('a', config)
        const images = Array.from({ length: 30 }, (_, at) => imageOf([], { annotations: { at: String(at) } }))
        const one = storage()
        const stored = await Promise.all(
          images.map((image, at) => one.manifests.put('a', ref(`v${at}`), image.mediaType, image.bytes)),
        )
        expect(stored.every(result => result.ok)).toBe(true)
        const tags = await storage().manifests.tags('a')
        expect(tags.ok && tags.value.length).toBe(30)
      })

      it('lets two writers of one tag both succeed; one of them wins', async () => {
        await upload('a', config)
        const images = ['x', 'y'].map(by => imageOf([], { annotations: { by } }))
        const one = storage()
        const stored = await Promise.all(
          images.map(image => one.manifests.put('a', ref('tag'), image.mediaType, image.bytes)),
        )
        expect(stored.every(result => result.ok)).toBe(true)
        const found = await storage().manifests.get('a', ref('tag'))
        expect(images.map(image => image.digest)).toContain(found.ok && found.value.digest)
        for (const image of images)
          expect(await storage().manifests.get('a', ref(image.digest))).toMatchObject({ ok: true })
      })

      it('never acknowledges a manifest whose blob is deleted meanwhile', async () => {
        const one = storage()
        for (let round = 0; round < 10; round++) {
          const repo = `race/r${round}`
          await upload(repo, config)
          await upload(repo, 'layer')
          const image = imageOf(['layer'])
          const [stored, removed] = await Promise.all([
            one.manifests.put(repo, ref('v1'), image.mediaType, image.bytes),
            one.blobs.delete(repo, digestOf('layer')),
          ])
          expect([stored.ok, removed.ok].filter(Boolean)).toHaveLength(1)
          expect((await content(repo, 'layer')) !== undefined).toBe(stored.ok)
        }
      })

      it('keeps a blob that is uploaded again while it is deleted', async () => {
        const one = storage()
        for (let round = 0; round < 10; round++) {
          await upload('again', 'layer')
          const id = await one.uploads.start('again')
          if (!id.ok) throw new Error(id.error.name)
          await one.uploads.write('again', id.value, { body: Readable.from([Buffer.from('layer')]) })
          const [committed] = await Promise.all([
            one.uploads.commit('again', id.value, digestOf('layer')),
            one.blobs.delete('again', digestOf('layer')),
          ])
          expect(committed.ok).toBe(true)
          // Whichever came last decides; an answer of 201 after the delete means that it is there.
          const there = await content('again', 'layer')
          if (there === undefined) await upload('again', 'layer')
          expect(await content('again', 'layer')).toBe('layer')
        }
      })
    })
  })
}
