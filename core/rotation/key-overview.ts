import type { KeyDrift, ManagedKey, ManagedKeySummary, ManagedSink } from '../../contract/key.ts'
import { failureMessage } from '../../contract/messages/failure-message.ts'
import type { RotationDeps } from './deps.ts'
import { openKeyAccess } from './key-access.ts'
import type { ListedKey } from './key-client.ts'
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
  const { clock, client, store, records, registry, serves, labelPrefix } = options

  /**
   * `quietly`: nobody asked for it. Where the registry can be asked without the key, the store stays closed then: it
   * might prompt a person who is away.
   */
  async function inspect(record: KeyRecord, quietly = false): Promise<ManagedKey> {
    const { user } = record
    const drift: KeyDrift[] = []
    let listed: ListedKey[] | undefined
    let trouble: string | undefined
    const addDrift = (id: KeyDrift['id'], words: string, repair: string, shortText?: string): void => {
      drift.push({ id, words, repair })
      trouble ??= shortText
    }

    const opened = !quietly || (await client.listAll()) === undefined
    const stored = opened ? await store.get(record, 'current') : undefined
    const secret = stored?.ok ? stored.value : undefined
    if (stored && !stored.ok)
      addDrift(
        'unseen',
        `${failureMessage(stored.error).title}.`,
        failureMessage(stored.error).steps.join(' '),
      )
    else if (stored && secret === undefined)
      addDrift(
        'secret-gone',
        'Its secret is no longer in the store.',
        `Give it again: zotbar keys manage ${user} --key-stdin, or rotate it: zotbar keys rotate ${user}`,
        'its secret is gone',
      )

    if (record.registry !== registry())
      addDrift(
        'elsewhere',
        `It is a key for ${record.registry}, and the registry here is ${registry()}.`,
        `Let Zotbar manage it here: zotbar keys manage ${user} --key-stdin`,
      )
    else if (!serves())
      addDrift('unseen', 'The registry does not serve, so it cannot be asked.', 'Start it: zotbar restart')
    else {
      const access = await openKeyAccess(client, user, [secret])
      const all = access.ok ? await access.value?.list() : access
      if (all?.ok) listed = all.value
      else if (all)
        addDrift('unseen', `${failureMessage(all.error).title}.`, 'Look at the registry: zotbar status')
      const isListed = listed?.some(({ uuid }) => uuid === record.uuid)
      const hasExpired = record.expirationDate !== null && Date.parse(record.expirationDate) <= clock.now()
      if (hasExpired)
        addDrift(
          'expired',
          `It has ended on ${(record.expirationDate ?? '').slice(0, 10)}.`,
          `Rotate it: zotbar keys rotate ${user}`,
          'it has ended',
        )
      else if (isListed === false || (all === undefined && access.ok && secret !== undefined))
        addDrift(
          'revoked-elsewhere',
          'The registry does not know it any more: it was revoked elsewhere.',
          `Rotate it: zotbar keys rotate ${user}`,
          'it was revoked elsewhere',
        )
    }

    const known = new Set([record.uuid, ...record.retiring.map(({ uuid }) => uuid)])
    const prefix = labelPrefix(user)
    for (const { uuid, label } of listed ?? [])
      if (prefix !== '' && label.startsWith(prefix) && !known.has(uuid) && label !== record.pending)
        addDrift(
          'unknown-key',
          `${label} looks like a key of ours and is not known here.`,
          `If nobody uses it: zotbar keys revoke ${uuid}`,
        )
    for (const { spec, state } of record.sinks)
      if (state === 'stale')
        addDrift('sink-stale', `${spec} holds another key.`, `Deliver it again: zotbar keys manage ${user}`)

    // Without an answer the trouble known so far stays.
    const isInspected = trouble !== undefined || (opened && listed !== undefined)
    if (isInspected && trouble !== record.trouble)
      await records.update(record, ({ trouble: _, ...one }) =>
        trouble === undefined ? one : { ...one, trouble },
      )
    return toManagedKey(record, listed, drift)
  }

  function toManagedKey(record: KeyRecord, listed: ListedKey[] | undefined, drift: KeyDrift[]): ManagedKey {
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
      sinks: record.sinks.map(one => sinkOf(one)),
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
      ...expiryState(record, clock.now()),
    }
  }

  function sinkOf({ spec, state, at, words }: KeyRecord['sinks'][number]): ManagedSink {
    const { title, place } = options.sink(spec)?.describe() ?? { title: 'Not understood', place: spec }
    return {
      spec,
      title,
      place,
      state,
      ...(at === undefined ? {} : { at }),
      ...(words === undefined ? {} : { words }),
    }
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

export type KeyOverview = ReturnType<typeof createKeyOverview>
