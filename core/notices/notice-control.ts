import type { ZotbarHandlers } from '../../contract/contract.ts'
import type { ManagedKeySummary } from '../../contract/key.ts'
import { isFull } from '../../contract/messages/storage-message.ts'
import { fail, ok } from '../../contract/result.ts'
import type { Notice, StorageState } from '../../contract/snapshot.ts'
import type { Clock } from '../../lib/clock.ts'
import { parseDuration } from '../../lib/parse-duration.ts'
import type { SetAside } from '../platform/json-file.ts'
import type { Web } from '../platform/web.ts'
import { managedNoticesUntil, noticesUntil } from './ending-keys.ts'
import { createExpiryNotices, type WatchedKey } from './expiry-notices.ts'
import type { KeyWatch } from './key-watch.ts'

/** The settings that notices follow. */
interface NoticeSettings {
  get(key: 'notices.quietHours' | 'notices.webhook'): string
  onChange(listener: (key: string) => void): () => void
}

interface Options {
  home: string
  clock: Clock
  settings: NoticeSettings
  web: Pick<Web, 'post'>
  /** The managed keys. */
  keys(): readonly ManagedKeySummary[]
  /** All others. */
  watch: Pick<KeyWatch, 'keys' | 'isComplete'>
  /** The registry as clients call it: "127.0.0.1:5050". */
  address(): string
  notify(notice: Notice): void
  report(setAside: SetAside): void
  log(message: string, data?: Record<string, unknown>): void
  onChange(): void
}

export interface NoticeControl {
  handlers: { keys: Pick<ZotbarHandlers['keys'], 'snooze'> }
  /** The keys may have changed. */
  onKeysChange(): void
  /** Those of the given notices that still apply, and why messages of the webhook wait. */
  current(notices: readonly Notice[]): Notice[]
  begin(): void
  onWake(): void
  close(): void
}

const maxSnoozeMs = 30 * 86_400_000
const snoozeForms = 'a time such as 12h, 1d or 7d, at most 30d'

/** Gives notice of keys that are about to expire, on this computer and by the webhook. */
export function createNoticeControl(options: Options): NoticeControl {
  const { clock, settings, keys, watch, address, notify, onChange } = options
  let hasBegun = false
  let lastKeys = ''
  let waiting: Extract<Notice, { kind: 'webhook-waits' }> | undefined

  function watchedKeys(): WatchedKey[] {
    const managed = keys().map(({ user, registry, uuid, expirationDate }) => ({
      user,
      registry,
      uuid,
      expirationDate,
      noticesUntil: expirationDate === null ? 0 : managedNoticesUntil(expirationDate),
    }))
    const others = watch.keys().map(({ user, label, uuid, expirationDate, lastUsed }) => ({
      user,
      registry: address(),
      uuid,
      expirationDate,
      unmanaged: { label },
      noticesUntil: noticesUntil({ expirationDate, lastUsed }) ?? 0,
    }))
    return [...managed, ...others]
  }

  const notices = createExpiryNotices({
    ...options,
    keys: () => ({ keys: watchedKeys(), isComplete: watch.isComplete() }),
    settings: () => ({
      quietHours: settings.get('notices.quietHours'),
      webhook: settings.get('notices.webhook'),
    }),
    notify,
    onTrouble(reason) {
      if (waiting?.reason === reason) return
      waiting =
        reason === undefined
          ? undefined
          : { kind: 'webhook-waits', id: 'webhook-waits', at: clock.now(), reason }
      onChange()
    },
  })
  const check = (): void => {
    if (hasBegun) void notices.check()
  }
  const stopListening = settings.onChange(key => {
    if (key.startsWith('notices.')) check()
  })

  return {
    handlers: {
      keys: {
        async snooze({ user, for: time }) {
          const forMs = parseDuration(time)
          if (forMs === undefined || forMs > maxSnoozeMs)
            return fail({ code: 'bad-input', field: 'for', wrong: time, allowed: snoozeForms })
          const all = watchedKeys()
          const keysOfUser = all.filter(key => key.user === user)
          if (keysOfUser.length === 0)
            return fail({ code: 'no-key-of-user', user, known: [...new Set(all.map(key => key.user))] })
          const until = clock.now() + forMs
          const uuids = keysOfUser.map(key => key.uuid)
          const snoozed = await notices.snooze(user, uuids, until)
          return snoozed.ok ? ok({ user, until: new Date(until).toISOString() }) : snoozed
        },
      },
    },
    onKeysChange() {
      if (!hasBegun) return
      const now = JSON.stringify(watchedKeys().map(({ uuid, noticesUntil }) => [uuid, noticesUntil]))
      if (now === lastKeys) return
      lastKeys = now
      check()
    },
    current(notices) {
      const now = clock.now()
      const uuids = new Set(
        watchedKeys().flatMap(({ uuid, unmanaged, noticesUntil }) =>
          unmanaged !== undefined && noticesUntil <= now ? [] : [uuid],
        ),
      )
      const newest = new Set<string>()
      const applying = notices.filter(notice => {
        if (notice.kind !== 'key-expiring') return true
        const replaced = newest.has(notice.uuid)
        newest.add(notice.uuid)
        return !replaced && uuids.has(notice.uuid)
      })
      return waiting ? [...applying, waiting] : applying
    },
    begin() {
      hasBegun = true
      check()
    },
    onWake: check,
    close() {
      stopListening()
      notices.close()
    },
  }
}

/**
 * Whether the disk deserves a warning: under `percent` free, full within `days` at the measured growth, or full now,
 * whatever the settings are and whenever the store was counted. `now` in ms since the epoch.
 */
export function storageNotice(
  storage: StorageState,
  percent: number,
  days: number,
  now: number,
): Notice | undefined {
  const { asOf = now, daysToFull, freeBytes, volumeBytes } = storage
  if (freeBytes === undefined || volumeBytes === undefined || volumeBytes === 0) return undefined
  const tight = (freeBytes / volumeBytes) * 100 < percent || isFull(freeBytes)
  const soon = daysToFull !== undefined && daysToFull < days
  if (!tight && !soon) return undefined
  return { id: 'storage-nearly-full', at: asOf, kind: 'storage-nearly-full', freeBytes, volumeBytes }
}
