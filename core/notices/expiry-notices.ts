import { join } from 'node:path'
import * as v from 'valibot'
import type { ManagedKeySummary } from '../../contract/key.ts'
import { noticeMessage } from '../../contract/messages/notice-message.ts'
import { fail, ok, type Result } from '../../contract/result.ts'
import type { Notice } from '../../contract/snapshot.ts'
import type { Clock } from '../../lib/clock.ts'
import { reasonOf } from '../../lib/error-code.ts'
import { readJsonFile, type SetAside, writeJsonFile } from '../platform/json-file.ts'
import { serialQueue } from '../platform/serial-queue.ts'
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
  /** On this computer. */
  tell(notice: KeyExpiring): void
  /** Messages to the webhook wait, or arrive again. */
  onTrouble(reason: string | undefined): void
  report(what: SetAside): void
  log(message: string, data?: Record<string, unknown>): void
}

export interface ExpiryNotices {
  /** The keys, a setting or the clock changed: gives what is due, and waits for what comes next. */
  look(): Promise<void>
  /** No notice about these keys before `until`, ms since the epoch. Errors: file-unusable. */
  snooze(uuids: readonly string[], until: number): Promise<Result<null>>
  close(): void
}

const state = v.object({
  /** `pending`: it was about to be told; a kill in between lets it be told again rather than never. */
  told: v.record(
    v.string(),
    v.object({ level: v.number(), at: v.number(), pending: v.exactOptional(v.literal(true)) }),
  ),
  snoozed: v.record(v.string(), v.number()),
})
type State = v.InferOutput<typeof state>

const day = 86_400_000

/**
 * Tells before a key ends: at each milestone once, by the wall clock, whatever the computer did meanwhile. What was
 * told is kept in `home`/notices.json.
 */
export function createExpiryNotices(options: Options): ExpiryNotices {
  const { home, clock, web, keys, settings, tell, onTrouble, report, log } = options
  const file = join(home, 'notices.json')
  let known: State | undefined
  let stopTimer = (): void => {}
  let closed = false
  /** One look after the other: each reads and writes the whole file. */
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
    known ??= (await readJsonFile(file, state, { now: clock.now, report })) ?? { told: {}, snoozed: {} }
    return known
  }

  async function lookNow(): Promise<void> {
    const managed = keys()
    if (managed === undefined || closed) return
    const now = clock.now()
    const { told, snoozed } = await read()
    const { quietHours } = settings()
    const hours = parseQuietHours(quietHours)
    const quiet = hours && quietUntil(hours, now)
    const wakes: number[] = []
    const due: { key: ManagedKeySummary; expiresAt: number; covers: number[] }[] = []
    for (const key of managed) {
      if (key.expirationDate === null) continue
      const expiresAt = Date.parse(key.expirationDate)
      const before = told[key.uuid]
      const covers = dueMilestones(expiresAt, before?.pending ? undefined : before, now)
      const waitsUntil = Math.max(quiet ?? 0, snoozed[key.uuid] ?? 0)
      wakes.push(covers.length > 0 && waitsUntil > now ? waitsUntil : nextMilestone(expiresAt, now))
      if (covers.length > 0 && waitsUntil <= now) due.push({ key, expiresAt, covers })
    }
    const living = new Set(managed.map(key => key.uuid))
    const next: State = {
      told: {
        ...pick(told, living),
        ...Object.fromEntries(
          due.map(({ key, covers }) => [
            key.uuid,
            { level: Math.min(...covers), at: now, pending: true as const },
          ]),
        ),
      },
      snoozed: pick(snoozed, living),
    }
    if (JSON.stringify(next) !== JSON.stringify(known)) await writeJsonFile(file, next)
    known = next
    for (const { key, expiresAt, covers } of due) {
      const notice = noticeOf(key, expiresAt, Math.min(...covers), now)
      log('a key is near its end', { user: key.user, covers })
      tell(notice)
      if (settings().webhook !== '') await outbox.add(messageOf(notice, key))
    }
    if (due.length > 0) {
      known = { ...next, told: mapValues(next.told, ({ level, at }) => ({ level, at })) }
      await writeJsonFile(file, known)
    }
    arm(wakes)
  }

  function arm(wakes: number[]): void {
    stopTimer()
    if (closed || wakes.length === 0) return
    stopTimer = clock.setTimer(Math.min(...wakes), () => void look(), { unref: true })
  }

  function inTurn(work: () => Promise<void>): Promise<void> {
    return queue.run(work).catch((error: unknown) => {
      log('notices could not be looked at', { error: String(error) })
      // A disk that is full now may have space in an hour; nothing was told that is not written down.
      arm([clock.now() + 3_600_000])
    })
  }

  const look = (): Promise<void> => inTurn(lookNow)

  return {
    async look() {
      await look()
      await outbox.look()
    },
    async snooze(uuids, until) {
      let kept: Result<null> = ok(null)
      await inTurn(async () => {
        try {
          const before = await read()
          const more = Object.fromEntries(uuids.map(uuid => [uuid, until]))
          const next = { ...before, snoozed: { ...before.snoozed, ...more } }
          await writeJsonFile(file, next)
          known = next
        } catch (error) {
          kept = fail({ code: 'file-unusable', path: file, reason: reasonOf(error) })
          return
        }
        await lookNow()
      })
      return kept
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
const pick = <T>(all: Record<string, T>, keep: ReadonlySet<string>): Record<string, T> =>
  Object.fromEntries(Object.entries(all).filter(([uuid]) => keep.has(uuid)))
