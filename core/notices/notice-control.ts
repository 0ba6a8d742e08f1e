import type { ZotbarHandlers } from '../../contract/contract.ts'
import type { ManagedKeySummary } from '../../contract/key.ts'
import { isFull } from '../../contract/messages/storage-message.ts'
import { fail, ok } from '../../contract/result.ts'
import type { Notice, StorageState } from '../../contract/snapshot.ts'
import type { Clock } from '../../lib/clock.ts'
import { parseDuration } from '../../lib/parse-duration.ts'
import type { SetAside } from '../platform/json-file.ts'
import type { Web } from '../platform/web.ts'
import { createExpiryNotices } from './expiry-notices.ts'

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
  keys(): readonly ManagedKeySummary[]
  notify(notice: Notice): void
  report(setAside: SetAside): void
  log(message: string, data?: Record<string, unknown>): void
  onChange(): void
}

export interface NoticeControl {
  handlers: { keys: Pick<ZotbarHandlers['keys'], 'snooze'> }
  /** The managed keys may have changed. */
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
  const { clock, settings, keys, notify, onChange } = options
  let hasBegun = false
  let lastKeys = ''
  let waiting: Extract<Notice, { kind: 'webhook-waits' }> | undefined

  const notices = createExpiryNotices({
    ...options,
    keys,
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
          const keysOfUser = keys().filter(key => key.user === user)
          if (keysOfUser.length === 0)
            return fail({ code: 'key-not-managed', user, known: keys().map(key => key.user) })
          const until = clock.now() + forMs
          const snoozed = await notices.snooze(
            keysOfUser.map(key => key.uuid),
            until,
          )
          return snoozed.ok ? ok({ user, until: new Date(until).toISOString() }) : snoozed
        },
      },
    },
    onKeysChange() {
      if (!hasBegun) return
      const now = JSON.stringify(keys().map(({ uuid, expirationDate }) => [uuid, expirationDate]))
      if (now === lastKeys) return
      lastKeys = now
      check()
    },
    current(notices) {
      const uuids = new Set(keys().map(({ uuid }) => uuid))
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
