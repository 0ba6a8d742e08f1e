import type { Finding } from '../../contract/runbook.ts'
import { reasonOf } from '../../lib/error-code.ts'
import { findUnreadable, type StoreLayout } from './inventory.ts'
import type { KnownManifests, Unreadable } from './read-store.ts'

/** Where the store is, and what is known of it. */
export interface StoreParts {
  /** All data folders of config.json; undefined where it cannot be read. */
  roots(): Promise<string[] | undefined>
  layout(): Promise<StoreLayout>
  known: KnownManifests
}

/** What nobody will be able to prove after a change of the engine, for whoever is about to agree to it. */
export async function doubtsOf({ roots: rootsNow, layout, known }: StoreParts): Promise<Finding[]> {
  const roots = await rootsNow()
  const unreadable = await findUnreadable(roots ?? [], { ...(await layout()), known }).catch(
    (error: unknown): Unreadable[] => [
      {
        kind: 'unreadable',
        root: (roots ?? []).join(', '),
        name: 'the data folder',
        reason: reasonOf(error),
      },
    ],
  )
  return unreadable.map(({ root, name, reason }) => ({
    id: 'repository-unreadable',
    severity: 'warning',
    evidence: `${root}: ${name}`,
    advice: `${name} cannot be read (${reason}): whether all of it is there afterwards is not proven.`,
  }))
}
