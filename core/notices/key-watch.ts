import type { ApiKey, EndingKey, KeyList } from '../../contract/key.ts'
import type { Result } from '../../contract/result.ts'
import type { Clock } from '../../lib/clock.ts'
import { endingKeys } from './ending-keys.ts'

interface Options {
  clock: Clock
  serves(): boolean
  /** `quietly`: no managed key is used for it, which zot would note as a use of that key. */
  list(quietly: boolean): Promise<Result<KeyList>>
  /** Of whom there is a managed key. */
  managedUsers(): string[]
  /** Marks those that Zotbar rotates, whose ends are told with them. */
  marked(keys: ApiKey[]): ApiKey[]
  log(message: string, data?: Record<string, unknown>): void
  onChange(): void
}

/** Knows the keys that Zotbar does not rotate, so that their ends are told too. */
export interface KeyWatch {
  /** Those that are known, also the ended ones. */
  keys(): ApiKey[]
  /**
   * Whether `keys` are all there are: a registry that was not asked yet, or that shows some users' only, has others.
   */
  isComplete(): boolean
  /** When keys last came, went or got another end, as far as it is known here; ms since the epoch. */
  changedAt(): number | undefined
  /** Those that end soon or ended lately, by their ends. */
  ending(): EndingKey[]
  /** A list that somebody asked for. */
  listed(list: KeyList): void
  /** Keys were created, revoked, or are managed from now on or no longer: asks again. */
  changed(): void
  /** One line of the registry's log, which names the keys that were created and revoked. */
  readLogLine(line: string): void
  /** The registry may have come or gone. */
  stateChanged(): void
  close(): void
}

/** At least so often the registry is asked, ms: its log may not name what changes. */
const everyMs = 3_600_000
/** And so often with the managed keys too, where the engine shows nobody else's keys. */
const fullEveryMs = 24 * everyMs
/** Changes that come together are one question. */
const settleMs = 1_000
const retryMs = 60_000

export function createKeyWatch(options: Options): KeyWatch {
  const { clock, serves, list, managedUsers, marked, log, onChange } = options
  let known: ApiKey[] = []
  let isComplete = false
  let changedAt: number | undefined
  let fullAt = Number.NEGATIVE_INFINITY
  let fullFor: string | undefined
  const wereManaged = new Set<string>()
  let wasServing = false
  let isAsking = false
  let isStale = false
  let closed = false
  let stopTimer = (): void => {}

  function take({ keys, onlyUser, onlyUsers }: KeyList): void {
    const users = onlyUsers ?? (onlyUser === undefined ? undefined : [onlyUser])
    isComplete = users === undefined
    wereManaged.clear()
    const before = signatureOf(known)
    known = [...(users === undefined ? [] : known.filter(({ user }) => !users.includes(user))), ...keys]
    if (signatureOf(known) === before) return
    changedAt = clock.now()
    onChange()
  }

  async function ask(): Promise<void> {
    if (closed || !serves()) return
    isStale = isAsking
    if (isAsking) return
    isAsking = true
    stopTimer()
    let waitMs = everyMs
    try {
      const users = managedUsers().toSorted().join()
      const quietly = clock.now() - fullAt < fullEveryMs && users === fullFor
      const listed = await list(quietly)
      if (!quietly) {
        fullAt = clock.now()
        fullFor = users
      }
      if (listed.ok) take(listed.value)
      // Where the engine shows none, asking sooner shows no more.
      else if (listed.error.code === 'registry-unreachable') waitMs = retryMs
    } catch (error) {
      log('the keys could not be listed', { error: String(error) })
    }
    isAsking = false
    arm(isStale ? settleMs : waitMs)
  }

  function arm(waitMs: number): void {
    stopTimer()
    if (!closed) stopTimer = clock.setTimer(clock.now() + waitMs, () => void ask(), { unref: true })
  }

  function changed(): void {
    if (isAsking) isStale = true
    else arm(settleMs)
  }

  /** A key that is rotated may be gone before the next list: it is none of the others until that says so. */
  function unmanaged(): ApiKey[] {
    const keys = marked(known)
    for (const { uuid, managed } of keys) if (managed) wereManaged.add(uuid)
    return keys.filter(({ uuid }) => !wereManaged.has(uuid))
  }

  return {
    keys: unmanaged,
    isComplete: () => isComplete,
    changedAt: () => changedAt,
    ending: () => endingKeys(unmanaged(), clock.now()),
    listed(all) {
      fullAt = clock.now()
      fullFor = managedUsers().toSorted().join()
      take(all)
    },
    changed,
    readLogLine(line) {
      const isOfZot = isKeyRequest(line)
      if (isOfZot) fullAt = Number.NEGATIVE_INFINITY
      if (isOfZot || line.includes('"API key ')) changed()
    },
    stateChanged() {
      const serving = serves()
      if (serving && !wasServing) void ask()
      if (!serving) stopTimer()
      wasServing = serving
    },
    close() {
      closed = true
      stopTimer()
    },
  }
}

/** When a key was last used changes all the time, and is no change of the list. */
const signatureOf = (keys: readonly ApiKey[]): string =>
  JSON.stringify(keys.map(({ uuid, expirationDate }) => [uuid, expirationDate]).toSorted())

/** zot logs no creation, but each request. */
const isKeyRequest = (line: string): boolean =>
  line.includes('/zot/auth/apikey') && /"method":"(POST|DELETE)"/.test(line)
