import type { KeyDrift, ManagedKey, ManagedKeySummary, ManagedSink } from '../../contract/key.ts'
import { ok, type Result } from '../../contract/result.ts'
import type { RotationDeps } from './deps.ts'
import { openKeyAccess } from './key-access.ts'
import type { ListedKey } from './key-client.ts'
import { driftOf, type RegistryAnswer } from './key-drift.ts'
import type { KeyRecord } from './key-record.ts'
import { expiryState } from './policy.ts'

interface Options extends Pick<RotationDeps, 'clock' | 'client' | 'store' | 'records' | 'sink'> {
  /** The registry as clients call it: "127.0.0.1:5050". */
  registry(): string
  serves(): boolean
  /** How the labels of keys that Zotbar creates for a user begin; '' where that is not fixed. */
  labelPrefix(user: string): string
}

/** The managed keys: our records compared with the registry. Each difference comes with its repair. */
export function createKeyOverview(options: Options) {
  const { clock, client, store, records, sink, registry, serves, labelPrefix } = options

  async function ask(
    record: KeyRecord,
    stored: Result<string | undefined> | undefined,
  ): Promise<RegistryAnswer> {
    const name = registry()
    if (record.registry !== name) return { kind: 'elsewhere', registry: name }
    if (!serves()) return { kind: 'not-served' }
    const access = await openKeyAccess(client, record.user, [async () => stored ?? ok(undefined)])
    return { kind: 'asked', keys: access.ok ? await access.value?.list() : access }
  }

  /**
   * `quietly`: nobody asked for it. Where the registry can be asked without the key, the store stays closed then: it
   * might prompt a person who is away.
   */
  async function inspect(record: KeyRecord, quietly = false): Promise<ManagedKey> {
    const { user } = record
    const opened = !quietly || (await client.listAll()) === undefined
    const stored = opened ? await store.get(record, 'current') : undefined
    const answer = await ask(record, stored)
    const { drift, trouble } = driftOf(record, {
      stored,
      answer,
      labelPrefix: labelPrefix(user),
      now: clock.now(),
    })
    const listed = answer.kind === 'asked' && answer.keys?.ok ? answer.keys.value : undefined
    // Without an answer the trouble known so far stays.
    const isInspected = trouble !== undefined || (opened && listed !== undefined)
    if (isInspected && trouble !== record.trouble)
      await records.update(record, ({ trouble: _, ...one }) =>
        trouble === undefined ? one : { ...one, trouble },
      )
    return toManagedKey(record, listed, drift, { sink, now: clock.now() })
  }

  return {
    async list(quietly = false): Promise<ManagedKey[]> {
      const keys: ManagedKey[] = []
      for (const record of records.all()) keys.push(await inspect(record, quietly))
      return keys
    },
    inspect,
    /** From the records alone, because every snapshot asks for it. */
    summaries: (): ManagedKeySummary[] =>
      records.all().map(record => {
        const { registry: owner, user, uuid, createdAt, expirationDate, trouble } = record
        const { daysLeft, shouldRotate } = expiryState(record, clock.now())
        return {
          user,
          registry: owner,
          uuid,
          createdAt,
          expirationDate,
          daysLeft,
          shouldRotate,
          ...(trouble === undefined ? {} : { trouble }),
        }
      }),
  }
}

/** The record, with what the registry says of its keys. */
function toManagedKey(
  record: KeyRecord,
  listed: ListedKey[] | undefined,
  drift: KeyDrift[],
  { sink, now }: { sink: Options['sink']; now: number },
): ManagedKey {
  const current = listed?.find(({ uuid }) => uuid === record.uuid)
  const [older] = record.retiring
  const olderListed = listed?.find(({ uuid }) => uuid === older?.uuid)
  const olderUsed = olderListed?.lastUsed
  const next = record.pending === undefined ? undefined : listed?.find(one => one.label === record.pending)
  const { user, uuid, kept, proveRepository } = record
  return {
    registry: record.registry,
    user,
    label: record.label,
    uuid,
    createdAt: record.createdAt,
    expirationDate: record.expirationDate,
    lastUsed: current?.lastUsed ?? null,
    kept,
    sinks: record.sinks.map(one => toManagedSink(one, sink)),
    ...(proveRepository === undefined ? {} : { proveRepository }),
    ...(older === undefined
      ? {}
      : {
          retiring: {
            uuid: older.uuid,
            label: older.label,
            ...(olderListed
              ? { createdAt: olderListed.createdAt, expirationDate: olderListed.expirationDate }
              : {}),
            retireAt: older.retireAt,
            ...(olderUsed == null ? {} : { lastUsed: olderUsed }),
            ...(older.words === undefined ? {} : { words: older.words }),
          },
        }),
    ...(next
      ? { next: { label: next.label, createdAt: next.createdAt, expirationDate: next.expirationDate } }
      : {}),
    drift,
    ...expiryState(record, now),
  }
}

function toManagedSink(
  { spec, state, at, words }: KeyRecord['sinks'][number],
  sink: Options['sink'],
): ManagedSink {
  const { title, place } = sink(spec)?.describe() ?? { title: 'Not understood', place: spec }
  return {
    spec,
    title,
    place,
    state,
    ...(at === undefined ? {} : { at }),
    ...(words === undefined ? {} : { words }),
  }
}

export type KeyOverview = ReturnType<typeof createKeyOverview>
