import { statSync } from 'node:fs'
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Failure, Result } from '../oci/error-table.ts'
import { isMissing } from './errno.ts'
import { layout } from './layout.ts'
import { errorText } from './root.ts'
import type { Storage } from './storage.ts'

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
    this.#path = join(layout.ownFolder(root), 'lock.db')
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
    const failure = await this.#find()
    this.#soundAt = failure ? Number.NEGATIVE_INFINITY : at
    return failure
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

/**
 * The same storage, which acknowledges nothing and says of nothing that it is unknown while the data folder is
 * gone: pushes and deletions are refused, and a failed read says why.
 */
export function guardStorage<T extends Storage>(inner: T, guard: RootGuard): T {
  const changing = async <V>(work: () => Promise<Result<V>>): Promise<Result<V>> => {
    const gone = await guard.recent()
    if (gone) return refused(gone)
    const result = await work()
    // The folder may have gone while the work was under way, and taken with it what was done.
    const goneNow = await guard.look()
    return goneNow ? refused(goneNow) : result
  }
  const reading = async <V>(work: () => Promise<Result<V>>): Promise<Result<V>> => {
    const result = await work()
    if (result.ok) return result
    const gone = await guard.recent()
    return gone ? refused(gone) : result
  }
  const { manifests, blobs, uploads } = inner
  // All of it by its type: a method that is forgotten here would be missing, as the parts are classes.
  const guarded: Omit<Storage, 'damaged'> = {
    manifests: {
      peek: (name, reference) => manifests.peek(name, reference),
      get: (...args) => reading(() => manifests.get(...args)),
      put: (...args) => changing(() => manifests.put(...args)),
      digestOf: (...args) => reading(() => manifests.digestOf(...args)),
      delete: (...args) => changing(() => manifests.delete(...args)),
      tags: name => reading(() => manifests.tags(name)),
      entries: name => reading(() => manifests.entries(name)),
      referrers: (...args) => reading(() => manifests.referrers(...args)),
    },
    blobs: {
      stat: (...args) => reading(() => blobs.stat(...args)),
      open: (...args) => reading(() => blobs.open(...args)),
      delete: (...args) => changing(() => blobs.delete(...args)),
      find: (...args) => reading(() => blobs.find(...args)),
      mount: (...args) => changing(() => blobs.mount(...args)),
    },
    uploads: {
      start: async name => {
        const gone = await guard.recent()
        return gone ? refused(gone) : await reading(() => uploads.start(name))
      },
      offset: (...args) => reading(() => uploads.offset(...args)),
      write: (...args) => reading(() => uploads.write(...args)),
      commit: (...args) => changing(() => uploads.commit(...args)),
      cancel: (...args) => reading(() => uploads.cancel(...args)),
    },
    repositories: async () => {
      const gone = await guard.recent()
      return gone ? refused(gone) : await inner.repositories()
    },
    holding: async () => {
      const gone = await guard.recent()
      return gone ? refused(gone) : await inner.holding()
    },
    reachable: async () => {
      const gone = await guard.look()
      return gone ? refused(gone) : { ok: true, value: undefined }
    },
  }
  return { ...inner, ...guarded }
}

const refused = (error: Failure): { ok: false; error: Failure } => ({ ok: false, error })
