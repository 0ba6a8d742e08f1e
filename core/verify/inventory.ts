import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { readFile, stat } from 'node:fs/promises'
import { pipeline } from 'node:stream/promises'
import * as v from 'valibot'
import type { Finding } from '../../contract/runbook.ts'
import { reasonOf } from '../../lib/error-code.ts'
import { inParallel } from '../platform/tasks.ts'
import {
  blobFile,
  type KnownManifests,
  type RepositoryInventory,
  readRepository,
  type Unreadable,
  walkStore,
} from './read-store.ts'

/** Some manifests and blobs whose bytes on disk are what their digest says. */
interface Sample {
  repository: string
  manifest: string
  blobs: string[]
}

/** Everything that a store holds, read from disk. */
export interface Inventory {
  /** ms since the epoch. */
  takenAt: number
  repositories: RepositoryInventory[]
  sample: Sample[]
}

/** Of config.json: which repositories hold copies of an upstream, and which data folder serves which. */
export interface StoreLayout {
  isCached(repository: string): boolean
  serves(root: string, repository: string): boolean
}

interface InventoryOptions extends Partial<StoreLayout> {
  now(): number
  live?: boolean
  known?: KnownManifests
}

/**
 * Reads a store: all its data folders. One that is not there holds nothing; throws when one cannot be read. A repository
 * or folder below it that cannot be read is in the list with its reason, as nobody can say later whether all of it is
 * still there. What lies in a data folder that does not serve it is left out. `live`: an engine may be writing, so what
 * looks damaged is read again.
 */
export async function takeInventory(roots: readonly string[], options: InventoryOptions): Promise<Inventory> {
  const { now, live = false, serves = () => true, known = new Map() } = options
  const takenAt = now()
  const repositories: RepositoryInventory[] = []
  for (const root of roots) {
    const store = await walkStore(root)
    repositories.push(
      ...store.unreadable,
      ...(await inParallel(
        store.names.filter(name => serves(root, name)),
        name => readRepository({ root, name, known }, live),
      )),
    )
  }
  return { takenAt, repositories, sample: await takeSample(repositories) }
}

/** Those that cannot be read now, and why. */
async function findUnreadable(
  roots: readonly string[],
  options: Omit<InventoryOptions, 'now'>,
): Promise<Unreadable[]> {
  const { repositories } = await takeInventory(roots, { now: () => 0, live: true, ...options })
  return repositories.filter(repository => repository.kind === 'unreadable')
}

/** Tags of all repositories. */
export const tagCount = ({ repositories }: Pick<Inventory, 'repositories'>): number =>
  repositories.reduce((sum, repository) => sum + (repository.kind === 'read' ? repository.tags.size : 0), 0)

const manifestParts = v.object({
  config: v.optional(v.object({ digest: v.string() })),
  layers: v.optional(v.array(v.object({ digest: v.string() })), []),
})

const sampleSize = 5
/** A larger blob is not pulled for a sample, in bytes. */
export const maxSampleBytes = 16 * 1024 * 1024

/** Spread over all tags; only what is whole now, so that old damage is not taken for new. */
async function takeSample(repositories: readonly RepositoryInventory[]): Promise<Sample[]> {
  const all = repositories.flatMap(repository =>
    repository.kind === 'read' && repository.root !== undefined
      ? [...repository.tags.values()].map(manifest => ({
          root: repository.root ?? '',
          repository: repository.name,
          manifest,
        }))
      : [],
  )
  const sample: Sample[] = []
  const every = Math.max(1, Math.floor(all.length / sampleSize))
  for (let at = 0; at < all.length && sample.length < sampleSize; at += every) {
    const chosen = all[at]
    if (!chosen) break
    const { root, repository, manifest } = chosen
    if (!(await isIntact(root, repository, manifest))) continue
    const text = await readFile(blobFile(root, repository, manifest), 'utf8')
    const read = v.safeParse(v.pipe(v.string(), v.parseJson(), manifestParts), text)
    const named = read.success
      ? [read.output.config, ...read.output.layers].flatMap(descriptor => descriptor?.digest ?? [])
      : []
    const blobs: string[] = []
    for (const digest of [...new Set(named)].slice(0, 4))
      if (await isIntact(root, repository, digest)) blobs.push(digest)
    sample.push({ repository, manifest, blobs })
  }
  return sample
}

async function isIntact(root: string, repository: string, digest: string): Promise<boolean> {
  const file = blobFile(root, repository, digest)
  const [algorithm = ''] = digest.split(':')
  try {
    if ((await stat(file)).size > maxSampleBytes) return false
    const hash = createHash(algorithm)
    await pipeline(createReadStream(file), hash)
    return `${algorithm}:${hash.digest('hex')}` === digest
  } catch {
    return false
  }
}

/** Where the store is, and what is known of it. */
export interface StoreDeps {
  /** All data folders of config.json; undefined where it cannot be read. */
  roots(): Promise<string[] | undefined>
  layout(): Promise<StoreLayout>
  known: KnownManifests
}

/** What nobody will be able to prove after a change of the engine, for whoever is about to agree to it. */
export async function unreadableFindings({ roots: rootsNow, layout, known }: StoreDeps): Promise<Finding[]> {
  const roots = await rootsNow()
  const unreadable = await findUnreadable(roots ?? [], { ...(await layout()), known }).catch(
    (error: unknown): Unreadable[] => [
      {
        kind: 'unreadable',
        root: (roots ?? []).join(', '),
        name: 'the data folder',
        reason: reasonOf(error),
      },
    ],
  )
  return unreadable.map(({ root, name, reason }) => ({
    id: 'repository-unreadable',
    severity: 'warning',
    evidence: `${root}: ${name}`,
    advice: `${name} cannot be read (${reason}): whether all of it is there afterwards is not proven.`,
  }))
}

/** Repositories behind links, which zot lists and zotbar-registry does not. One finding for each data folder. */
export async function linkFindings(
  { roots: rootsNow }: Pick<StoreDeps, 'roots'>,
  to: 'zot' | 'zotbar-registry',
): Promise<Finding[]> {
  const findings: Finding[] = []
  for (const root of (await rootsNow()) ?? []) {
    const { links } = await walkStore(root).catch(() => ({ links: [] }))
    if (links.length === 0) continue
    const rest = links.length > 3 ? ` and ${links.length - 3} more` : ''
    findings.push({
      id: 'links',
      severity: to === 'zot' ? 'info' : 'warning',
      evidence: `${root}: ${links.slice(0, 3).join(', ')}${rest}`,
      advice:
        to === 'zot'
          ? 'zot lists the repositories behind a link, too; zotbar-registry serves them by their names alone.'
          : 'zotbar-registry serves the repositories behind a link by their names alone: it neither lists nor counts them, and their tags are not compared. Put the folder itself there.',
    })
  }
  return findings
}
