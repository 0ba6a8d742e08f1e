import type { UnreadableRepository } from '../image.ts'
import type { StateName } from '../registry-state.ts'
import type { Snapshot } from '../snapshot.ts'
import type { Undecided } from '../undecided.ts'
import { plainText } from './format.ts'
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
  dashboard?: { url: string }
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
    ...(snapshot.dashboard ? { dashboard: { url: snapshot.dashboard.url } } : {}),
  }
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
