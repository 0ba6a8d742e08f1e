import { statSync } from 'node:fs'
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Failure } from '../oci/error-table.ts'
import { isMissing } from './errno.ts'
import { layout } from './layout.ts'
import { errorText } from './root.ts'

/** A folder that was sound counts as sound for so long before something is begun, ms. */
const freshForMs = 1000

interface Identity {
  readonly dev: bigint
  readonly ino: bigint
}

/**
 * Whether the data folder is still the one that was opened: a volume may go while it is served from, and what
 * lies at its path then (the empty mount point, another volume) must be taken for nothing else. It goes by our
 * lock file, which stays open, so that its inode is nobody else's.
 */
export class RootGuard {
  readonly #path: string
  readonly #opened: Identity
  readonly #now: () => number
  #soundAt = Number.NEGATIVE_INFINITY

  /** `root` is locked by this process. `now`: ms, of a clock that only goes forward. Throws as stat does. */
  constructor(root: string, now: () => number = () => performance.now()) {
    this.#path = join(layout.own(root), 'lock.db')
    this.#opened = statSync(this.#path, { bigint: true })
    this.#now = now
  }

  /** What is wrong with the data folder; undefined: nothing was within the last second. */
  async recent(): Promise<Failure | undefined> {
    return this.#now() - this.#soundAt < freshForMs ? undefined : await this.look()
  }

  /** What is wrong with the data folder now; ask before something is acknowledged. */
  async look(): Promise<Failure | undefined> {
    const at = this.#now()
    const seen = await this.#find()
    this.#soundAt = seen ? Number.NEGATIVE_INFINITY : at
    return seen
  }

  async #find(): Promise<Failure | undefined> {
    try {
      const { dev, ino } = await stat(this.#path, { bigint: true })
      if (dev === this.#opened.dev && ino === this.#opened.ino) return undefined
      return notReady('another folder lies where the data folder was; is its volume mounted?')
    } catch (error) {
      if (isMissing(error)) return notReady('the data folder is no longer there; is its volume mounted?')
      return notReady(`the data folder cannot be reached: ${errorText(error)}`)
    }
  }
}

const notReady = (reason: string): Failure => ({ name: 'not-ready', detail: { reason } })
