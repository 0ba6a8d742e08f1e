import { inParallel } from '../platform/parallel.ts'
import { type KnownManifests, readRepository, type Unreadable, walkStore } from './read-store.ts'
import { sampleOf } from './sample.ts'

/** A manifest of a repository, and what it keeps in use. */
export interface ManifestEntry {
  /** What an index consists of, as far as it is in the store. */
  children: string[]
  /** What it refers to: as long as that is kept, it is kept too. */
  subject?: string
}

/** What one repository holds. */
export interface ReadRepository {
  kind: 'read'
  /** The data folder that it lies in; absent where an older Zotbar did not write it down. */
  root?: string
  name: string
  tags: Map<string, string>
  manifests: Map<string, ManifestEntry>
}
export type RepositoryInventory = ReadRepository | Unreadable

/** Some manifests and blobs whose bytes on disk are what their digest says. */
export interface Sample {
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
    const found = await walkStore(root)
    repositories.push(
      ...found.unreadable,
      ...(await inParallel(
        found.names.filter(name => serves(root, name)),
        name => readRepository({ root, name, known }, live),
      )),
    )
  }
  return { takenAt, repositories, sample: await sampleOf(repositories) }
}

/** Those that cannot be read now, and why. */
export async function findUnreadable(
  roots: readonly string[],
  options: Omit<InventoryOptions, 'now'>,
): Promise<Unreadable[]> {
  const { repositories } = await takeInventory(roots, { now: () => 0, live: true, ...options })
  return repositories.filter(one => one.kind === 'unreadable')
}

/** Tags of all repositories. */
export const tagCount = ({ repositories }: Pick<Inventory, 'repositories'>): number =>
  repositories.reduce((sum, one) => sum + (one.kind === 'read' ? one.tags.size : 0), 0)
