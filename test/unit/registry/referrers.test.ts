import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { failure, success } from '../../../registry/oci/error-table.ts'
import type { Snapshot } from '../../../registry/oci/layout-index.ts'
import { entryOf } from '../../../registry/oci/layout-index.ts'
import { Referrers } from '../../../registry/storage/referrers.ts'
import { describeBytes, imageOf, type Made } from '../../suites/image.ts'

const subjects = [imageOf(['one']), imageOf(['two'])]
const signatures = Array.from({ length: 6 }, (_, at) => {
  const subject = subjects[at % 2]!
  return imageOf(['signature'], {
    subject: describeBytes(subject.mediaType, subject.bytes),
    annotations: { number: String(at) },
  })
})
const all = [...subjects, ...signatures]

function snapshotOf(images: readonly Made[]): Snapshot {
  const entries = images.map(it => entryOf({ ...it, size: it.bytes.length }, undefined))
  return {
    index: { rest: {}, entries },
    tags: new Map(),
    digests: new Map(entries.map(entry => [entry.digest, entry])),
    tagNames: [],
  }
}

function reader(absent: ReadonlySet<string> = new Set()) {
  const asked: string[] = []
  const read = async ({ digest }: { digest: string }) => {
    asked.push(digest)
    const found = all.find(it => it.digest === digest)
    if (!found || absent.has(digest)) return failure('manifest-unknown')
    return success({ digest, mediaType: found.mediaType, body: found.bytes })
  }
  return { asked, read }
}

const expected = (images: readonly Made[], subject: Made): string[] =>
  images
    .filter(it => signatures.indexOf(it) % 2 === subjects.indexOf(subject) && signatures.includes(it))
    .map(it => it.digest)
    .sort()

const found = async (
  referrers: Referrers,
  snapshot: Snapshot,
  subject: Made,
  read: ReturnType<typeof reader>['read'],
): Promise<string[]> => {
  const result = await referrers.find(snapshot, subject.digest, read)
  if (!result.ok) throw new Error(result.error.name)
  return result.value.map(it => it.digest)
}

describe('the referrers of a repository', () => {
  it('after a change only what came is read', async () => {
    const referrers = new Referrers()
    const { asked, read } = reader()
    const first = all.slice(0, 6)
    await found(referrers, snapshotOf(first), subjects[0]!, read)
    expect(asked).toHaveLength(6)
    asked.length = 0
    const next = snapshotOf([...all.slice(0, 2), ...all.slice(3)])
    expect(await found(referrers, next, subjects[0]!, read)).toEqual(
      expected([...all.slice(3)], subjects[0]!),
    )
    expect(await found(referrers, next, subjects[1]!, read)).toEqual(
      expected([...all.slice(3)], subjects[1]!),
    )
    expect(asked).toEqual(all.slice(6).map(it => it.digest))
  })

  it('one whose file was missing is looked for again after the next change', async () => {
    const referrers = new Referrers()
    const missing = signatures[0]!
    const before = snapshotOf(all.slice(0, 4))
    expect(await found(referrers, before, subjects[0]!, reader(new Set([missing.digest])).read)).toEqual([])
    const after = snapshotOf(all.slice(0, 5))
    expect(await found(referrers, after, subjects[0]!, reader().read)).toEqual(
      [missing.digest, signatures[2]!.digest].sort(),
    )
  })

  it('a failure is told and not remembered', async () => {
    const referrers = new Referrers()
    const snapshot = snapshotOf(all)
    const failed = await referrers.find(snapshot, subjects[0]!.digest, async () => failure('storage-failed'))
    expect(failed).toMatchObject({ error: { name: 'storage-failed' } })
    expect(await found(referrers, snapshot, subjects[0]!, reader().read)).toHaveLength(3)
  })

  it('weigh more the more they say', async () => {
    const referrers = new Referrers()
    expect(referrers.bytes).toBe(0)
    await found(referrers, snapshotOf(all), subjects[0]!, reader().read)
    expect(referrers.bytes).toBeGreaterThan(signatures.length * 500)
    await found(referrers, snapshotOf(subjects), subjects[0]!, reader().read)
    expect(referrers.bytes).toBe(0)
  })

  it('are the same by differences as made anew, whatever the changes', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.subarray(all), { minLength: 1, maxLength: 6 }), async changes => {
        const referrers = new Referrers()
        const { read } = reader()
        for (const images of changes)
          for (const subject of subjects)
            expect(await found(referrers, snapshotOf(images), subject, read)).toEqual(
              expected(images, subject),
            )
      }),
      { numRuns: 200 },
    )
  })
})
