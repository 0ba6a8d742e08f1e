import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import * as v from 'valibot'

/** What a store holds, read from disk: tag to digest for each repository. */
const censusSchema = v.object({
  repositories: v.record(v.string(), v.record(v.string(), v.string())),
  /** Some manifests and blobs whose bytes on disk are what their digest says. */
  sample: v.array(v.object({ repository: v.string(), manifest: v.string(), blobs: v.array(v.string()) })),
})
export type Census = v.InferOutput<typeof censusSchema>

const refName = 'org.opencontainers.image.ref.name'
const index = v.object({
  manifests: v.optional(
    v.nullable(
      v.array(
        v.object({
          digest: v.string(),
          annotations: v.optional(v.nullable(v.record(v.string(), v.string()))),
        }),
      ),
    ),
    [],
  ),
})
const parts = v.object({
  config: v.optional(v.object({ digest: v.string() })),
  layers: v.optional(v.array(v.object({ digest: v.string() })), []),
})

const sampleSize = 5
/** A larger blob is not pulled for a sample, in bytes. */
export const largestSample = 16 * 1024 * 1024

/** A repository's tags, and the data folder that it lies in. */
interface Found {
  root: string
  tags: Record<string, string>
}

/**
 * Reads the store of an engine that is stopped: all its data folders. A folder that is not there holds nothing. Throws
 * when something in it cannot be read: then nobody can say later whether all is still there.
 * https://github.com/opencontainers/image-spec/blob/v1.1.1/image-layout.md
 */
export async function takeCensus(roots: readonly string[]): Promise<Census> {
  const found = new Map<string, Found>()
  for (const root of roots) await walk(root, found)
  const repositories = Object.fromEntries([...found].map(([name, { tags }]) => [name, tags]))
  return { repositories, sample: await sampleOf(found) }
}

/** Folders that are read at a time: the registry is away meanwhile, and reading waits for the disk. */
const width = 16

/** A level of folders after the other, in the order of their names. */
async function walk(root: string, found: Map<string, Found>): Promise<void> {
  for (let level = ['']; level.length > 0; ) {
    const looks: Look[] = []
    const waiting = level.entries()
    const look = async (): Promise<void> => {
      for (const [at, name] of waiting) looks[at] = await lookInto(root, name)
    }
    await Promise.all(Array.from({ length: Math.min(width, level.length) }, look))
    for (const [at, { tags }] of looks.entries()) if (tags) found.set(level[at] ?? '', { root, tags })
    level = looks.flatMap(({ below }) => below)
  }
}

/** What a folder has: tags where it is a repository, and the names of the folders in it. */
interface Look {
  tags?: Record<string, string>
  below: string[]
}

async function lookInto(root: string, name: string): Promise<Look> {
  const folder = join(root, name)
  const entries = await readdir(folder, { withFileTypes: true }).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return []
    throw error
  })
  const files = new Set(entries.filter(entry => entry.isFile()).map(entry => entry.name))
  const isRepository = name !== '' && files.has('index.json') && files.has('oci-layout')
  const below = entries
    .filter(entry => entry.isDirectory() && !/^[._]/.test(entry.name))
    .filter(entry => !(isRepository && entry.name === 'blobs'))
    .map(entry => (name === '' ? entry.name : `${name}/${entry.name}`))
    .sort()
  return isRepository
    ? { tags: tagsIn(await readFile(join(folder, 'index.json'), 'utf8')), below }
    : { below }
}

function tagsIn(text: string): Record<string, string> {
  const tags: Record<string, string> = {}
  for (const { digest, annotations } of v.parse(index, JSON.parse(text)).manifests ?? []) {
    const tag = annotations?.[refName]
    if (tag !== undefined) tags[tag] = digest
  }
  return tags
}

/** Spread over all tags; only what is whole now, so that old damage is not taken for new. */
async function sampleOf(found: ReadonlyMap<string, Found>): Promise<Census['sample']> {
  const all = [...found].flatMap(([repository, { root, tags }]) =>
    Object.values(tags).map(manifest => ({ root, repository, manifest })),
  )
  const sample: Census['sample'] = []
  const every = Math.max(1, Math.floor(all.length / sampleSize))
  for (let at = 0; at < all.length && sample.length < sampleSize; at += every) {
    const chosen = all[at]
    if (!chosen) break
    const { root, repository, manifest } = chosen
    if (!(await isWhole(root, repository, manifest))) continue
    const text = await readFile(blobFile(root, repository, manifest), 'utf8')
    const read = v.safeParse(parts, parseJson(text))
    const named = read.success
      ? [read.output.config, ...read.output.layers].flatMap(p => p?.digest ?? [])
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

const blobFile = (root: string, repository: string, digest: string): string =>
  join(root, repository, 'blobs', ...digest.split(':'))

/** Tags of all repositories. */
export const tagCount = (census: Census): number =>
  Object.values(census.repositories).reduce((sum, tags) => sum + Object.keys(tags).length, 0)

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** A census is a file of its own while its run lasts: too large for a journal. */
export async function readCensus(file: string): Promise<Census | undefined> {
  try {
    return v.parse(censusSchema, JSON.parse(await readFile(file, 'utf8')))
  } catch {
    return undefined
  }
}
