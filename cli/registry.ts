import { duration } from '../contract/messages/format.ts'
import { status as statusObject } from '../contract/messages/status.ts'
import { exitCode, type Verb } from './verb.ts'
import { watchingStates } from './watch-states.ts'

/** Stops the registry; the app goes on. Returns when it has ended. */
export const stop: Verb<object> = async context => {
  const { out, client, now } = context
  const done = await watchingStates(context, 'stopped', () => client.zotbar.registry.stop({}))
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
  const done = await watchingStates(context, 'serving', () =>
    client.zotbar.registry.restart({ now: options.now }),
  )
  if (!done.ok) return out.failure(done.error)
  const tookMs = Math.max(0, now() - from)
  out.object({ ...statusObject(done.value, now()), tookMs })
  out.line(`Serving at ${done.value.registry.url} again after ${duration(tookMs)}`)
  return exitCode.done
}
