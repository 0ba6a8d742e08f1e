import { join } from 'node:path'
import * as v from 'valibot'
import type { ManagedKeySummary } from '../../contract/key.ts'
import { noticeMessage } from '../../contract/messages/notice-message.ts'
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

interface Options {
  home: string
  clock: Clock
  /** The webhook is reached by it. */
  web: Pick<Web, 'post'>
  /** The managed keys; undefined while they are not known. */
  keys(): readonly ManagedKeySummary[] | undefined
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
  /** No notice about these keys before `until`, ms since the epoch. Errors: file-unusable. */
  snooze(uuids: readonly string[], until: number): Promise<Result<null>>
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

const day = 86_400_000

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
    const managed = keys()
    if (managed === undefined || closed) return
    const now = clock.now()
    const { told, snoozed } = await read()
    const { quietHours } = settings()
    const hours = parseQuietHours(quietHours)
    const quietEnd = hours && quietUntil(hours, now)
    const dueTimes: number[] = []
    const due: { key: ManagedKeySummary; expiresAt: number; covers: number[] }[] = []
    for (const key of managed) {
      if (key.expirationDate === null) continue
      const expiresAt = Date.parse(key.expirationDate)
      const last = told[key.uuid]
      const covers = dueMilestones(expiresAt, last?.pending ? undefined : last, now)
      const waitsUntil = Math.max(quietEnd ?? 0, snoozed[key.uuid] ?? 0)
      dueTimes.push(covers.length > 0 && waitsUntil > now ? waitsUntil : nextMilestone(expiresAt, now))
      if (covers.length > 0 && waitsUntil <= now) due.push({ key, expiresAt, covers })
    }
    const uuids = new Set(managed.map(key => key.uuid))
    const next: State = {
      told: {
        ...pick(told, uuids),
        ...Object.fromEntries(
          due.map(({ key, covers }) => [
            key.uuid,
            { level: Math.min(...covers), at: now, pending: true as const },
          ]),
        ),
      },
      snoozed: pick(snoozed, uuids),
    }
    if (JSON.stringify(next) !== JSON.stringify(latest)) await writeJsonFile(file, next)
    latest = next
    for (const { key, expiresAt, covers } of due) {
      const notice = noticeOf(key, expiresAt, Math.min(...covers), now)
      log('a key is about to expire', { user: key.user, covers })
      notify(notice)
      if (settings().webhook !== '') await outbox.add(messageOf(notice, key))
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
    async snooze(uuids, until) {
      let saved: Result<null> = ok(null)
      await enqueue(async () => {
        try {
          const before = await read()
          const more = Object.fromEntries(uuids.map(uuid => [uuid, until]))
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

function noticeOf(key: ManagedKeySummary, expiresAt: number, level: number, now: number): KeyExpiring {
  return {
    kind: 'key-expiring',
    id: `key-expiring:${key.uuid}:${level}`,
    at: now,
    user: key.user,
    registry: key.registry,
    uuid: key.uuid,
    expiresAt,
    daysLeft: expiresAt > now ? Math.ceil((expiresAt - now) / day) : Math.floor((expiresAt - now) / day),
  }
}

function messageOf(notice: KeyExpiring, key: ManagedKeySummary) {
  const { title, detail } = noticeMessage(notice)
  const { user, registry, uuid } = key
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
    },
  }
}

const mapValues = <T, U>(all: Record<string, T>, change: (value: T) => U): Record<string, U> =>
  Object.fromEntries(Object.entries(all).map(([key, value]) => [key, change(value)]))
const pick = <T>(all: Record<string, T>, retained: ReadonlySet<string>): Record<string, T> =>
  Object.fromEntries(Object.entries(all).filter(([uuid]) => retained.has(uuid)))
