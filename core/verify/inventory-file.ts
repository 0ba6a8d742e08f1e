import { readFile, stat } from 'node:fs/promises'
import * as v from 'valibot'
import { writeAtomic } from '../../lib/atomic-file.ts'
import { isObject } from '../../lib/json.ts'
import type { Inventory } from './inventory.ts'
import type { RepositoryInventory } from './read-store.ts'

/** Pairs and not objects: a tag may be called `__proto__`. */
const pairs = v.array(v.tuple([v.string(), v.string()]))
const sample = v.array(v.object({ repository: v.string(), manifest: v.string(), blobs: v.array(v.string()) }))
const file = v.object({
  format: v.literal(2),
  takenAt: v.number(),
  repositories: v.array(
    v.variant('kind', [
      v.object({
        kind: v.literal('read'),
        root: v.exactOptional(v.string()),
        name: v.string(),
        tags: pairs,
        /** Digest, children, and what it refers to. */
        manifests: v.array(v.tuple([v.string(), v.array(v.string()), v.nullable(v.string())])),
      }),
      v.object({ kind: v.literal('unreadable'), root: v.string(), name: v.string(), reason: v.string() }),
    ]),
  ),
  sample,
})

/** An inventory is a file of its own while its run lasts: too large for a journal. */
export async function writeInventory(path: string, { repositories, ...rest }: Inventory): Promise<void> {
  const written: v.InferOutput<typeof file> = {
    format: 2,
    ...rest,
    repositories: repositories.map(repository =>
      repository.kind === 'unreadable'
        ? repository
        : {
            ...repository,
            tags: [...repository.tags],
            manifests: [...repository.manifests].map(([digest, { children, subject }]) => [
              digest,
              children,
              subject ?? null,
            ]),
          },
    ),
  }
  await writeAtomic(path, JSON.stringify(written))
}

/** Undefined where there is none that can be understood. */
export async function readInventory(path: string): Promise<Inventory | undefined> {
  let json: unknown
  let writtenAt: number
  try {
    json = JSON.parse(await readFile(path, 'utf8'))
    writtenAt = (await stat(path)).mtimeMs
  } catch {
    return undefined
  }
  const read = v.safeParse(file, json)
  if (!read.success) return readFirstFormat(json, writtenAt)
  const { takenAt, repositories } = read.output
  return {
    takenAt,
    sample: read.output.sample,
    repositories: repositories.map(repository =>
      repository.kind === 'unreadable'
        ? repository
        : {
            ...repository,
            tags: new Map(repository.tags),
            manifests: new Map(
              repository.manifests.map(([digest, children, subject]) => [
                digest,
                subject === null ? { children } : { children, subject },
              ]),
            ),
          },
    ),
  }
}

/** Not v.record, which leaves out `__proto__` and its kind. */
const record = v.custom<object>(isObject)
const firstFormat = v.object({
  repositories: record,
  sample,
})

/** What a Zotbar before this one wrote in the middle of a run: entryCovers of tags with their digests, and no more. */
function readFirstFormat(json: unknown, writtenAt: number): Inventory | undefined {
  const read = v.safeParse(firstFormat, json)
  if (!read.success) return undefined
  const repositories: RepositoryInventory[] = []
  for (const [name, tags] of Object.entries(read.output.repositories)) {
    const named = v.safeParse(record, tags)
    const known = v.safeParse(pairs, named.success ? Object.entries(named.output) : undefined)
    if (!known.success) return undefined
    repositories.push({ kind: 'read', name, tags: new Map(known.output), manifests: new Map() })
  }
  return { takenAt: writtenAt, repositories, sample: read.output.sample }
}
