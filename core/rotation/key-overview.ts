import type { KeyDrift, ManagedKey, ManagedKeyGlance, ManagedSink } from '../../contract/key.ts'
import { failureMessage } from '../../contract/messages/failure-message.ts'
import type { RotationParts } from './deps.ts'
import { accessTo } from './key-access.ts'
import type { ListedKey } from './key-client.ts'
import type { KeyRecord } from './key-record.ts'
import { nearnessOf } from './policy.ts'

interface Options extends Pick<RotationParts, 'clock' | 'desk' | 'store' | 'records' | 'sink'> {
  /** The registry under care, as clients call it. */
  registry(): string
  serves(): boolean
  /** What the labels of keys that Zotbar makes for a user begin with; '' when any may. */
  labelStart(user: string): string
}

/** The keys under care, our record beside what the registry says. What differs is said with its repair. */
export function createInventory(options: Options) {
  const { clock, desk, store, records, registry, serves, labelStart } = options

  /**
   * `quietly`: nobody asked. Where the registry tells without the key, the store is not opened: it might ask somebody
   * who is not there.
   */
  async function look(record: KeyRecord, quietly = false): Promise<ManagedKey> {
    const { user } = record
    const drift: KeyDrift[] = []
    let listed: ListedKey[] | undefined
    let trouble: string | undefined
    const found = (id: KeyDrift['id'], words: string, repair: string, half?: string): void => {
      drift.push({ id, words, repair })
      trouble ??= half
    }

    const opened = !quietly || (await desk.ofEverybody()) === undefined
    const kept = opened ? await store.get(record, 'current') : undefined
    const secret = kept?.ok ? kept.value : undefined
    if (kept && !kept.ok)
      found('unseen', `${failureMessage(kept.error).title}.`, failureMessage(kept.error).steps.join(' '))
    else if (kept && secret === undefined)
      found(
        'secret-gone',
        'Its secret is no longer in the store.',
        `Give it again: zotbar keys manage ${user} --key-stdin, or rotate it: zotbar keys rotate ${user}`,
        'its secret is gone',
      )

    if (record.registry !== registry())
      found(
        'elsewhere',
        `It is a key for ${record.registry}, and the registry here is ${registry()}.`,
        `Put it under care here: zotbar keys manage ${user} --key-stdin`,
      )
    else if (!serves())
      found('unseen', 'The registry does not serve, so it cannot be asked.', 'Start it: zotbar restart')
    else {
      const access = await accessTo(desk, user, [secret])
      const all = access.ok ? await access.value?.list() : access
      if (all?.ok) listed = all.value
      else if (all)
        found('unseen', `${failureMessage(all.error).title}.`, 'Look at the registry: zotbar status')
      const isThere = listed?.some(({ uuid }) => uuid === record.uuid)
      const ended = record.expirationDate !== null && Date.parse(record.expirationDate) <= clock.now()
      if (ended)
        found(
          'expired',
          `It has ended on ${(record.expirationDate ?? '').slice(0, 10)}.`,
          `Rotate it: zotbar keys rotate ${user}`,
          'it has ended',
        )
      else if (isThere === false || (all === undefined && access.ok && secret !== undefined))
        found(
          'revoked-elsewhere',
          'The registry does not know it any more: it was revoked elsewhere.',
          `Rotate it: zotbar keys rotate ${user}`,
          'it was revoked elsewhere',
        )
    }

    const known = new Set([record.uuid, ...record.retiring.map(({ uuid }) => uuid)])
    const start = labelStart(user)
    for (const { uuid, label } of listed ?? [])
      if (start !== '' && label.startsWith(start) && !known.has(uuid) && label !== record.pending)
        found(
          'unknown-key',
          `${label} looks like a key of ours and is not known here.`,
          `If nobody uses it: zotbar keys revoke ${uuid}`,
        )
    for (const { spec, state } of record.sinks)
      if (state === 'stale')
        found('sink-stale', `${spec} holds another key.`, `Hand it over again: zotbar keys manage ${user}`)

    // What could not be looked at now is as it was.
    const seen = trouble !== undefined || (opened && listed !== undefined)
    if (seen && trouble !== record.trouble)
      await records.update(record, ({ trouble: _, ...one }) =>
        trouble === undefined ? one : { ...one, trouble },
      )
    return shown(record, listed, drift)
  }

  function shown(record: KeyRecord, listed: ListedKey[] | undefined, drift: KeyDrift[]): ManagedKey {
    const now = listed?.find(({ uuid }) => uuid === record.uuid)
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
      lastUsed: now?.lastUsed ?? null,
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
      ...nearnessOf(record, clock.now()),
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
      for (const record of records.all()) keys.push(await look(record, quietly))
      return keys
    },
    look,
    /** From the record alone, as it is asked for with every snapshot. */
    glance: (): ManagedKeyGlance[] =>
      records.all().map(record => {
        const { registry: place, user, uuid, createdAt, expirationDate, trouble } = record
        const { daysLeft, shouldRotate } = nearnessOf(record, clock.now())
        return {
          user,
          registry: place,
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

export type Inventory = ReturnType<typeof createInventory>
