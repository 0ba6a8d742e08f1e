import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { readFile, stat } from 'node:fs/promises'
import { pipeline } from 'node:stream/promises'
import * as v from 'valibot'
import type { RepositoryInventory, Sample } from './inventory.ts'
import { blobFile } from './read-store.ts'

const parts = v.object({
  config: v.optional(v.object({ digest: v.string() })),
  layers: v.optional(v.array(v.object({ digest: v.string() })), []),
})

const sampleSize = 5
/** A larger blob is not pulled for a sample, in bytes. */
export const largestSample = 16 * 1024 * 1024

/** Spread over all tags; only what is whole now, so that old damage is not taken for new. */
export async function sampleOf(repositories: readonly RepositoryInventory[]): Promise<Sample[]> {
  const all = repositories.flatMap(one =>
    one.kind === 'read' && one.root !== undefined
      ? [...one.tags.values()].map(manifest => ({ root: one.root ?? '', repository: one.name, manifest }))
      : [],
  )
  const sample: Sample[] = []
  const every = Math.max(1, Math.floor(all.length / sampleSize))
  for (let at = 0; at < all.length && sample.length < sampleSize; at += every) {
    const chosen = all[at]
    if (!chosen) break
    const { root, repository, manifest } = chosen
    if (!(await isWhole(root, repository, manifest))) continue
    const text = await readFile(blobFile(root, repository, manifest), 'utf8')
    const read = v.safeParse(v.pipe(v.string(), v.parseJson(), parts), text)
    const named = read.success
      ? [read.output.config, ...read.output.layers].flatMap(part => part?.digest ?? [])
      : []
    const blobs: string[] = []
    for (const digest of [...new Set(named)].slice(0, 4))
      if (await isWhole(root, repository, digest)) blobs.push(digest)
    sample.push({ repository, manifest, blobs })
  }
  return sample
}

async function isWhole(root: string, repository: string, digest: string): Promise<boolean> {
  const file = blobFile(root, repository, digest)
  const [algorithm = ''] = digest.split(':')
  try {
    if ((await stat(file)).size > largestSample) return false
    const hash = createHash(algorithm)
    await pipeline(createReadStream(file), hash)
    return `${algorithm}:${hash.digest('hex')}` === digest
  } catch {
    return false
  }
}
