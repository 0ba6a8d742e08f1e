import { rootsOf, type SubFolders } from '../../lib/sub-folders.ts'

/**
 * When a file or folder was last changed: its ctime in ms, which every change of its content, mode or owner moves and
 * nobody can set. NaN: it may change again without moving it, so it counts as changed the next time.
 */
export type Stamp = number

/** Where the changes of one repository show. */
export interface RepositoryStamps {
  index: Stamp
  /** By folder of blobs: "sha256". */
  blobs: [algorithm: string, stamp: Stamp][]
}

/** File systems write times in steps of up to two seconds: what changed so lately may change again within its step. */
const step = 2000

/** What was last seen of the folders and repositories of a store. */
export class Stamps {
  /** The folders of each data folder, repositories among them, by name below it; "" is the data folder itself. */
  readonly #folders = new Map<string, Map<string, Stamp>>()
  readonly #repositories = new Map<string, RepositoryStamps>()

  /** Also the data folders that hold nothing yet. */
  constructor(folder: string, subs: SubFolders) {
    for (const root of rootsOf(folder, subs)) this.#folders.set(root, new Map([['', Number.NaN]]))
  }

  /** `readAt`: when the reading began that goes with these stamps, ms since the epoch. */
  putFolder(root: string, name: string, stamp: Stamp, readAt: number): void {
    this.#folders.get(root)?.set(name, settled(stamp, readAt))
  }

  putRepository(name: string, { index, blobs }: RepositoryStamps, readAt: number): void {
    this.#repositories.set(name, {
      index: settled(index, readAt),
      blobs: blobs.map(([algorithm, stamp]) => [algorithm, settled(stamp, readAt)]),
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

const settled = (stamp: Stamp, readAt: number): Stamp => (stamp > readAt - step ? Number.NaN : stamp)
