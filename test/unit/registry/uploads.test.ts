import { createHash, randomBytes } from 'node:crypto'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough, Readable } from 'node:stream'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openDiskStorage } from '../../../registry/storage/disk-storage.ts'
import type { Storage } from '../../../registry/storage/storage.ts'
import { createSession, startOf } from '../../../registry/storage/upload-session.ts'
import { digestOf } from '../../suites/image.ts'

/** A tenth of those that count. */
const turnLimits = { waitMs: 200, stillMs: 100 }
let root: string
let storage: Storage
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'zotbar-uploads-'))
  storage = openDiskStorage(root, { turnLimits })
})
afterEach(() => rmSync(root, { recursive: true }))

const whole = (bytes: Buffer | string): Readable => Readable.from([Buffer.from(bytes)])
/** A body whose connection breaks after these bytes. */
const cut = (bytes: Buffer | string): Readable =>
  Readable.from(
    (async function* () {
      yield Buffer.from(bytes)
      throw new Error('connection reset')
    })(),
  )
const begin = async (): Promise<string> => {
  const id = await storage.uploads.start('a')
  if (!id.ok) throw new Error(id.error.name)
  return id.value
}
const left = (): string[] => readdirSync(join(root, 'a/.uploads'))
const contentOf = async (bytes: Buffer | string): Promise<string | undefined> => {
  const opened = await storage.blobs.open('a', digestOf(bytes))
  if (!opened.ok) return undefined
  const into = Buffer.alloc(opened.value.size)
  await opened.value.read(into, 0)
  await opened.value.close()
  return into.toString('latin1')
}

describe('where a chunk begins', () => {
  const session = (over: object) => ({ ...createSession('a', 'id'), ...over })
  it.each<[string, object, { at?: number; length?: number }, number | undefined]>([
    ['where the upload stands', { offset: 5, complete: 5 }, {}, 5],
    ['where it says, if that is where it stands', { offset: 5, complete: 5 }, { at: 5 }, 5],
    ['nowhere before what is complete', { offset: 5, complete: 5 }, { at: 4 }, undefined],
    ['nowhere beyond what is there', { offset: 5, complete: 5 }, { at: 6 }, undefined],
    ['anywhere in what was cut', { offset: 5, complete: 2 }, { at: 3 }, 3],
    ['not before it', { offset: 5, complete: 2 }, { at: 1 }, undefined],
    ['again, if nobody asked where it stands', { offset: 5, complete: 2 }, {}, 2],
    [
      'again, being as long as what was cut',
      { offset: 5, complete: 2, reported: 5, announced: 9 },
      { length: 7 },
      2,
    ],
    ['with the rest of it', { offset: 5, complete: 2, announced: 9 }, { length: 4 }, 5],
    [
      'with the rest of what was reported',
      { offset: 5, complete: 2, reported: 4, announced: 9 },
      { length: 5 },
      4,
    ],
    ['where the last report says', { offset: 5, complete: 2, reported: 4, announced: 9 }, { length: 3 }, 4],
    ['where it stands, when it has no bytes', { offset: 5, complete: 2 }, { length: 0 }, 5],
  ])('%s', (_, over, chunk, start) => {
    expect(startOf(session(over), chunk)).toBe(start)
  })
})

describe('after a cut', () => {
  it('the same commit again begins at its own beginning, and what was complete before stays', async () => {
    const id = await begin()
    await storage.uploads.write('a', id, { body: whole('first ') })
    const commit = (body: Readable) =>
      storage.uploads.commit('a', id, digestOf('first second'), { body, length: 6 })
    expect(await commit(cut('sec'))).toMatchObject({ error: { name: 'size-invalid', detail: { offset: 9 } } })
    expect(await commit(cut('s'))).toMatchObject({ error: { detail: { offset: 7 } } })
    expect(await commit(whole('second'))).toEqual({ ok: true, value: 12 })
    expect(await contentOf('first second')).toBe('first second')
    expect(left()).toEqual([])
  })

  it('a client that asks goes on from there, also with another length and none', async () => {
    const id = await begin()
    await storage.uploads.write('a', id, { body: cut('abc'), length: 9 })
    expect(await storage.uploads.offset('a', id)).toEqual({ ok: true, value: 3 })
    expect(await storage.uploads.write('a', id, { body: whole('d'), length: 1 })).toEqual({
      ok: true,
      value: 4,
    })
    await storage.uploads.write('a', id, { body: cut('e') })
    expect(await storage.uploads.offset('a', id)).toEqual({ ok: true, value: 5 })
    expect(await storage.uploads.commit('a', id, digestOf('abcdef'), { body: whole('f') })).toEqual({
      ok: true,
      value: 6,
    })
  })

  it('a commit without bytes takes what is there', async () => {
    const id = await begin()
    await storage.uploads.write('a', id, { body: cut('abc'), length: 9 })
    const none = { body: Readable.from([]), length: 0 }
    expect(await storage.uploads.commit('a', id, digestOf('abc'), none)).toMatchObject({ ok: true })
  })

  it('and an end of the process, the digest tells whether the client went on or began again', async () => {
    for (const algorithm of ['sha256', 'sha512']) {
      for (const again of ['first second', 'second']) {
        const id = await begin()
        await storage.uploads.commit('a', id, digestOf('first second'), { body: cut('first '), length: 12 })
        storage = openDiskStorage(root, { turnLimits })
        const commit = (body: Readable) =>
          storage.uploads.commit('a', id, digestOf('first second', algorithm), { body, length: again.length })
        // Cut once more in the new process.
        expect(await commit(cut(again.slice(0, 4)))).toMatchObject({ error: { name: 'size-invalid' } })
        expect(await commit(whole(again))).toEqual({ ok: true, value: 12 })
        expect(await contentOf('first second')).toBe('first second')
        expect(left()).toEqual([])
      }
    }
  })

  it('what is more than was announced counts for nothing', async () => {
    const id = await begin()
    await storage.uploads.write('a', id, { body: whole('ab') })
    const more = await storage.uploads.write('a', id, { body: whole('cdefg'), at: 2, length: 2 })
    expect(more).toMatchObject({ error: { name: 'size-invalid', detail: { received: 5, offset: 2 } } })
    await storage.uploads.write('a', id, { body: whole('cd'), at: 2, length: 2 })
    expect(await storage.uploads.commit('a', id, digestOf('abcd'))).toEqual({ ok: true, value: 4 })
  })

  it('any way of going on that keeps to the rules ends with the content that was meant', async () => {
    const step = fc.record({
      way: fc.constantFrom('again', 'ask', 'range', 'range-again', 'restart'),
      /** Part of what is sent that arrives. */
      arrives: fc.double({ min: 0, max: 0.9, noNaN: true }),
      hasLength: fc.boolean(),
    })
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { maxLength: 6 }),
        fc.integer({ min: 0, max: 40 }),
        async (steps, before) => {
          const content = randomBytes(200)
          const digest = digestOf(content)
          const id = await begin()
          if (before > 0)
            await storage.uploads.write('a', id, { body: whole(content.subarray(0, before)), at: 0 })
          for (const { way, arrives, hasLength } of steps) {
            if (way === 'restart') storage = openDiskStorage(root, { turnLimits })
            let start = before
            if (way === 'ask' || way === 'range' || way === 'restart') {
              const offset = await storage.uploads.offset('a', id)
              if (!offset.ok) throw new Error(offset.error.name)
              start = offset.value
            }
            const rest = content.subarray(start)
            const at = way.startsWith('range') ? { at: start } : {}
            const length = hasLength ? { length: rest.length } : {}
            const body = cut(rest.subarray(0, Math.floor(rest.length * arrives)))
            const broken = await storage.uploads.commit('a', id, digest, { body, ...at, ...length })
            // After a restart a chunk of the time before cannot be begun again: the answer says where to go on.
            if (!broken.ok && broken.error.name === 'upload-out-of-order') continue
            expect(broken).toMatchObject({ ok: false, error: { name: 'size-invalid' } })
          }
          const offset = await storage.uploads.offset('a', id)
          if (!offset.ok) throw new Error(offset.error.name)
          expect(offset.value).toBeGreaterThanOrEqual(before)
          const last = { body: whole(content.subarray(offset.value)), at: offset.value }
          expect(await storage.uploads.commit('a', id, digest, last)).toEqual({ ok: true, value: 200 })
        },
      ),
      { numRuns: 60 },
    )
  })
})

describe('content of another digest', () => {
  it('may be sent again, as often as three times in all', async () => {
    const commit = (id: string, text: string) =>
      storage.uploads.commit('a', id, digestOf('first second'), { body: whole(text), length: text.length })
    const id = await begin()
    await storage.uploads.write('a', id, { body: whole('first ') })
    expect(await commit(id, 'wrong!')).toMatchObject({
      error: { name: 'digest-mismatch', detail: { offset: 6 } },
    })
    expect(await commit(id, 'second')).toEqual({ ok: true, value: 12 })

    const other = await begin()
    for (const known of [true, true, false]) {
      expect(await commit(other, 'wrong!')).toMatchObject({ error: { name: 'digest-mismatch' } })
      expect((await storage.uploads.offset('a', other)).ok).toBe(known)
    }
    expect(left()).toEqual([])
  })

  it('is kept where a part of it never came, and goes where it is complete', async () => {
    const id = await begin()
    await storage.uploads.write('a', id, { body: cut('abc'), length: 6 })
    expect(await storage.uploads.commit('a', id, digestOf('abcdef'))).toMatchObject({
      error: { name: 'digest-mismatch', detail: { offset: 3 } },
    })
    await storage.uploads.write('a', id, { body: whole('dex'), at: 3 })
    expect(await storage.uploads.commit('a', id, digestOf('abcdef'))).toMatchObject({
      error: { name: 'digest-mismatch' },
    })
    expect(left()).toEqual([])
  })
})

describe('two requests for one upload', () => {
  /** A body that waits after these bytes. */
  const open = (bytes: string): PassThrough => {
    const body = new PassThrough()
    body.write(bytes)
    return body
  }

  it('the first one shows how far it got, and gives way where it is still', async () => {
    const id = await begin()
    const body = open('abc')
    const first = storage.uploads.write('a', id, { body, length: 6 })
    await expect.poll(() => storage.uploads.offset('a', id)).toEqual({ ok: true, value: 3 })
    const second = storage.uploads.write('a', id, { body: whole('def'), at: 3, length: 3 })
    expect(await first).toMatchObject({ error: { name: 'size-invalid' } })
    expect(body.destroyed).toBe(true)
    expect(await second).toEqual({ ok: true, value: 6 })
    expect(await storage.uploads.commit('a', id, digestOf('abcdef'))).toEqual({ ok: true, value: 6 })
  })

  it('the second one is refused while the first one moves, and no byte of it is taken', async () => {
    const id = await begin()
    const body = open('a')
    const timer = setInterval(() => body.write('a'), 10)
    const first = storage.uploads.write('a', id, { body })
    await expect.poll(() => storage.uploads.offset('a', id)).not.toEqual({ ok: true, value: 0 })
    const others = await Promise.all([
      storage.uploads.write('a', id, { body: whole('x') }),
      storage.uploads.cancel('a', id),
    ])
    for (const other of others) expect(other).toMatchObject({ error: { name: 'upload-busy' } })
    clearInterval(timer)
    body.end()
    const length = await first
    if (!length.ok) throw new Error(length.error.name)
    const digest = digestOf('a'.repeat(length.value))
    expect(await storage.uploads.commit('a', id, digest)).toMatchObject({ ok: true })
  })

  it('one that is still can be cancelled', async () => {
    const id = await begin()
    const first = storage.uploads.write('a', id, { body: open('abc'), length: 6 })
    expect(await storage.uploads.cancel('a', id)).toMatchObject({ ok: true })
    expect(await first).toMatchObject({ error: { name: 'size-invalid' } })
    expect(left()).toEqual([])
  })

  it('a commit whose answer was lost is answered again, for its own digest and repository', async () => {
    const id = await begin()
    const commit = (name: string, text: string) =>
      storage.uploads.commit(name, id, digestOf(text), { body: whole(text), length: text.length })
    const both = await Promise.all([commit('a', 'hello'), commit('a', 'hello')])
    expect(both).toEqual([
      { ok: true, value: 5 },
      { ok: true, value: 5 },
    ])
    for (const [name, text] of [
      ['a', 'other'],
      ['b', 'hello'],
    ] as const)
      expect(await commit(name, text)).toMatchObject({ error: { name: 'upload-unknown' } })
    await storage.blobs.delete('a', digestOf('hello'))
    expect(await commit('a', 'hello')).toMatchObject({ error: { name: 'upload-unknown' } })
  })

  it('many at once: one at a time writes, each exactly once', async () => {
    const id = await begin()
    const parts = Array.from({ length: 20 }, (_, index) => randomBytes(1000 + index))
    const results = await Promise.all(
      parts.map(part => storage.uploads.write('a', id, { body: whole(part), length: part.length })),
    )
    expect(results.every(({ ok }) => ok)).toBe(true)
    const ends = results.map((result, index) => ({ end: result.ok ? result.value : 0, part: parts[index]! }))
    ends.sort((one, other) => one.end - other.end)
    const hash = createHash('sha256')
    for (const { part } of ends) hash.update(part)
    const digest = { algorithm: 'sha256', hex: hash.digest('hex') } as const
    expect(await storage.uploads.commit('a', id, { ...digest, text: `sha256:${digest.hex}` })).toMatchObject({
      ok: true,
    })
  })
})
