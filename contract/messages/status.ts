import type { UnreadableRepository } from '../image.ts'
import type { StateName } from '../registry-state.ts'
import type { Snapshot } from '../snapshot.ts'
import type { Undecided } from '../undecided.ts'
import { plainText } from './format.ts'
import { urgentKeys } from './key-message.ts'
import { daysLeft } from './remaining-time.ts'
import { statusSummary } from './status-summary.ts'

/** What `zotbar status --json` and `zotbar start --headless --json` print. A stable interface: other tools read it. */
export interface Status {
  state: StateName
  headline: string
  reason?: string
  registry: { url: string; publicUrl?: string; engine: string; version?: string; pid?: number }
  storage?: { bytes: number; repositories: number; tags: number; freeBytes: number }
  unreadable?: UnreadableRepository[]
  /** What somebody has to choose, and what decides it; only in the state `undecided`. */
  undecided?: Pick<Undecided, 'why' | 'difference' | 'found' | 'was' | 'open' | 'commands'>
  /**
   * The keys that end within 30 days, have ended or do not work, the most urgent first; of those that are not managed
   * the first 20.
   */
  keys?: StatusKey[]
  dashboard?: { url: string }
}

interface StatusKey {
  user: string
  label?: string
  uuid: string
  managed: boolean
  /** RFC 3339; null: never. */
  expirationDate: string | null
  /** Nights until the day of its end, by the clock of this machine; negative once it has ended. */
  daysLeft: number | null
  /** Why it does not work, half a sentence. */
  trouble?: string
}

/** `version` and `pid` are absent while nothing runs; `storage` until the first count; `unreadable` where all can be read. */
export function status(snapshot: Snapshot, now: number): Status {
  const summary = statusSummary(snapshot, now)
  const pid = runningPid(snapshot)
  const { publicUrl } = snapshot.registry
  const { bytes, repositories, tags, freeBytes, unreadable } = snapshot.storage
  return {
    state: summary.state,
    headline: plainText(summary.headline),
    ...(summary.reason === '' ? {} : { reason: plainText(summary.reason) }),
    registry: {
      url: snapshot.registry.url,
      ...(publicUrl === undefined ? {} : { publicUrl }),
      engine: snapshot.engine.id,
      ...(pid !== undefined && snapshot.engine.version !== undefined
        ? { version: snapshot.engine.version }
        : {}),
      ...(pid === undefined ? {} : { pid }),
    },
    ...(bytes === undefined || repositories === undefined || tags === undefined || freeBytes === undefined
      ? {}
      : { storage: { bytes, repositories, tags, freeBytes } }),
    ...(unreadable === undefined || unreadable.length === 0 ? {} : { unreadable }),
    ...(snapshot.process.kind === 'undecided' ? { undecided: openChoice(snapshot.process) } : {}),
    ...keysToDo(snapshot, now),
    ...(snapshot.dashboard ? { dashboard: { url: snapshot.dashboard.url } } : {}),
  }
}

function keysToDo(snapshot: Snapshot, now: number): { keys?: StatusKey[] } {
  const labels = new Map(snapshot.endingKeys?.keys.map(({ uuid, label }) => [uuid, label]))
  const keys = urgentKeys(snapshot, now).map(
    ({ user, uuid, managed, expirationDate, trouble }): StatusKey => ({
      user,
      ...(managed ? {} : { label: labels.get(uuid) ?? '' }),
      uuid,
      managed,
      expirationDate,
      daysLeft: daysLeft(expirationDate, now),
      ...(trouble === undefined ? {} : { trouble }),
    }),
  )
  return keys.length === 0 ? {} : { keys }
}

const openChoice = ({
  why,
  difference,
  found,
  was,
  open,
  commands,
}: Undecided): NonNullable<Status['undecided']> => ({
  why,
  ...(difference === undefined ? {} : { difference }),
  found,
  ...(was === undefined ? {} : { was }),
  ...(open === undefined ? {} : { open }),
  commands,
})

/** The pid of the registry process while one of ours runs. */
export function runningPid(snapshot: Pick<Snapshot, 'process'>): number | undefined {
  const process = snapshot.process
  switch (process.kind) {
    case 'serving':
    case 'draining':
    case 'stopping':
      return process.pid
    case 'starting':
      return process.pid
    default:
      return undefined
  }
}
