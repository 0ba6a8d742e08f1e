import { stat } from 'node:fs/promises'
import { LRUCache } from 'lru-cache'
import type { Digest } from '../oci/reference.ts'
import { layout } from './layout.ts'

/** Blobs whose last known holder is remembered. */
const maxRemembered = 20_000
/** Repositories looked into at a time. */
const atOnce = 64
/** Searches that may wait. Beyond that a search answers that no repository holds the blob, and the client uploads it. */
const maxWaiting = 16

/** No repository has this name. */
const nowhere = ''

/** Knows holders without reading the disk; only a hint. */
export interface HolderIndex {
  /** Some of the repositories that may hold it, among those that `accepts`. */
  holders(digest: string, accepts: (name: string) => boolean): readonly string[]
  /** Whether it has heard of every blob. */
  readonly isComplete: boolean
}

/** Which repository holds a blob, for a client that does not know. */
export class BlobHolders {
  readonly #root: string
  readonly #names: () => Promise<readonly string[]>
  readonly #index: HolderIndex | undefined
  readonly #recent = new LRUCache<string, string>({ max: maxRemembered })
  #turn: Promise<unknown> = Promise.resolve()
  #waiting = 0

  /** `names`: the repositories to search where no index knows. */
  constructor(root: string, names: () => Promise<readonly string[]>, index?: HolderIndex) {
    this.#root = root
    this.#names = names
    this.#index = index
  }

  note(name: string, digest: Digest): void {
    this.#recent.set(digest.text, name)
  }

  /** A repository among those that `accepts` which holds the blob now, or undefined. Never two searches at once. */
  async find(
    digest: Digest,
    accepts: (name: string) => boolean,
    effort: 'search' | 'known',
  ): Promise<string | undefined> {
    // What is not accepted must not count in any way: the time an answer takes would tell that it holds the blob. So
    // somebody is always asked about.
    const recent = this.#recent.get(digest.text) ?? nowhere
    if (accepts(recent) && recent !== nowhere && (await this.#holds(recent, digest))) return recent
    const holders = this.#index?.holders(digest.text, accepts) ?? []
    for (const holder of holders) if (await this.#holds(holder, digest)) return holder
    if (effort === 'known') return undefined
    // A complete index that knows no holder is believed: if it is wrong, the client uploads the blob once more.
    if (holders.length === 0 && this.#index?.isComplete) return undefined
    if (this.#waiting >= maxWaiting) return undefined
    this.#waiting++
    const search = this.#turn.then(() => this.#search(digest, accepts))
    this.#turn = search.catch(() => {})
    try {
      return await search
    } finally {
      this.#waiting--
    }
  }

  async #search(digest: Digest, accepts: (name: string) => boolean): Promise<string | undefined> {
    const names = await this.#names()
    for (let at = 0; at < names.length; at += atOnce) {
      const some = names.slice(at, at + atOnce).filter(accepts)
      const found = await Promise.all(some.map(name => this.#holds(name, digest)))
      const name = some[found.indexOf(true)]
      if (name === undefined) continue
      this.note(name, digest)
      return name
    }
    return undefined
  }

  async #holds(name: string, digest: Digest): Promise<boolean> {
    const found = await stat(layout.blob(this.#root, name, digest)).catch(() => undefined)
    return found?.isFile() === true
  }
}
