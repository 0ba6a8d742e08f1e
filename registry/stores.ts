import type { Config } from './config/config.ts'
import { type Maintenance, type MaintenanceOptions, openMaintenance } from './maintenance/maintenance.ts'
import { BlobIndex } from './storage/blob-index.ts'
import type { DamagedRepository } from './storage/damage.ts'
import { Dedupe } from './storage/dedupe.ts'
import { openDiskStorage } from './storage/disk-storage.ts'
import type { StoreMaintenance } from './storage/maintenance.ts'
import type { RepositoryObserver } from './storage/repository.ts'
import { checkRoot } from './storage/root.ts'
import { RootGuard } from './storage/root-guard.ts'
import { lockRoot, nestedRegistry, overlappingRoots } from './storage/root-lock.ts'
import type { Storage } from './storage/storage.ts'
import { openStoreMarker } from './storage/store-marker.ts'
import { routeBySubPath } from './storage/sub-paths.ts'

/** One data folder, locked. */
interface Store {
  readonly root: string
  readonly maintenance: StoreMaintenance
  readonly blobIndex: BlobIndex
  /** The configuration as it is for this folder. */
  view(config: Config): Config
}

export interface Stores {
  /** That of `storage.rootDirectory`. */
  readonly main: Store
  /** Those of `storage.subPaths`. */
  readonly subs: readonly Store[]
  /** All of them as one. */
  readonly storage: Storage
  /** What was found wrong while opening, and mended: for the log. */
  readonly warnings: readonly string[]
  /** Takes over `storage.dedupe`. */
  reconfigure(config: Config): void
  close(): void
}

export type OpenStores =
  | { readonly ok: true; readonly stores: Stores }
  | { readonly ok: false; readonly message: string }

/** The data folders, by first path component ("" for all others). */
export function foldersOf({ storage }: Config): { prefix: string; rootDirectory: string }[] {
  const subs = Object.entries(storage.subPaths).map(([key, { rootDirectory }]) => ({
    prefix: key.replace(/^\//, ''),
    rootDirectory,
  }))
  return [{ prefix: '', rootDirectory: storage.rootDirectory }, ...subs]
}

/** The configuration as if `prefix` were all there is. */
function viewOf(config: Config, prefix: string): Config {
  if (prefix === '') return config
  const sub = config.storage.subPaths[`/${prefix}`]
  return { ...config, storage: { ...config.storage, ...sub, subPaths: {} } }
}

export interface StoresObserver extends RepositoryObserver {
  /** Called once for each repository that cannot be served. */
  readonly onDamaged?: (damaged: DamagedRepository) => void
}

/** Opens and locks every data folder, or none. */
export async function openStores(config: Config, observer: StoresObserver = {}): Promise<OpenStores> {
  const closing: (() => void)[] = []
  const close = (): void => {
    for (const end of closing.splice(0).reverse()) end()
  }
  const warnings: string[] = []
  const roots = new Map<string, string>()
  const opened = new Map<string, Store & { storage: Storage; dedupe: Dedupe }>()
  for (const { prefix, rootDirectory } of foldersOf(config)) {
    const checked = await checkRoot(rootDirectory)
    if (!checked.ok) {
      close()
      return checked
    }
    const { root } = checked
    const key = prefix === '' ? 'storage.rootDirectory' : `storage.subPaths./${prefix}.rootDirectory`
    // Before the lock: our own would look like another registry's.
    const overlapping = await overlappingRoots(key, root, roots)
    if (overlapping !== undefined) {
      close()
      return { ok: false, message: overlapping }
    }
    roots.set(key, root)
    const locked = lockRoot(root)
    if (!locked.ok) {
      close()
      return locked
    }
    closing.push(locked.release)
    const nested = await nestedRegistry(root)
    if (nested !== undefined) {
      close()
      return { ok: false, message: nested }
    }
    const marked = await openStoreMarker(root)
    if (!marked.ok) {
      close()
      return marked
    }
    if (marked.setAside !== undefined)
      warnings.push(`_zotbar/store.json was damaged: it lies in ${marked.setAside}, and there is a new one`)
    const view = (from: Config): Config => viewOf(from, prefix)
    const blobIndex = new BlobIndex(root)
    closing.push(() => blobIndex.close())
    const dedupe = new Dedupe(root, blobIndex, view(config).storage.dedupe)
    const storage = openDiskStorage(root, { ...observer, dedupe, guard: new RootGuard(root) })
    opened.set(prefix, { root, maintenance: storage.maintenance, blobIndex, view, storage, dedupe })
  }
  const main = opened.get('')
  if (!main) throw new Error('there is always a root')
  opened.delete('')
  const subs = [...opened.values()]
  const storages = new Map([...opened].map(([prefix, { storage }]) => [prefix, storage]))
  return {
    ok: true,
    stores: {
      main,
      subs,
      storage: subs.length === 0 ? main.storage : routeBySubPath(main.storage, storages),
      warnings,
      reconfigure: next => {
        main.dedupe.enabled = next.storage.dedupe
      },
      close,
    },
  }
}

interface StoresMaintenance {
  /** What `reload` may change while serving. */
  readonly reloadables: readonly Maintenance['reloadable'][]
  /** Ends what runs at its next safe point. */
  stop(): Promise<void>
}

export type StartMaintenance =
  | { readonly ok: true; readonly maintenance: StoresMaintenance }
  | { readonly ok: false; readonly problems: readonly string[] }

/** Begins the maintenance of every data folder. What a sub path says of its own changes with a restart only. */
export async function startMaintenance(
  config: Config,
  { main, subs }: Stores,
  options: Pick<MaintenanceOptions, 'logger' | 'usage' | 'observer' | 'events'>,
): Promise<StartMaintenance> {
  const opened: { store: Store; maintenance: Maintenance }[] = []
  const stop = async (): Promise<void> => {
    await Promise.all(opened.map(({ maintenance }) => maintenance.stop()))
  }
  for (const store of [main, ...subs]) {
    const { root, maintenance, blobIndex } = store
    const deps = { ...options, root, usageRoot: main.root, maintenance, blobIndex }
    const opening = await openMaintenance({ ...deps, config: store.view(config) })
    if (!opening.ok) {
      await stop()
      return opening
    }
    opened.push({ store, maintenance: opening.maintenance })
  }
  const reloadables = opened.map(({ store, maintenance: { reloadable } }) =>
    store === main
      ? reloadable
      : {
          keys: ['extensions.scrub'],
          check: () => [],
          apply: (next: Config) => reloadable.apply(store.view({ ...next, storage: config.storage })),
        },
  )
  return { ok: true, maintenance: { reloadables, stop } }
}
