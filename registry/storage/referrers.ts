import { type Result, success } from '../oci/error-table.ts'
import type { Entry, Snapshot } from '../oci/layout-index.ts'
import { parseManifest } from '../oci/manifest.ts'
import type { ReferrerDescriptor, StoredManifest } from './storage.ts'

type ReadManifest = (entry: Entry) => Promise<Result<StoredManifest>>

interface Referrer {
  readonly subject: string
  readonly descriptor: ReferrerDescriptor
}

/** Of one snapshot. Never changes; the next snapshot gets a table of its own, made from this one. */
interface Table {
  readonly snapshot: Snapshot
  readonly bySubject: ReadonlyMap<string, readonly ReferrerDescriptor[]>
  readonly byDigest: ReadonlyMap<string, Referrer>
  /** Named by the index, and missing when they were read. */
  readonly absent: ReadonlySet<string>
  readonly bytes: number
}

/**
 * The manifests of one repository by what they refer to. The first question reads every manifest; after a change
 * of the index the next one reads only what came.
 * https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#listing-referrers
 */
export class Referrers {
  #table: Table | undefined
  #making: { readonly of: Snapshot; readonly table: Promise<Result<Table>> } | undefined

  /** What it takes in memory, estimated, bytes. */
  get bytes(): number {
    return this.#table?.bytes ?? 0
  }

  /** Those of `digest`, sorted by digest. */
  async find(
    snapshot: Snapshot,
    digest: string,
    read: ReadManifest,
  ): Promise<Result<readonly ReferrerDescriptor[]>> {
    const table = await this.#tableOf(snapshot, read)
    return table.ok ? success(table.value.bySubject.get(digest) ?? []) : table
  }

  async #tableOf(snapshot: Snapshot, read: ReadManifest): Promise<Result<Table>> {
    if (this.#table?.snapshot === snapshot) return success(this.#table)
    if (this.#making?.of !== snapshot) this.#making = { of: snapshot, table: this.#make(snapshot, read) }
    const making = this.#making
    const made = await making.table
    if (made.ok) this.#table = made.value
    if (this.#making === making) this.#making = undefined
    return made
  }

  async #make(snapshot: Snapshot, read: ReadManifest): Promise<Result<Table>> {
    const before = this.#table
    const byDigest = new Map(before?.byDigest)
    const absent = new Set<string>()
    /** Whose lists are to be made anew. */
    const touched = new Set<string>()
    for (const [digest, { subject }] of before?.byDigest ?? []) {
      if (isSame(before?.snapshot, snapshot, digest)) continue
      byDigest.delete(digest)
      touched.add(subject)
    }
    for (const entry of snapshot.digests.values()) {
      if (isSame(before?.snapshot, snapshot, entry.digest) && !before?.absent.has(entry.digest)) continue
      const stored = await read(entry)
      if (!stored.ok) {
        if (stored.error.name !== 'manifest-unknown') return stored
        absent.add(entry.digest)
        continue
      }
      const referrer = referrerOf(entry, stored.value.body)
      if (!referrer) continue
      byDigest.set(entry.digest, referrer)
      touched.add(referrer.subject)
    }
    const bySubject = new Map(before?.bySubject)
    if (touched.size > 0) regroup(bySubject, byDigest, touched)
    return success({ snapshot, bySubject, byDigest, absent, bytes: sizeOf(byDigest) })
  }
}

/** Whether an entry says the same in both; what it names never changes. */
function isSame(before: Snapshot | undefined, after: Snapshot, digest: string): boolean {
  const [old, now] = [before?.digests.get(digest), after.digests.get(digest)]
  return old !== undefined && old.mediaType === now?.mediaType && old.size === now.size
}

function referrerOf(entry: Entry, body: Buffer): Referrer | undefined {
  const parsed = parseManifest(body, entry.mediaType)
  if (!parsed.ok || !parsed.manifest.subject) return undefined
  const { mediaType, subject, artifactType, annotations } = parsed.manifest
  return {
    subject: subject.text,
    descriptor: {
      mediaType,
      digest: entry.digest,
      size: entry.size,
      ...(artifactType === undefined ? {} : { artifactType }),
      ...(annotations === undefined ? {} : { annotations }),
    },
  }
}

function regroup(
  bySubject: Map<string, readonly ReferrerDescriptor[]>,
  byDigest: ReadonlyMap<string, Referrer>,
  touched: ReadonlySet<string>,
): void {
  const lists = new Map([...touched].map(subject => [subject, [] as ReferrerDescriptor[]]))
  for (const { subject, descriptor } of byDigest.values()) lists.get(subject)?.push(descriptor)
  for (const [subject, list] of lists) {
    if (list.length === 0) bySubject.delete(subject)
    else
      bySubject.set(
        subject,
        list.sort((a, b) => (a.digest < b.digest ? -1 : 1)),
      )
  }
}

function sizeOf(byDigest: ReadonlyMap<string, Referrer>): number {
  let bytes = 0
  for (const { descriptor } of byDigest.values()) {
    bytes += 500
    for (const [key, value] of Object.entries(descriptor.annotations ?? {}))
      bytes += 2 * (key.length + value.length) + 50
  }
  return bytes
}
