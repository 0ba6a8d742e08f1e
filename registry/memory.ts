import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

let gc: ((options: object) => void) | undefined

/**
 * The young generation only: about half a millisecond. Whole: everything, and V8 hands the pages that it
 * keeps for later back to the system: about 20 ms with a small heap.
 */
function collectGarbage(generation: 'young' | 'whole'): void {
  gc ??= collector()
  const options = generation === 'young' ? { type: 'minor' } : { type: 'major', flavor: 'last-resort' }
  gc({ ...options, execution: 'sync' })
}

function collector(): (options: object) => void {
  setFlagsFromString('--expose-gc')
  const found: unknown = runInNewContext('gc')
  return typeof found === 'function' ? options => void found(options) : () => {}
}

/** So much is thrown away between two collections, bytes. */
const every = 16 * 1024 * 1024

let thrownAway = 0

/**
 * Counts a received chunk that will not be needed again. Node makes a new buffer for each, outside the
 * heap that V8 watches closely: without this, one large push leaves the process 50 MB larger for good.
 */
export function countGarbage(bytes: number): void {
  thrownAway += bytes
  if (thrownAway < every) return
  thrownAway = 0
  collectGarbage('young')
}

export interface GiveBackDeps {
  /** Resident memory of this process, bytes. */
  readonly resident: () => number
  /** Processor time that this process has taken, ms. */
  readonly busy: () => number
  /** ms. */
  readonly now: () => number
  /** Hands back what can be handed back. */
  readonly collect: () => void
}

/** From one check to the next, ms. */
const lookEveryMs = 5000
/** Growth that is worth the pause of a collection, bytes. */
const worthwhileBytes = 24 * 1024 * 1024
/** Part of one core from which on requests would notice the pause. */
const busyFrom = 0.25

/**
 * Returns memory to the system after a burst of requests. V8 keeps the pages of a heap that has shrunk
 * for good: 4,200 connections that come and go would leave the process 100 MB larger.
 */
export class MemoryReleaser {
  readonly #deps: GiveBackDeps
  /** Resident where there was nothing more to hand back, bytes. */
  #floor = Number.POSITIVE_INFINITY
  #busyBefore: number
  #lookedAt: number

  constructor(deps: GiveBackDeps) {
    this.#deps = deps
    this.#busyBefore = deps.busy()
    this.#lookedAt = deps.now()
  }

  /** Collects when memory has grown much and the processor is not busy. */
  look(): void {
    const { resident, busy, now, collect } = this.#deps
    const [taken, passed] = [busy() - this.#busyBefore, now() - this.#lookedAt]
    this.#busyBefore += taken
    this.#lookedAt += passed
    const size = resident()
    this.#floor = Math.min(this.#floor, size)
    if (size - this.#floor < worthwhileBytes || taken > passed * busyFrom) return
    collect()
    // What is left is in use: it is not collected again until as much has come on top.
    this.#floor = resident()
    this.#busyBefore = busy()
  }
}

/** Checks from time to time until the process ends. */
export function releaseMemoryFromTimeToTime(): void {
  const giveBack = new MemoryReleaser({
    resident: () => process.memoryUsage.rss(),
    busy: () => {
      const { user, system } = process.cpuUsage()
      return (user + system) / 1000
    },
    now: () => performance.now(),
    collect: () => collectGarbage('whole'),
  })
  giveBack.look()
  setInterval(() => giveBack.look(), lookEveryMs).unref()
}
