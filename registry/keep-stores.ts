import type { Config } from './config/config.ts'
import { type Maintenance, type MaintenanceOptions, openMaintenance } from './maintenance/maintenance.ts'
import type { Store, Stores } from './stores.ts'

interface StoresUpkeep {
  /** What `reload` may change while serving. */
  readonly parts: readonly Maintenance['part'][]
  /** Ends what runs at its next safe point. */
  stop(): Promise<void>
}

export type KeepStores =
  | { readonly ok: true; readonly upkeep: StoresUpkeep }
  | { readonly ok: false; readonly problems: readonly string[] }

/** Begins the upkeep of every data folder. What a sub path says of its own changes with a restart only. */
export async function keepStores(
  config: Config,
  { main, subs }: Stores,
  options: Pick<MaintenanceOptions, 'logger' | 'usage' | 'observer' | 'events'>,
): Promise<KeepStores> {
  const opened: { store: Store; maintenance: Maintenance }[] = []
  const stop = async (): Promise<void> => {
    await Promise.all(opened.map(({ maintenance }) => maintenance.stop()))
  }
  for (const store of [main, ...subs]) {
    const { root, upkeep, blobIndex } = store
    const parts = { ...options, root, usageRoot: main.root, upkeep, blobIndex }
    const opening = await openMaintenance({ ...parts, config: store.view(config) })
    if (!opening.ok) {
      await stop()
      return opening
    }
    opened.push({ store, maintenance: opening.maintenance })
  }
  const parts = opened.map(({ store, maintenance: { part } }) =>
    store === main
      ? part
      : {
          keys: ['extensions.scrub'],
          check: () => [],
          apply: (next: Config) => part.apply(store.view({ ...next, storage: config.storage })),
        },
  )
  return { ok: true, upkeep: { parts, stop } }
}
