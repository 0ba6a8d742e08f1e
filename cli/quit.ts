import { untilGone } from '../client/find-core.ts'
import { runningPid } from '../contract/messages/status.ts'
import { systemClock } from '../lib/clock.ts'
import { processExists } from '../lib/process-exists.ts'
import { exitCode } from './output.ts'
import type { Verb } from './verb.ts'

/** Ends the core of this home, whoever keeps it, and waits until it has ended. */
export const quit: Verb<{ keepServing: boolean }> = async ({ out, client }, { keepServing }) => {
  const before = await client.zotbar.app.snapshot({})
  if (!before.ok) return out.failure(before.error)
  const { app } = before.value
  const asked = await client.zotbar.app.quit(keepServing ? { keepServing } : {})
  // It may have ended between the two questions.
  if (!asked.ok && asked.error.code !== 'app-not-running') return out.failure(asked.error)
  out.note(keepServing ? 'Quitting; the registry goes on.' : 'Quitting; the registry ends after its pushes.')
  await untilGone(app.pid, systemClock())
  const registry = runningPid(before.value)
  const left = registry !== undefined && processExists(registry) ? registry : undefined
  out.object({ quit: true, pid: app.pid, ...(left === undefined ? {} : { registry: { pid: left } }) })
  out.line(
    left === undefined
      ? 'Zotbar has ended, and the registry with it.'
      : `Zotbar has ended. The registry goes on as process ${left}; the next start takes it over.`,
  )
  return exitCode.done
}
