import type { Clock } from '../../lib/clock.ts'
import { atMost, digestOf, isAlive, isSameDigest, type SessionFamily } from './session-family.ts'
import type { SessionFile } from './session-file.ts'

/** The families of sessions that live, in memory and in the file, with what is open for each. */
export interface FamilyList {
  /** The living family that a token names. */
  find(session: string): SessionFamily | undefined
  /** Adds the family, or replaces the one with its id; the one that was used longest ago goes when there are too many. */
  put(family: SessionFamily): void
  /** Ends what is open for it too. */
  remove(id: string): void
  ids(): string[]
  /** Whether all is on disk; `onUnsaved` is called with the reason once until it is again. */
  save(): Promise<boolean>
  /** As `save`; where that fails, at least nothing that was removed is left on disk. Resolves with why it is, if so. */
  saveRemoval(): Promise<string | undefined>
  /** Whether the last use of a family has been in memory alone for too long. */
  isUseUnsaved(family: SessionFamily): boolean
  /** Calls `end` when the family ends, and in any case after a while. Returns the release. */
  hold(id: string, end: () => void): () => void
  /** The port whose pages hold the tokens. */
  port(): number | undefined
  setPort(port: number): void
}

interface Options {
  clock: Pick<Clock, 'now' | 'setTimer'>
  file: SessionFile
  /** The sessions cannot be written down; `reason` is half a sentence. */
  onUnsaved(reason: string): void
}

/** An event stream ends after so long, so that its session is checked again. */
const streamMs = 10 * 60_000
/** The last use is written down this often, if nothing else is. */
const usedSavedMs = 3_600_000
const maxFamilies = 32

/** A token: the id of its family, a point, its secret. */
export const idIn = (session: string): string => session.split('.', 1)[0] ?? ''

export async function openFamilies({ clock, file, onUnsaved }: Options): Promise<FamilyList> {
  const { now } = clock
  const stored = await file.read()
  let port = stored.port
  let families = stored.families.slice(-maxFamilies)
  let isUnsaved = false
  const savedUse = new Map<string, number>()
  const streams = new Map<string, Set<() => void>>()

  function remove(id: string): void {
    families = families.filter(family => family.id !== id)
    savedUse.delete(id)
    for (const end of streams.get(id) ?? []) end()
    streams.delete(id)
  }

  async function save(): Promise<boolean> {
    for (const { id, usedAt } of families) savedUse.set(id, usedAt)
    const reason = await file.write({ port, families })
    if (reason !== undefined && !isUnsaved) onUnsaved(reason)
    isUnsaved = reason !== undefined
    return !isUnsaved
  }

  return {
    find(session) {
      for (const { id } of families.filter(family => !isAlive(atMost(family, now()), now()))) remove(id)
      const digest = digestOf(idIn(session))
      let match: SessionFamily | undefined
      // Each is compared, whatever was found: how long that takes says nothing.
      for (const family of families) if (isSameDigest(family.id, digest)) match = family
      return match && atMost(match, now())
    },
    put(family) {
      const others = families.filter(({ id }) => id !== family.id)
      const isNew = others.length === families.length
      const longest = others.toSorted((a, b) => a.usedAt - b.usedAt)[0]
      if (isNew && longest && others.length >= maxFamilies) remove(longest.id)
      families = [...families.filter(({ id }) => id !== family.id), family]
    },
    remove,
    ids: () => families.map(({ id }) => id),
    save,
    async saveRemoval() {
      if (families.length > 0 && (await save())) return undefined
      // A file can be removed where the volume is full; those who stay are written down with the next change.
      return file.clear()
    },
    isUseUnsaved: ({ id, usedAt }) => usedAt - (savedUse.get(id) ?? 0) > usedSavedMs,
    hold(id, end) {
      const open = streams.get(id) ?? new Set()
      streams.set(id, open.add(end))
      const cancel = clock.setTimer(now() + streamMs, end, { unref: true })
      return () => {
        cancel()
        open.delete(end)
      }
    },
    port: () => port,
    setPort(next) {
      port = next
    },
  }
}
