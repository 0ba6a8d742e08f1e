import { opendir, readdir, rename, stat, unlink } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { isObject } from '../../lib/json.ts'
import { syncFolder } from '../../lib/sync-file.ts'
import { type Failure, failure, type Result, success } from '../oci/error-table.ts'
import { stringIn } from '../oci/json.ts'
import { type Removal, withoutEntries } from '../oci/layout-index.ts'
import { type Digest, digestOf, isDigest, parseDigest } from '../oci/reference.ts'
import type { Damage } from './damage.ts'
import { checkBlob } from './digest-file.ts'
import { makeFolderBelow } from './durable.ts'
import { guarded, isMissing } from './errno.ts'
import { layout } from './layout.ts'
import type {
  BlobHealth,
  CheckOptions,
  Collected,
  CollectOptions,
  RemovalOptions,
  RepositoryRemoval,
  StoreMaintenance,
  SurveyedManifest,
} from './maintenance.ts'
import { ManifestSurvey } from './manifest-survey.ts'
import { checkEmptiness, removeEmptyRepository } from './remove-repository.ts'
import type { Repository } from './repository.ts'
import type { RepositoryCache } from './repository-cache.ts'
import { errorText } from './root.ts'
import { removeSyncLeftovers } from './sync-leftovers.ts'
import type { UploadStore } from './upload-store.ts'

const algorithms = ['sha256', 'sha512'] as const
/** How often the decision is repeated when a request relies on what it chose. */
const attempts = 5
/** A file that no request uses may still be written to for so long, ms. */
const writeTakes = 5000
const uploadName = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

interface DiskMaintenanceDeps {
  readonly root: string
  readonly repositories: RepositoryCache
  readonly damage: Damage
  readonly uploads: UploadStore
  /** Drops a manifest from memory. */
  readonly forget: (digest: string) => void
  readonly now: () => number
  /** Called for every blob that was removed. */
  readonly onRemoved: (name: string, digest: Digest) => void
  /** Called for every repository that was removed. */
  readonly onGone: (name: string) => void
}

export class DiskMaintenance implements StoreMaintenance {
  readonly #root: string
  readonly #deps: DiskMaintenanceDeps
  /** Why empty repositories stay, as far as the log says so already. */
  readonly #keptFor = new Map<string, string>()

  constructor(deps: DiskMaintenanceDeps) {
    this.#root = deps.root
    this.#deps = deps
  }

  async *names(onUnreadable?: (name: string) => void): AsyncGenerator<string> {
    const { damage, now } = this.#deps
    for await (const { name } of damage.walk(this.#root, onUnreadable, now)) yield name
  }

  async survey(name: string, pause: () => Promise<void>): Promise<Result<readonly SurveyedManifest[]>> {
    return await guarded(async () => {
      const loaded = await this.#deps.repositories.get(name).load()
      return loaded.ok ? await new ManifestSurvey(this.#root, name, pause).manifests(loaded.value) : loaded
    })
  }

  async collect(name: string, options: CollectOptions): Promise<Result<Collected>> {
    const repository = this.#deps.repositories.get(name)
    const survey = new ManifestSurvey(this.#root, name, options.pause)
    // Keeps this object the only one for its name.
    const hold = repository.leases.watch()
    try {
      return await guarded(() => this.#collect(name, repository, survey, options))
    } finally {
      hold.end()
    }
  }

  async #collect(
    name: string,
    repository: Repository,
    survey: ManifestSurvey,
    options: CollectOptions,
  ): Promise<Result<Collected>> {
    const removed = await this.#removeEntries(repository, survey, options)
    if (!removed.ok && removed.error.name !== 'name-unknown') return removed
    // From here on every digest that a request pins is collected; storing a manifest pins what it names.
    const watch = repository.leases.watch()
    try {
      const named = await this.#named(name, repository, survey)
      const swept = named.ok
        ? await this.#sweep(name, repository, named.value, watch.pinned, options)
        : { blobs: 0, bytes: 0 }
      const keptBecause = named.ok ? undefined : reasonOf(named.error)
      return success({ removed: removed.ok ? removed.value : [], ...swept, keptBecause })
    } finally {
      watch.end()
    }
  }

  /** The index is durable without them before anything else happens: blobs go only once nothing names them. */
  async #removeEntries(
    repository: Repository,
    survey: ManifestSurvey,
    { decide, signal }: CollectOptions,
  ): Promise<Result<readonly Removal[]>> {
    for (let attempt = 0; attempt < attempts && !signal.aborted; attempt++) {
      const watch = repository.leases.watch()
      try {
        const loaded = await repository.load()
        if (!loaded.ok) return loaded
        const manifests = await survey.manifests(loaded.value)
        if (!manifests.ok) return manifests
        const removals = decide(manifests.value)
        if (removals.length === 0) return success([])
        let announced: (() => void) | undefined
        const digests = removals.map(({ digest }) => digest)
        const changed = await repository
          .change(index => {
            const reliedOn = digests.some(digest => watch.pinned.has(digest))
            // Until the new index is in place, requests that need one of them wait.
            announced = reliedOn ? undefined : repository.leases.announce(digests)
            return announced ? withoutEntries(index, removals) : index
          })
          .finally(() => announced?.())
        if (!changed.ok) return changed
        if (announced) return success(removals)
      } finally {
        watch.end()
      }
    }
    return success([])
  }

  /** Every digest that must stay, with all changes that were asked for before. Fails where that cannot be known. */
  async #named(name: string, repository: Repository, survey: ManifestSurvey): Promise<Result<Set<string>>> {
    const loaded = await repository.change(index => index)
    if (loaded.ok) return await survey.references(loaded.value)
    if (loaded.error.name !== 'name-unknown') return loaded
    // Both are written together: where only one is left, the other was lost.
    const marked = await stat(layout.marker(this.#root, name)).catch(() => undefined)
    const isLost = marked !== undefined && !(await this.blobs(name).next()).done
    return isLost ? failure('storage-failed', { reason: 'index.json is missing' }) : success(new Set())
  }

  async #sweep(
    name: string,
    repository: Repository,
    named: ReadonlySet<string>,
    pinned: ReadonlySet<string>,
    { blobsBefore, pause, signal }: CollectOptions,
  ): Promise<{ blobs: number; bytes: number }> {
    let blobs = 0
    let bytes = 0
    for await (const digest of this.blobs(name)) {
      if (signal.aborted) break
      if (named.has(digest.text) || pinned.has(digest.text)) continue
      await pause()
      const path = layout.blob(this.#root, name, digest)
      const size = await repository.leases.removing(digest.text, async () => {
        const found = await stat(path).catch(() => undefined)
        if (!found?.isFile() || found.mtimeMs >= blobsBefore) return undefined
        // Nothing runs between this check and the removal; a request that pins it now waits for the end of the removal.
        if (pinned.has(digest.text) || repository.leases.isPinned(digest.text)) return undefined
        this.#deps.forget(digest.text)
        await unlink(path)
        this.#deps.onRemoved(name, digest)
        return found.size
      })
      if (size === undefined) continue
      blobs++
      bytes += size
    }
    return { blobs, bytes }
  }

  async removeLeftovers(name: string, before: number): Promise<{ uploads: number; syncs: number }> {
    let uploads = 0
    const untouched = Math.min(before, this.#deps.now() - writeTakes)
    const folder = layout.uploads(this.#root, name)
    for (const id of await namesIn(folder)) {
      if (!uploadName.test(id)) continue
      const found = await stat(join(folder, id)).catch(() => undefined)
      if (!found?.isFile() || found.mtimeMs >= untouched) continue
      if (await this.#deps.uploads.expire(name, id, untouched)) uploads++
    }
    const syncs = await removeSyncLeftovers(this.#root, name, untouched)
    return { uploads, syncs }
  }

  async removeEmpty(name: string, { before, onRemoved }: RemovalOptions): Promise<RepositoryRemoval> {
    const { repositories, damage } = this.#deps
    const repository = repositories.get(name)
    const removal = await repository.remove(async (loaded): Promise<RepositoryRemoval> => {
      const hasContent = loaded.ok
        ? loaded.value.index.entries.length > 0
        : loaded.error.name !== 'name-unknown'
      if (hasContent) return { kind: 'in-use' }
      try {
        const checked = await checkEmptiness(this.#root, name, before)
        if (checked.kind === 'in-use') return checked
        const reason =
          checked.kind === 'kept'
            ? checked.reason
            : await removeEmptyRepository(this.#root, name, checked.found)
        if (reason !== undefined) return this.#kept(name, reason)
      } catch (error) {
        return isMissing(error) ? { kind: 'in-use' } : this.#kept(name, errorText(error))
      }
      damage.readable(name)
      this.#keptFor.delete(name)
      this.#deps.onGone(name)
      onRemoved()
      return { kind: 'removed' }
    })
    if (removal?.kind === 'removed') repositories.forget(name, repository)
    return removal ?? { kind: 'in-use' }
  }

  #kept(name: string, reason: string): RepositoryRemoval {
    const isNews = this.#keptFor.get(name) !== reason
    this.#keptFor.set(name, reason)
    return { kind: 'kept', reason, isNews }
  }

  async *blobs(name: string): AsyncGenerator<Digest> {
    for (const algorithm of algorithms) {
      try {
        for await (const entry of await opendir(layout.blobs(this.#root, name, algorithm), {
          bufferSize: 256,
        })) {
          if (entry.isFile() && isDigest(`${algorithm}:${entry.name}`)) yield digestOf(algorithm, entry.name)
        }
      } catch (error) {
        if (!isMissing(error)) throw error
      }
    }
  }

  async has(name: string, digest: string): Promise<boolean> {
    const parsed = parseDigest(digest)
    const found = parsed && (await stat(layout.blob(this.#root, name, parsed)).catch(() => undefined))
    return found?.isFile() ?? false
  }

  check(name: string, digest: Digest, options: CheckOptions): Promise<BlobHealth> {
    return checkBlob(layout.blob(this.#root, name, digest), digest, options)
  }

  async quarantine(name: string, digest: Digest, inode: string): Promise<Result<string | undefined>> {
    const { leases } = this.#deps.repositories.get(name)
    const path = layout.blob(this.#root, name, digest)
    const target = layout.quarantined(this.#root, name, digest)
    return await leases.removing(digest.text, () =>
      guarded(async () => {
        // A request that pinned it before may be replacing it; one that pins it now waits for the end of this.
        if (leases.isPinned(digest.text)) return success(undefined)
        const found = await stat(path, { bigint: true }).catch(() => undefined)
        if (found === undefined || `${found.dev}:${found.ino}` !== inode) return success(undefined)
        await makeFolderBelow(this.#root, dirname(target))
        this.#deps.forget(digest.text)
        await rename(path, target)
        this.#deps.onRemoved(name, digest)
        await syncFolder(dirname(target))
        await syncFolder(dirname(path))
        return success(target)
      }),
    )
  }
}

const reasonOf = ({ name, detail }: Failure): string => {
  const reason = isObject(detail) ? (stringIn(detail, 'reason') ?? stringIn(detail, 'errno')) : undefined
  return reason ?? name
}

const namesIn = (folder: string): Promise<string[]> => readdir(folder).catch(() => [])
