import { join } from 'node:path'
import * as v from 'valibot'
import type { ManagedKeySummary } from '../../contract/key.ts'
import { noticeMessage } from '../../contract/messages/notice-message.ts'
import { daysLeft } from '../../contract/messages/remaining-time.ts'
import { fail, ok, type Result } from '../../contract/result.ts'
import type { Notice } from '../../contract/snapshot.ts'
import type { Clock } from '../../lib/clock.ts'
import { reasonOf } from '../../lib/error-code.ts'
import { serialQueue } from '../../lib/serial-queue.ts'
import { readJsonFile, type SetAside, writeJsonFile } from '../platform/json-file.ts'
import type { Web } from '../platform/web.ts'
import { dueMilestones, nextMilestone, parseQuietHours, quietUntil } from './notice-times.ts'
import { createOutbox } from './outbox.ts'
import { parseWebhook, post } from './webhook.ts'

export type KeyExpiring = Extract<Notice, { kind: 'key-expiring' }>

/** A key whose end people get notices of. `noticesUntil`: no notice from then on, ms since the epoch. */
export interface WatchedKey extends Pick<ManagedKeySummary, 'user' | 'registry' | 'uuid' | 'expirationDate'> {
  /** Present for a key that is not managed. */
  unmanaged?: { label: string }
  noticesUntil: number
}

interface WatchedKeys {
  keys: readonly WatchedKey[]
  /** Whether these are all there are. What was told of others is remembered until then. */
  isComplete: boolean
}

interface Options {
  home: string
  clock: Clock
  /** The webhook is reached by it. */
  web: Pick<Web, 'post'>
  /** Undefined while nothing is known of them. */
  keys(): WatchedKeys | undefined
  /** The settings `notices.quietHours` and `notices.webhook`. */
  settings(): { quietHours: string; webhook: string }
  /** Shows it on this computer. */
  notify(notice: KeyExpiring): void
  /** Messages to the webhook wait, or arrive again. */
  onTrouble(reason: string | undefined): void
  report(setAside: SetAside): void
  log(message: string, data?: Record<string, unknown>): void
}

export interface ExpiryNotices {
  /** Gives the notices that are due and waits for the next. Called when keys, settings or the clock changed. */
  check(): Promise<void>
  /**
   * No notice before `until`, ms since the epoch, about these keys and about those that are not managed of `user`, also
   * ones that are created meanwhile. Errors: file-unusable.
   */
  snooze(user: string, uuids: readonly string[], until: number): Promise<Result<null>>
  close(): void
}

const state = v.object({
  /** `pending`: the notice was about to be given; after a kill it is given again rather than never. */
  told: v.record(
    v.string(),
    v.object({ level: v.number(), at: v.number(), pending: v.exactOptional(v.literal(true)) }),
  ),
  snoozed: v.record(v.string(), v.number()),
})
type State = v.InferOutput<typeof state>

/** What was told of a key is forgotten after so long where nobody shows it any more. */
const forgetMs = 60 * 86_400_000

/**
 * Gives notice before a key expires: once at each milestone, by the wall clock, whatever the computer did meanwhile.
 * The notices given so far are in `home`/notices.json.
 */
export function createExpiryNotices(options: Options): ExpiryNotices {
  const { home, clock, web, keys, settings, notify, onTrouble, report, log } = options
  const file = join(home, 'notices.json')
  let latest: State | undefined
  let stopTimer = (): void => {}
  let closed = false
  /** One check after the other: each reads and writes the whole file. */
  const queue = serialQueue()

  const outbox = createOutbox({
    file: join(home, 'outbox.json'),
    clock,
    report,
    onTrouble,
    async send(message) {
      const target = parseWebhook(settings().webhook)
      return target ? post(web, target, message) : undefined
    },
  })

  async function read(): Promise<State> {
    latest ??= (await readJsonFile(file, state, { now: clock.now, report })) ?? { told: {}, snoozed: {} }
    return latest
  }

  async function checkNow(): Promise<void> {
    const watched = keys()
    if (watched === undefined || closed) return
    const now = clock.now()
    const { told, snoozed } = await read()
    const { quietHours } = settings()
    const hours = parseQuietHours(quietHours)
    const quietEnd = hours && quietUntil(hours, now)
    const dueTimes: number[] = []
    const due: DueKey[] = []
    for (const key of watched.keys) {
      if (key.expirationDate === null || key.noticesUntil <= now) continue
      const expiresAt = Date.parse(key.expirationDate)
      const last = told[key.uuid]
      const covers = dueMilestones(expiresAt, last?.pending ? undefined : last, now)
      const ofUser = key.unmanaged ? snoozed[userMark(key.user)] : undefined
      const waitsUntil = Math.max(quietEnd ?? 0, snoozed[key.uuid] ?? 0, ofUser ?? 0)
      dueTimes.push(covers.length > 0 && waitsUntil > now ? waitsUntil : nextMilestone(expiresAt, now))
      if (covers.length > 0 && waitsUntil <= now) due.push({ key, expiresAt, level: Math.min(...covers) })
    }
    const uuids = new Set(watched.keys.map(key => key.uuid))
    const next: State = {
      told: {
        ...filtered(told, (uuid, { at }) => uuids.has(uuid) || (!watched.isComplete && now - at < forgetMs)),
        ...Object.fromEntries(
          due.map(({ key, level }) => [key.uuid, { level, at: now, pending: true as const }]),
        ),
      },
      snoozed: filtered(snoozed, (_, until) => until > now),
    }
    if (JSON.stringify(next) !== JSON.stringify(latest)) await writeJsonFile(file, next)
    latest = next
    for (const group of groupsOf(due)) {
      const notice = noticeOf(group, now)
      log('a key is about to expire', { user: notice.user, level: group.first.level, more: group.more })
      notify(notice)
      if (settings().webhook !== '') await outbox.add(messageOf(notice))
    }
    if (due.length > 0) {
      latest = { ...next, told: mapValues(next.told, ({ level, at }) => ({ level, at })) }
      await writeJsonFile(file, latest)
    }
    arm(dueTimes)
  }

  function arm(times: number[]): void {
    stopTimer()
    if (closed || times.length === 0) return
    stopTimer = clock.setTimer(Math.min(...times), () => void check(), { unref: true })
  }

  function enqueue(work: () => Promise<void>): Promise<void> {
    return queue.run(work).catch((error: unknown) => {
      log('notices could not be checked', { error: String(error) })
      // A full disk may have space in an hour; no notice was given that is not written down.
      arm([clock.now() + 3_600_000])
    })
  }

  function check(): Promise<void> {
    return enqueue(checkNow)
  }

  return {
    async check() {
      await check()
      await outbox.sendDue()
    },
    async snooze(user, uuids, until) {
      let saved: Result<null> = ok(null)
      await enqueue(async () => {
        try {
          const before = await read()
          const more = Object.fromEntries([userMark(user), ...uuids].map(name => [name, until]))
          const next = { ...before, snoozed: { ...before.snoozed, ...more } }
          await writeJsonFile(file, next)
          latest = next
        } catch (error) {
          saved = fail({ code: 'file-unusable', path: file, reason: reasonOf(error) })
          return
        }
        await checkNow()
      })
      return saved
    },
    close() {
      closed = true
      stopTimer()
      outbox.close()
    },
  }
}

/** A snooze of all keys of a user that are not managed: no uuid has a colon. */
const userMark = (user: string): string => `user:${user}`

interface DueKey {
  key: WatchedKey
  expiresAt: number
  /** The lowest milestone that has been reached. */
  level: number
}

interface DueGroup {
  first: DueKey
  more: number
}

/** One notice for each managed key, and one about all others of a user, as programs may create many. */
function groupsOf(due: readonly DueKey[]): DueGroup[] {
  const managed = due.filter(({ key }) => key.unmanaged === undefined)
  const byUser = Map.groupBy(
    due.filter(({ key }) => key.unmanaged !== undefined),
    ({ key }) => key.user,
  )
  const ofUsers = [...byUser.values()].flatMap(keys => {
    const [first, ...others] = keys.toSorted((a, b) => a.expiresAt - b.expiresAt)
    return first ? [{ first, more: others.length }] : []
  })
  return [...managed.map(first => ({ first, more: 0 })), ...ofUsers]
}

function noticeOf({ first: { key, expiresAt, level }, more }: DueGroup, now: number): KeyExpiring {
  const { user, registry, uuid, unmanaged } = key
  return {
    kind: 'key-expiring',
    id: `key-expiring:${uuid}:${level}`,
    at: now,
    user,
    registry,
    uuid,
    expiresAt,
    daysLeft: daysLeft(new Date(expiresAt).toISOString(), now) ?? 0,
    ...(unmanaged ? { unmanaged: { label: unmanaged.label, more } } : {}),
  }
}

function messageOf(notice: KeyExpiring) {
  const { title, detail } = noticeMessage(notice)
  const { user, registry, uuid, unmanaged } = notice
  const ended = notice.expiresAt <= notice.at
  return {
    id: notice.id,
    event: ended ? ('key-expired' as const) : ('key-expiring' as const),
    title,
    body: detail,
    facts: {
      user,
      registry,
      uuid,
      expirationDate: new Date(notice.expiresAt).toISOString(),
      daysLeft: notice.daysLeft,
      ...(unmanaged ? { label: unmanaged.label, more: unmanaged.more } : {}),
    },
  }
}

const mapValues = <T, U>(all: Record<string, T>, change: (value: T) => U): Record<string, U> =>
  Object.fromEntries(Object.entries(all).map(([key, value]) => [key, change(value)]))
const filtered = <T>(all: Record<string, T>, holds: (key: string, value: T) => boolean): Record<string, T> =>
  Object.fromEntries(Object.entries(all).filter(([key, value]) => holds(key, value)))
