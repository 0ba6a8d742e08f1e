const free = 0
const released = 1

/**
 * Each file once, however many repositories hold a hard link to it: a hash table with open addressing over
 * typed arrays, 20 bytes a slot (a Map of objects needs ten times that).
 */
export class InodeTable {
  #mask = 1023
  #low = new Uint32Array(1024)
  #high = new Uint32Array(1024)
  #size = new Float64Array(1024)
  /** 0 never used, 1 no longer referred to, otherwise references + 1. */
  #uses = new Uint32Array(1024)
  #taken = 0
  #live = 0
  /** Bytes of all files that are referred to. */
  bytes = 0

  get files(): number {
    return this.#live
  }

  /** One more repository holds this file. A size that changed (an inode used again) replaces the old one. */
  add(low: number, high: number, size: number): void {
    const slot = this.#find(low, high)
    const uses = this.#uses[slot] ?? free
    if (uses > released) {
      this.bytes += size - (this.#size[slot] ?? 0)
      this.#size[slot] = size
      this.#uses[slot] = uses + 1
      return
    }
    if (uses === free) this.#taken += 1
    this.#low[slot] = low
    this.#high[slot] = high
    this.#size[slot] = size
    this.#uses[slot] = released + 1
    this.#live += 1
    this.bytes += size
    if (this.#taken * 3 > (this.#mask + 1) * 2) this.#rebuild()
  }

  /** One repository fewer holds it. A file that was never added is a bug of the caller. */
  remove(low: number, high: number): void {
    const slot = this.#find(low, high)
    const uses = this.#uses[slot] ?? free
    if (uses <= released) throw new Error('a file was removed that was not counted')
    this.#uses[slot] = uses - 1
    if (uses - 1 > released) return
    this.#live -= 1
    this.bytes -= this.#size[slot] ?? 0
  }

  /** The slot of this file, or the first free one where it belongs. Released slots keep their key. */
  #find(low: number, high: number): number {
    let slot = (Math.imul(low ^ Math.imul(high, 0x85eb_ca6b), 0x9e37_79b1) >>> 7) & this.#mask
    while (this.#uses[slot] !== free && (this.#low[slot] !== low >>> 0 || this.#high[slot] !== high >>> 0))
      slot = (slot + 1) & this.#mask
    return slot
  }

  #rebuild(): void {
    const length = this.#low.length
    const [low, high, size, uses] = [this.#low, this.#high, this.#size, this.#uses]
    let slots = 1024
    while (this.#live * 2 > slots) slots *= 2
    this.#mask = slots - 1
    this.#low = new Uint32Array(slots)
    this.#high = new Uint32Array(slots)
    this.#size = new Float64Array(slots)
    this.#uses = new Uint32Array(slots)
    this.#taken = this.#live
    for (let old = 0; old < length; old += 1) {
      const count = uses[old] ?? free
      if (count <= released) continue
      const slot = this.#find(low[old] ?? 0, high[old] ?? 0)
      this.#low[slot] = low[old] ?? 0
      this.#high[slot] = high[old] ?? 0
      this.#size[slot] = size[old] ?? 0
      this.#uses[slot] = count
    }
  }
}
