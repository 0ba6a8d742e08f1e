import { failure, type Result, success } from '../oci/error-table.ts'
import type { Entry } from '../oci/layout-index.ts'
import type { Link, Manifest } from '../oci/manifest.ts'
import { kindOf } from '../oci/manifest.ts'
import type { Digest } from '../oci/reference.ts'
import type { Leases } from './leases.ts'

/** How a repository is asked for what a manifest names. */
export interface ReachLookup {
  /** The manifests that index.json names; those that are known when the push begins. */
  readonly before: ReadonlyMap<string, Entry> | undefined
  /** Those that it names now. */
  named(): Promise<Result<ReadonlyMap<string, Entry>>>
  /** A manifest that index.json names, checked against its digest. */
  child(link: Link): Promise<Result<Manifest>>
  /** Whether there is such a file. */
  isThere(digest: Digest): Promise<boolean>
}

/** Files looked for at a time. */
const atOnce = 32

/**
 * Everything that a manifest reaches: config, layers, subject; the children of an index, what those reach, and
 * so on. It is pinned before anybody looks whether it is there, so that what was found stays until `release`.
 */
export class ReachableContent {
  readonly #leases: Leases
  readonly #releases: (() => void)[] = []
  readonly #manifests = new Map<string, Entry>()

  constructor(leases: Leases) {
    this.#leases = leases
  }

  /**
   * Every manifest below. The index must name each of them: one that the garbage collection took out of it when
   * the push had just begun comes back with it.
   */
  get manifests(): ReadonlyMap<string, Entry> {
    return this.#manifests
  }

  /**
   * Pins all of it, and before anything else what the manifest itself names. Fails with `manifest-incomplete` where
   * something that must be there is not.
   */
  async hold(digest: Digest, manifest: Manifest, lookup: ReachLookup): Promise<Result<void>> {
    await this.#pin([digest.text, ...namesOf(manifest)])
    const queue = [manifest]
    for (let at = queue.shift(); at !== undefined; at = queue.shift()) {
      // A child that came as a blob could not be pulled as the manifest that it is said to be.
      const children = at.kind === 'index' ? at.links.filter(link => kindOf(link.mediaType)) : []
      const named = await lookup.named()
      if (!named.ok) return named
      const entryOf = ({ digest: { text } }: Link): Entry | undefined =>
        named.value.get(text) ?? lookup.before?.get(text)
      const unnamed = children.find(child => !entryOf(child))
      const missing = unnamed?.digest ?? (await firstMissing(at.required, lookup))
      if (missing) return failure('manifest-incomplete', { digest: missing.text })
      for (const link of children) {
        const entry = entryOf(link)
        if (!entry || this.#manifests.has(link.digest.text)) continue
        this.#manifests.set(link.digest.text, entry)
        const child = await lookup.child(link)
        if (!child.ok) return child
        await this.#pin(namesOf(child.value))
        queue.push(child.value)
      }
    }
    return success(undefined)
  }

  release(): void {
    for (const release of this.#releases.splice(0)) release()
  }

  async #pin(digests: readonly string[]): Promise<void> {
    this.#releases.push(this.#leases.pin(digests))
    await this.#leases.settled(digests)
  }
}

const namesOf = ({ links, subject }: Manifest): string[] => [
  ...links.map(link => link.digest.text),
  ...(subject ? [subject.text] : []),
]

async function firstMissing(required: readonly Link[], lookup: ReachLookup): Promise<Digest | undefined> {
  for (let at = 0; at < required.length; at += atOnce) {
    const some = required.slice(at, at + atOnce)
    const found = await Promise.all(some.map(({ digest }) => lookup.isThere(digest)))
    const missing = some.find((_, index) => !found[index])
    if (missing) return missing.digest
  }
  return undefined
}
