import { stateName, statusSummary } from '../contract/messages/status-summary.ts'
import type { StateName } from '../contract/registry-state.ts'
import type { Snapshot } from '../contract/snapshot.ts'
import type { VerbContext } from './verb.ts'

const short: Partial<Record<StateName, string>> = {
  draining: 'Finishing pushes',
  stopping: 'Stopping',
  starting: 'Starting',
}

/** A state as one short line: "Finishing pushes", "Stopping", "Crashed; starts again in 4 s". */
export function stateLine(snapshot: Snapshot, now: number): string {
  const seen = statusSummary(snapshot, now)
  return short[seen.state] ?? seen.headline
}

/**
 * Tells each new state on stderr, from the next one on, while `work` is under way; the state it ends in is for the
 * answer to tell. The states are a courtesy: without them the work goes on all the same. With --json nothing is
 * watched.
 */
export async function watchingStates<T>(
  context: VerbContext,
  end: StateName,
  work: () => Promise<T>,
): Promise<T> {
  const { out, client, now } = context
  if (out.json) return work()
  let last: string | undefined
  const events = await client.events({
    snapshot(snapshot) {
      const line = stateLine(snapshot, now())
      if (last !== undefined && line !== last && stateName(snapshot) !== end) out.note(line)
      last = line
    },
  })
  try {
    return await work()
  } finally {
    if (events.ok) events.value.stop()
  }
}
