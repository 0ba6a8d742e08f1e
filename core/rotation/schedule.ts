import type { Result } from '../../contract/result.ts'
import type { Clock } from '../../lib/clock.ts'
import type { KeyClient } from './key-client.ts'
import type { KeyRecord, KeyRecords, Retiring } from './key-record.ts'

interface Options {
  clock: Clock
  client: Pick<KeyClient, 'listAll'>
  records: KeyRecords
  /** The registry as clients call it: "127.0.0.1:5050". */
  registry(): string
  serves(): boolean
  /** Whether another run is under way. */
  isBusy(): boolean
  retire(record: KeyRecord, old: Retiring): Promise<Result<unknown>>
}

const hourMs = 3_600_000
/** The first retry of a failed revocation; each later one waits twice as long, up to an hour. */
const retryMs = 60_000
/** How often it is checked whether another run has ended. */
const busyMs = 2_000

/**
 * Revokes old keys when their overlap is over: by the wall clock, also after a sleep or a late start, and only while
 * the registry serves. A key is revoked earlier where every sink holds the new one, the new one is used, and the old
 * one was not used for a quarter of the overlap (one hour at least). Only the administration socket can show that,
 * because a request with a key counts as a use of it.
 */
export function createRetirementSchedule({
  clock,
  client,
  records,
  registry,
  serves,
  isBusy,
  retire,
}: Options) {
  const tries = new Map<string, { count: number; notBefore: number }>()
  let stopTimer = (): void => {}
  let isChecking = false
  let isCheckRequested = false
  let closed = false

  async function quietSince(record: KeyRecord, old: Retiring): Promise<number | undefined> {
    if (!record.sinks.every(({ state }) => state === 'proven' || state === 'accepted')) return undefined
    const all = await client.listAll()
    if (!all?.ok) return undefined
    const find = (uuid: string) => all.value.find(key => key.uuid === uuid)
    const since = Date.parse(old.since)
    const used = (uuid: string): number => Date.parse(find(uuid)?.lastUsed ?? old.since)
    return used(record.uuid) > since ? Math.max(since, used(old.uuid)) : undefined
  }

  /** When it may be revoked, ms since the epoch, and when to check again whether it may be earlier. */
  async function dueAt(record: KeyRecord, old: Retiring): Promise<{ due: number; checkAt: number }> {
    const due = Date.parse(old.retireAt)
    const quietMs = Math.max(hourMs, (due - Date.parse(old.since)) / 4)
    if (due <= clock.now() || quietMs >= due - Date.parse(old.since) || !serves())
      return { due, checkAt: due }
    const since = await quietSince(record, old)
    const early = (since ?? clock.now()) + quietMs
    return { due: since !== undefined && early <= clock.now() ? early : due, checkAt: Math.min(due, early) }
  }

  async function note(record: KeyRecord, old: Retiring, message: string | undefined): Promise<void> {
    if (old.words === message) return
    await records.update(record, current => ({
      ...current,
      retiring: current.retiring.map(key => {
        if (key.uuid !== old.uuid) return key
        const { words: _, ...rest } = key
        return message === undefined ? rest : { ...rest, words: message }
      }),
    }))
  }

  async function checkAll(): Promise<void> {
    let next = Number.POSITIVE_INFINITY
    for (const record of records.all()) {
      if (record.registry !== registry()) continue
      for (const old of record.retiring) {
        const { due, checkAt } = await dueAt(record, old)
        const earliest = Math.max(due, tries.get(old.uuid)?.notBefore ?? 0)
        if (earliest > clock.now()) next = Math.min(next, earliest, Math.max(checkAt, clock.now() + retryMs))
        else if (isBusy()) next = Math.min(next, clock.now() + busyMs)
        else if (!serves()) {
          // Checked again as soon as it serves.
          await note(
            record,
            old,
            'Its time has come; the registry is not up, so it is tried again when it is',
          )
        } else {
          const count = tries.get(old.uuid)?.count ?? 0
          const retryAt = clock.now() + Math.min(retryMs * 2 ** count, hourMs)
          tries.set(old.uuid, { count: count + 1, notBefore: retryAt })
          await retire(record, old)
          next = Math.min(next, retryAt)
        }
      }
    }
    stopTimer()
    if (Number.isFinite(next) && !closed) stopTimer = clock.setTimer(next, check, { unref: true })
  }

  /** Checks now; calls during a check cause one more. */
  function check(): void {
    if (closed) return
    isCheckRequested = isChecking
    if (isChecking) return
    isChecking = true
    void checkAll()
      .catch(() => {})
      .finally(() => {
        isChecking = false
        if (isCheckRequested) check()
      })
  }

  return {
    check,
    close() {
      closed = true
      stopTimer()
    },
  }
}
