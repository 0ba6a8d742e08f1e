import { givenAddress } from '../contract/messages/address-message.ts'
import { duration } from '../contract/messages/format.ts'
import { status as statusObject } from '../contract/messages/status.ts'
import { stateName, statusSummary } from '../contract/messages/status-summary.ts'
import type { StateName } from '../contract/registry-state.ts'
import type { Snapshot } from '../contract/snapshot.ts'
import { exitCode } from './output.ts'
import type { Verb, VerbContext } from './verb.ts'

/** Stops the registry; the core goes on. Returns when it has ended. */
export const stop: Verb<object> = async context => {
  const { out, client, now } = context
  const done = await reportStates(context, 'stopped', () => client.zotbar.registry.stop({}))
  if (!done.ok) return out.failure(done.error)
  out.object(statusObject(done.value, now()))
  out.line('Stopped. Start it again: zotbar restart')
  return exitCode.done
}

/**
 * Restarts the registry, or starts a stopped one. Returns when it serves again. With --json one object: that of
 * `status`, and `tookMs`.
 */
export const restart: Verb<{ now: boolean }> = async (context, options) => {
  const { out, client, now } = context
  const from = now()
  const done = await reportStates(context, 'serving', () =>
    client.zotbar.registry.restart({ now: options.now }),
  )
  if (!done.ok) return out.failure(done.error)
  const tookMs = Math.max(0, now() - from)
  out.object({ ...statusObject(done.value, now()), tookMs })
  out.line(`Serving at ${givenAddress(done.value).url} again after ${duration(tookMs)}`)
  return exitCode.done
}

const shortLines: Partial<Record<StateName, string>> = {
  draining: 'Finishing pushes',
  stopping: 'Stopping',
  starting: 'Starting',
}

/** A state as one short line: "Finishing pushes", "Stopping", "Crashed; starts again in 4 s". */
export function stateLine(snapshot: Snapshot, now: number): string {
  const summary = statusSummary(snapshot, now)
  return shortLines[summary.state] ?? summary.headline
}

/**
 * Prints each new state on stderr while `work` is under way, but not `end`, which the answer contains. The work does
 * not depend on it: it goes on if the events end. With --json nothing is printed.
 */
export async function reportStates<T>(
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
