/** Files of a store as two flat arrays: objects for 100,000 files would need tens of megabytes. */
export interface Files {
  /** Two words a file: the low and the high half of its identity, see `FileList.add`. */
  keys: Uint32Array<ArrayBuffer>
  /** Bytes of each file. */
  sizes: Float64Array<ArrayBuffer>
}

/** What stat says of one file, as far as counting needs it. */
export interface FileStat {
  dev: number
  /** A bigint where the number is beyond what a double holds (some layered file systems). */
  ino: number | bigint
  size: number
}

/** Collects files and hands them out as exact-sized arrays. */
export class FileList {
  #keys = new Uint32Array(512)
  #sizes = new Float64Array(256)
  length = 0

  add(stat: FileStat): void {
    if (this.length === this.#sizes.length) this.#grow()
    const low = typeof stat.ino === 'bigint' ? Number(stat.ino & 0xffff_ffffn) : stat.ino >>> 0
    const high = typeof stat.ino === 'bigint' ? Number(stat.ino >> 32n) : Math.floor(stat.ino / 2 ** 32)
    this.#keys[2 * this.length] = low
    // Most stores are one volume; mixing in the device keeps equal inode numbers of two volumes apart.
    this.#keys[2 * this.length + 1] = high ^ Math.imul(stat.dev, 0x9e37_79b1)
    this.#sizes[this.length] = stat.size
    this.length += 1
  }

  /** Drops the files after the first `length`. */
  truncate(length: number): void {
    this.length = length
  }

  /** Everything collected since the last call. */
  take(): Files {
    const files = { keys: this.#keys.slice(0, 2 * this.length), sizes: this.#sizes.slice(0, this.length) }
    this.length = 0
    return files
  }

  #grow(): void {
    const keys = new Uint32Array(this.#keys.length * 2)
    keys.set(this.#keys)
    this.#keys = keys
    const sizes = new Float64Array(this.#sizes.length * 2)
    sizes.set(this.#sizes)
    this.#sizes = sizes
  }
}
