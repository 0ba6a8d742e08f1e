import { type Result, success } from '../oci/error-table.ts'
import type { Entry } from '../oci/layout-index.ts'
import { parseManifest } from '../oci/manifest.ts'
import type { Snapshot } from './repository.ts'
import type { ReferrerDescriptor, StoredManifest } from './storage.ts'

type BySubject = ReadonlyMap<string, readonly ReferrerDescriptor[]>
const tables = new WeakMap<Snapshot, Promise<Result<BySubject>>>()

/**
 * The manifests of a repository that name `digest` as their subject. The first question after a change
 * reads every manifest of the repository; the answer is kept as long as the index stays the same.
 * https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#listing-referrers
 */
export async function findReferrers(
  snapshot: Snapshot,
  digest: string,
  read: (entry: Entry) => Promise<Result<StoredManifest>>,
): Promise<Result<readonly ReferrerDescriptor[]>> {
  let table = tables.get(snapshot)
  if (!table) {
    table = tabulate(snapshot, read)
    tables.set(snapshot, table)
  }
  const done = await table
  if (!done.ok) tables.delete(snapshot)
  return done.ok ? success(done.value.get(digest) ?? []) : done
}

async function tabulate(
  snapshot: Snapshot,
  read: (entry: Entry) => Promise<Result<StoredManifest>>,
): Promise<Result<BySubject>> {
  const table = new Map<string, ReferrerDescriptor[]>()
  for (const entry of snapshot.digests.values()) {
    const stored = await read(entry)
    if (!stored.ok) {
      if (stored.error.name === 'manifest-unknown') continue
      return stored
    }
    const parsed = parseManifest(stored.value.body, entry.mediaType)
    if (!parsed.ok || !parsed.manifest.subject) continue
    const { mediaType, subject, artifactType, annotations } = parsed.manifest
    const found = table.get(subject.text) ?? []
    found.push({
      mediaType,
      digest: entry.digest,
      size: entry.size,
      ...(artifactType === undefined ? {} : { artifactType }),
      ...(annotations === undefined ? {} : { annotations }),
    })
    table.set(subject.text, found)
  }
  for (const found of table.values()) found.sort((a, b) => (a.digest < b.digest ? -1 : 1))
  return success(table)
}
