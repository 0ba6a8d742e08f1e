import { stat } from 'node:fs/promises'
import { failure, type Result, success } from '../oci/error-table.ts'
import type { Digest } from '../oci/reference.ts'
import { BlobHolders } from './blob-holders.ts'
import { BlobStore } from './blob-store.ts'
import { Catalog } from './catalog.ts'
import { Damage, type DamagedRepository } from './damage.ts'
import type { Dedupe } from './dedupe.ts'
import { DiskMaintenance } from './disk-maintenance.ts'
import { failureOf, guarded, isMissing } from './errno.ts'
import { HeldRepositories } from './held-repositories.ts'
import { layout } from './layout.ts'
import type { StoreMaintenance } from './maintenance.ts'
import { ManifestStore } from './manifest-store.ts'
import type { RepositoryObserver } from './repository.ts'
import { RepositoryCache } from './repository-cache.ts'
import type { RootGuard } from './root-guard.ts'
import { guardStorage } from './root-guard.ts'
import type { Storage } from './storage.ts'
import { UploadStore } from './upload-store.ts'
import type { TurnLimits } from './upload-turn.ts'

/** A storage that can be kept in order. */
export interface DiskStorage extends Storage {
  readonly maintenance: StoreMaintenance
}

export interface DiskStorageOptions extends RepositoryObserver {
  /** ms since the epoch. */
  readonly now?: () => number
  readonly dedupe?: Dedupe
  /** Knows whether the folder is still the one that was opened; without it, that is taken for granted. */
  readonly guard?: RootGuard
  /** Called once for each repository that cannot be served. */
  readonly onDamaged?: ((damaged: DamagedRepository) => void) | undefined
  /** What the indexes in memory may take, estimated. */
  readonly indexLimitBytes?: number
  /** How long requests for the same upload wait for each other. */
  readonly turnLimits?: TurnLimits
}

/** The storage on a folder in zot's layout. `root` exists, is absolute and belongs to this process alone. */
export function openDiskStorage(root: string, options: DiskStorageOptions = {}): DiskStorage {
  const { now = Date.now, dedupe, guard } = options
  const damage = new Damage(options.onDamaged)
  const catalog = new Catalog(() => damage.walk(root, undefined, now), now)
  const held = new HeldRepositories()
  const observer: RepositoryObserver = {
    ...options,
    refusal: guard && (() => guard.look()),
    onCreated: name => catalog.add(name),
    onSize: (name, { snapshot }) => {
      if (snapshot) held.note(name, snapshot.index.entries.length)
    },
  }
  const repositories = new RepositoryCache(root, damage, observer, options.indexLimitBytes)
  const manifests = new ManifestStore(root, repositories, name => catalog.add(name))
  const holders = new BlobHolders(root, () => catalog.list(), dedupe?.holders)
  const noted = (name: string, digest: Digest): void => holders.note(name, digest)
  const uploads = new UploadStore(root, repositories, noted, dedupe, options.turnLimits)
  const storage: DiskStorage = {
    manifests,
    blobs: new BlobStore(root, repositories, manifests, holders),
    uploads,
    maintenance: new DiskMaintenance({
      root,
      repositories,
      damage,
      uploads,
      forget: digest => manifests.forget(digest),
      now,
      onRemoved: (name, digest) => dedupe?.drop(name, digest),
      onGone: name => {
        catalog.remove(name)
        held.forget(name)
      },
    }),
    repositories: () => guarded(async () => success(await catalog.list())),
    holding: () =>
      guarded(async () =>
        success(await held.among(await catalog.list(), name => repositories.get(name).load())),
      ),
    damaged: () => damage.list(),
    reachable: () => reachable(root),
  }
  return guard ? guardStorage(storage, guard) : storage
}

/** Our own folder is there as long as the volume is: an unmounted one leaves an empty mount point. */
async function reachable(root: string): Promise<Result<void>> {
  try {
    await stat(layout.ownFolder(root))
    return success(undefined)
  } catch (error) {
    return isMissing(error)
      ? failure('not-ready', { reason: `${root} is no longer there` })
      : failureOf(error)
  }
}
