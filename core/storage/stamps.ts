import { rootsOf, type SubFolders } from '../../lib/sub-folders.ts'

/**
 * When a file or folder last changed: its ctime in ms, which every change of content, mode or owner moves and no program
 * can set. NaN when a further change might leave it the same; it then counts as changed the next time.
 */
export type Stamp = number

/** The stamps that show any change of one repository. */
export interface RepositoryStamps {
  index: Stamp
  /** By folder of blobs: "sha256". */
  blobs: [algorithm: string, stamp: Stamp][]
}

/** The coarsest resolution of file times: within it a second change leaves the time the same. */
const timestampStepMs = 2000

/** The last known stamps of the folders and repositories of a store. */
export class Stamps {
  /** The folders of each data folder, repositories among them, by name below it; "" is the data folder itself. */
  readonly #folders = new Map<string, Map<string, Stamp>>()
  readonly #repositories = new Map<string, RepositoryStamps>()

  /** Includes the data folders that do not exist yet. */
  constructor(folder: string, subFolders: SubFolders) {
    for (const root of rootsOf(folder, subFolders)) this.#folders.set(root, new Map([['', Number.NaN]]))
  }

  /** `readAt`: when the read that took these stamps began, in ms since the epoch. */
  putFolder(root: string, name: string, stamp: Stamp, readAt: number): void {
    this.#folders.get(root)?.set(name, stableStamp(stamp, readAt))
  }

  putRepository(name: string, { index, blobs }: RepositoryStamps, readAt: number): void {
    this.#repositories.set(name, {
      index: stableStamp(index, readAt),
      blobs: blobs.map(([algorithm, stamp]) => [algorithm, stableStamp(stamp, readAt)]),
    })
  }

  dropFolder(root: string, name: string): void {
    this.#folders.get(root)?.delete(name)
  }

  dropRepository(name: string): void {
    this.#repositories.delete(name)
  }

  hasFolder(root: string, name: string): boolean {
    return this.#folders.get(root)?.has(name) ?? false
  }

  roots(): string[] {
    return [...this.#folders.keys()]
  }

  folders(root: string): ReadonlyMap<string, Stamp> {
    return this.#folders.get(root) ?? new Map()
  }

  repositories(): ReadonlyMap<string, RepositoryStamps> {
    return this.#repositories
  }
}

const stableStamp = (stamp: Stamp, readAt: number): Stamp =>
  stamp > readAt - timestampStepMs ? Number.NaN : stamp
