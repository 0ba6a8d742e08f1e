import type { RepositorySize } from '../../contract/snapshot.ts'
import type { Files } from './file-list.ts'
import { InodeTable } from './inode-table.ts'

/** One repository as it was read from disk. */
export interface RepositoryCount {
  name: string
  /** Undefined when index.json could not be parsed, such as while an engine writes it in place. */
  tags: number | undefined
  /** Digest of one manifest that index.json names. */
  sample: string | undefined
}

interface Entry {
  bytes: number
  tags: number
  sample: string | undefined
  keys: Uint32Array<ArrayBuffer>
}

/**
 * The exact sums of a store. A repository is replaced as a whole, and the total counts each file once, so a
 * blob that was linked into a second repository after the scan adds nothing.
 */
export class Ledger {
  #entries = new Map<string, Entry>()
  #inodes = new InodeTable()
  tags = 0

  get bytes(): number {
    return this.#inodes.bytes
  }

  get repositories(): number {
    return this.#entries.size
  }

  get files(): number {
    return this.#inodes.files
  }

  has(name: string): boolean {
    return this.#entries.has(name)
  }

  /** One manifest digest for each repository that has one, as often as it is iterated. */
  samples(): Iterable<{ name: string; digest: string }> {
    const entries = this.#entries
    return {
      *[Symbol.iterator]() {
        for (const [name, { sample }] of entries) if (sample !== undefined) yield { name, digest: sample }
      },
    }
  }

  names(): IterableIterator<string> {
    return this.#entries.keys()
  }

  put(count: RepositoryCount, files: Files): void {
    const before = this.#entries.get(count.name)
    this.#forget(before)
    let bytes = 0
    for (let at = 0; at < files.sizes.length; at += 1) {
      const size = files.sizes[at] ?? 0
      bytes += size
      this.#inodes.add(files.keys[2 * at] ?? 0, files.keys[2 * at + 1] ?? 0, size)
    }
    const tags = count.tags ?? before?.tags ?? 0
    const sample = count.tags === undefined ? before?.sample : count.sample
    this.#entries.set(count.name, { bytes, tags, sample, keys: files.keys })
    this.tags += tags
  }

  drop(name: string): void {
    this.#forget(this.#entries.get(name))
    this.#entries.delete(name)
  }

  /** The `most` biggest repositories, biggest first. A file in two of them counts for both. */
  biggest(max: number): RepositorySize[] {
    const top: RepositorySize[] = []
    for (const [name, { bytes, tags }] of this.#entries) {
      const last = top.at(-1)
      if (last && top.length === max && bytes <= last.bytes) continue
      const at = top.findIndex(entry => entry.bytes < bytes)
      top.splice(at < 0 ? top.length : at, 0, { name, bytes, tags })
      if (top.length > max) top.pop()
    }
    return top
  }

  #forget(entry: Entry | undefined): void {
    if (!entry) return
    this.tags -= entry.tags
    for (let at = 0; at < entry.keys.length; at += 2)
      this.#inodes.remove(entry.keys[at] ?? 0, entry.keys[at + 1] ?? 0)
  }
}
