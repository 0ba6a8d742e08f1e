import type { Result } from '../../contract/result.ts'
import type { Clock } from '../../lib/clock.ts'
import type { KeyDesk } from './key-client.ts'
import type { KeyRecord, KeyRecords, Retiring } from './key-record.ts'

interface Options {
  clock: Clock
  desk: Pick<KeyDesk, 'ofEverybody'>
  records: KeyRecords
  /** The registry under care, as clients call it. */
  registry(): string
  serves(): boolean
  /** Another run is under way. */
  busy(): boolean
  retire(record: KeyRecord, old: Retiring): Promise<Result<unknown>>
}

const hourMs = 3_600_000
/** A revocation that did not work out is tried again after this, then after twice as long, up to an hour; ms. */
const againMs = 60_000
/** A run under way is waited for in steps of this, ms. */
const busyMs = 2_000

/**
 * Ends old keys when their time has come: at their wall-clock time, soon after a sleep or a start that came later, and
 * once the registry is up. Earlier where every place holds the new key, the new one is used, and the old one was not
 * for a quarter of the overlap (an hour at least); that is seen over the administration socket alone, as asking with a
 * key would be a use of it.
 */
export function scheduleRetirements({ clock, desk, records, registry, serves, busy, retire }: Options) {
  const tries = new Map<string, { count: number; notBefore: number }>()
  let stopTimer = (): void => {}
  let looking = false
  let again = false
  let closed = false

  async function quietSince(record: KeyRecord, old: Retiring): Promise<number | undefined> {
    if (!record.sinks.every(({ state }) => state === 'proven' || state === 'accepted')) return undefined
    const all = await desk.ofEverybody()
    if (!all?.ok) return undefined
    const find = (uuid: string) => all.value.find(key => key.uuid === uuid)
    const since = Date.parse(old.since)
    const used = (uuid: string): number => Date.parse(find(uuid)?.lastUsed ?? old.since)
    return used(record.uuid) > since ? Math.max(since, used(old.uuid)) : undefined
  }

  /** When it may be ended, ms since the epoch; and when to look again whether it may be earlier. */
  async function dueAt(record: KeyRecord, old: Retiring): Promise<{ due: number; look: number }> {
    const due = Date.parse(old.retireAt)
    const quiet = Math.max(hourMs, (due - Date.parse(old.since)) / 4)
    if (due <= clock.now() || quiet >= due - Date.parse(old.since) || !serves()) return { due, look: due }
    const since = await quietSince(record, old)
    const early = (since ?? clock.now()) + quiet
    return { due: since !== undefined && early <= clock.now() ? early : due, look: Math.min(due, early) }
  }

  async function note(record: KeyRecord, old: Retiring, words: string | undefined): Promise<void> {
    if (old.words === words) return
    await records.update(record, one => ({
      ...one,
      retiring: one.retiring.map(each => {
        if (each.uuid !== old.uuid) return each
        const { words: _, ...rest } = each
        return words === undefined ? rest : { ...rest, words }
      }),
    }))
  }

  async function look(): Promise<void> {
    let next = Number.POSITIVE_INFINITY
    for (const record of records.all()) {
      if (record.registry !== registry()) continue
      for (const old of record.retiring) {
        const { due, look: soon } = await dueAt(record, old)
        const earliest = Math.max(due, tries.get(old.uuid)?.notBefore ?? 0)
        if (earliest > clock.now()) next = Math.min(next, earliest, Math.max(soon, clock.now() + againMs))
        else if (busy()) next = Math.min(next, clock.now() + busyMs)
        else if (!serves()) {
          // Looked at again as soon as it serves.
          await note(
            record,
            old,
            'Its time has come; the registry is not up, so it is tried again when it is',
          )
        } else {
          const count = tries.get(old.uuid)?.count ?? 0
          const again = clock.now() + Math.min(againMs * 2 ** count, hourMs)
          tries.set(old.uuid, { count: count + 1, notBefore: again })
          await retire(record, old)
          next = Math.min(next, again)
        }
      }
    }
    stopTimer()
    if (Number.isFinite(next) && !closed) stopTimer = clock.setTimer(next, poke, { unref: true })
  }

  /** Looks now; several calls at once make one look and one more. */
  function poke(): void {
    if (closed) return
    again = looking
    if (looking) return
    looking = true
    void look()
      .catch(() => {})
      .finally(() => {
        looking = false
        if (again) poke()
      })
  }

  return {
    poke,
    close() {
      closed = true
      stopTimer()
    },
  }
}
