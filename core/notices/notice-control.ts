import type { ZotbarHandlers } from '../../contract/contract.ts'
import type { ManagedKeySummary } from '../../contract/key.ts'
import { fail, ok } from '../../contract/result.ts'
import type { Notice } from '../../contract/snapshot.ts'
import type { Clock } from '../../lib/clock.ts'
import { readSpan } from '../../lib/span.ts'
import type { SetAside } from '../platform/json-file.ts'
import type { Web } from '../platform/web.ts'
import type { Settings } from '../settings/settings.ts'
import { createExpiryNotices } from './expiry-notices.ts'

interface Options {
  home: string
  clock: Clock
  settings: Settings
  web: Pick<Web, 'post'>
  keys(): readonly ManagedKeySummary[]
  tell(notice: Notice): void
  report(what: SetAside): void
  log(message: string, data?: Record<string, unknown>): void
  onChange(): void
}

export interface NoticeControl {
  handlers: { keys: Pick<ZotbarHandlers['keys'], 'snooze'> }
  /** The managed keys may have changed. */
  keysChanged(): void
  /** Of those that were told, the ones that are still about something; and why messages wait. */
  standing(notices: readonly Notice[]): Notice[]
  begin(): void
  woke(): void
  close(): void
}

const longestSnooze = 30 * 86_400_000
const snoozeForms = 'a time such as 12h, 1d or 7d, at most 30d'

/** Tells of keys that near their end, on this computer and by the webhook. */
export function createNoticeControl(options: Options): NoticeControl {
  const { clock, settings, keys, tell, onChange } = options
  let begun = false
  let seen = ''
  let waits: Extract<Notice, { kind: 'webhook-waits' }> | undefined

  const notices = createExpiryNotices({
    ...options,
    keys,
    settings: () => ({
      quietHours: settings.get('notices.quietHours'),
      webhook: settings.get('notices.webhook'),
    }),
    tell,
    onTrouble(reason) {
      if (waits?.reason === reason) return
      waits =
        reason === undefined
          ? undefined
          : { kind: 'webhook-waits', id: 'webhook-waits', at: clock.now(), reason }
      onChange()
    },
  })
  const look = (): void => {
    if (begun) void notices.look()
  }
  const stopListening = settings.onChange(key => {
    if (key.startsWith('notices.')) look()
  })

  return {
    handlers: {
      keys: {
        async snooze({ user, for: span }) {
          const forMs = readSpan(span)
          if (forMs === undefined || forMs > longestSnooze)
            return fail({ code: 'bad-input', field: 'for', wrong: span, allowed: snoozeForms })
          const mine = keys().filter(key => key.user === user)
          if (mine.length === 0)
            return fail({ code: 'key-not-managed', user, known: keys().map(key => key.user) })
          const until = clock.now() + forMs
          const kept = await notices.snooze(
            mine.map(key => key.uuid),
            until,
          )
          return kept.ok ? ok({ user, until: new Date(until).toISOString() }) : kept
        },
      },
    },
    keysChanged() {
      if (!begun) return
      const now = JSON.stringify(keys().map(({ uuid, expirationDate }) => [uuid, expirationDate]))
      if (now === seen) return
      seen = now
      look()
    },
    standing(told) {
      const living = new Set(keys().map(({ uuid }) => uuid))
      const newest = new Set<string>()
      const stand = told.filter(notice => {
        if (notice.kind !== 'key-expiring') return true
        const replaced = newest.has(notice.uuid)
        newest.add(notice.uuid)
        return !replaced && living.has(notice.uuid)
      })
      return waits ? [...stand, waits] : stand
    },
    begin() {
      begun = true
      look()
    },
    woke: look,
    close() {
      stopListening()
      notices.close()
    },
  }
}
