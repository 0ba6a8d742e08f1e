import type { Clock } from '../../lib/clock.ts'
import { idIn, openFamilies } from './family-list.ts'
import { createLinkTokens } from './link-tokens.ts'
import {
  type Access,
  accessOf,
  addPending,
  afterUse,
  beginFamily,
  digestOf,
  renewFamily,
  type SessionFamily,
  withoutPending,
} from './session-family.ts'
import type { SessionFile } from './session-file.ts'

/** A token to use from now on, and what it allows: `full` for `fullForMs` more, then `looking`. */
interface Granted {
  session: string
  fullForMs: number
}

/** Why a session is refused: there is none, or one of its tokens was used again after it was replaced. */
type Refused = 'no-session' | 'session-replayed'

/**
 * The sessions of the dashboard, one per browser. Each is a family of tokens that replace each other; the rule is in
 * session-family.ts. What is held here and in the file are SHA-256 digests alone.
 */
export interface Sessions {
  /** A one-time token for a link. */
  createToken(): string
  /**
   * The session for a token of a link; undefined when it was used, is too old or was never given out. With a `session`
   * that lives, that one is full again, else a new one begins.
   */
  redeem(token: string, session?: string): Promise<Granted | undefined>
  /** What a session allows; it counts as used now. */
  check(session: string): Access | Refused
  /** Another token for a session; `changed-already`: another tab has it. The same one where it cannot be written down. */
  change(session: string): Promise<Granted | Refused | 'changed-already'>
  /** Calls `end` when the session ends, and in any case after a while, so that it is checked again. Returns the release. */
  hold(session: string, end: () => void): () => void
  /** Signs out. */
  end(session: string): Promise<void>
  /** Ends all, and the links that were not used. `kept`: why some may come back after a restart, half a sentence. */
  endAll(): Promise<{ ended: number; kept?: string }>
  /** Says where the pages are served. Sessions of another port end: whoever listens there can read their tokens. */
  servedAt(port: number): Promise<void>
}

interface Options {
  clock: Pick<Clock, 'now' | 'setTimer'>
  randomBytes(count: number): Buffer
  file: SessionFile
  onReplay(): void
  /** The sessions cannot be written down; called once until they can. `reason` is half a sentence. */
  onUnsaved(reason: string): void
}

/** Of so many sessions that a replay ended, their pages can be given the reason. */
const maxReplayed = 32

export async function openSessions(options: Options): Promise<Sessions> {
  const { clock, randomBytes, file, onReplay, onUnsaved } = options
  const { now } = clock
  const links = createLinkTokens({ now, randomBytes })
  const families = await openFamilies({ clock, file, onUnsaved })
  let replayed: string[] = []

  /** Counts a use of the token; one that was replaced ends its family. */
  function use(session: string): { family: SessionFamily; isCurrent: boolean } | Refused {
    const known = families.find(session)
    if (!known) return replayed.includes(digestOf(idIn(session))) ? 'session-replayed' : 'no-session'
    const { family, standing } = afterUse(known, digestOf(session), now())
    if (standing === 'replayed') {
      families.remove(family.id)
      replayed = [...replayed, family.id].slice(-maxReplayed)
      onReplay()
      void families.saveRemoval()
      return 'session-replayed'
    }
    families.put(family)
    if (family.current !== known.current || families.isUseUnsaved(family)) void families.save()
    return { family, isCurrent: standing === 'current' }
  }

  const newToken = (id: string): string => `${id}.${randomBytes(32).toString('base64url')}`
  const granted = (session: string, { fullUntil }: SessionFamily): Granted => ({
    session,
    fullForMs: Math.max(0, fullUntil - now()),
  })

  /** Hands out one more token, once it is on disk: after a crash one that is not there would look like a replay. */
  async function replace(family: SessionFamily, session: string): Promise<Granted | Refused> {
    const next = newToken(idIn(session))
    families.put(addPending(family, digestOf(next)))
    const isSaved = await families.save()
    const after = families.find(session)
    if (!after) return 'no-session'
    if (isSaved) return granted(next, after)
    families.put(withoutPending(after, digestOf(next)))
    return granted(session, after)
  }

  async function begin(): Promise<Granted> {
    const id = randomBytes(16).toString('base64url')
    const session = newToken(id)
    const family = beginFamily(digestOf(id), digestOf(session), now())
    families.put(family)
    // Where it cannot be written down, it lasts as long as the core.
    await families.save()
    return granted(session, family)
  }

  async function endAll(): Promise<{ ended: number; kept?: string }> {
    const ids = families.ids()
    for (const id of ids) families.remove(id)
    links.clear()
    const kept = await families.saveRemoval()
    return { ended: ids.length, ...(kept === undefined ? {} : { kept }) }
  }

  return {
    createToken: links.create,
    async redeem(token, session) {
      if (!links.use(token)) return undefined
      const used = session === undefined ? 'no-session' : use(session)
      if (session === undefined || typeof used === 'string') return begin()
      const answer = await replace(renewFamily(used.family, now()), session)
      return typeof answer === 'string' ? begin() : answer
    },
    check(session) {
      const used = use(session)
      return typeof used === 'string' ? used : accessOf(used.family, now())
    },
    async change(session) {
      const used = use(session)
      if (typeof used === 'string') return used
      return used.isCurrent ? replace(used.family, session) : 'changed-already'
    },
    hold: (session, end) => families.hold(digestOf(idIn(session)), end),
    async end(session) {
      const used = use(session)
      if (typeof used === 'string') return
      families.remove(used.family.id)
      await families.saveRemoval()
    },
    endAll,
    async servedAt(port) {
      const before = families.port()
      if (before === port) return
      families.setPort(port)
      if (before !== undefined) await endAll()
    },
  }
}
