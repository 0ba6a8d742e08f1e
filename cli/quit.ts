import type { ControlClient } from '../client/control-client.ts'
import { untilGone } from '../client/find-core.ts'
import { pause } from '../client/find-or-start.ts'
import { runningPid } from '../contract/messages/status.ts'
import { systemClock } from '../lib/clock.ts'
import { readKeeper } from '../lib/keeper-file.ts'
import { processExists } from '../lib/process-exists.ts'
import { withLeftRegistry } from './left-registry.ts'
import { exitCode } from './output.ts'
import type { Verb } from './verb.ts'

interface Options {
  keepServing: boolean
  /** Only a core whose app is gone; one that such an app has just started is waited for. */
  orphan: boolean
}

/** How long the start of a core may take until it answers, in ms. */
const startLimitMs = 10_000

/** Ends the core of this home, whoever keeps it, and waits until it has ended. */
export const quit: Verb<Options> = async ({ out, client, home }, { keepServing, orphan }) => {
  if (orphan) await untilAnswers(client, home)
  const before = await client.zotbar.app.snapshot({})
  if (!before.ok) return out.failure(await withLeftRegistry(before.error, home))
  const { app, preferences } = before.value
  const registry = runningPid(before.value)
  if (orphan && (app.keeper !== 'app' || app.offers.length > 0)) return exitCode.done
  const asked = await client.zotbar.app.quit(keepServing ? { keepServing } : {})
  // It may have ended between the two questions.
  if (!asked.ok && asked.error.code !== 'app-not-running') return out.failure(asked.error)
  if (registry === undefined) out.note('Quitting.')
  else if (keepServing || preferences?.keepServing) out.note('Quitting; the registry goes on.')
  else out.note('Quitting; the registry ends after its pushes.')
  await untilGone(app.pid, systemClock())
  const left = registry !== undefined && processExists(registry) ? registry : undefined
  out.object({ quit: true, pid: app.pid, ...(left === undefined ? {} : { registry: { pid: left } }) })
  out.line(
    left === undefined
      ? `Zotbar has ended${registry === undefined ? '' : ', and the registry with it'}.`
      : `Zotbar has ended. The registry goes on as process ${left}; the next start takes it over.`,
  )
  return exitCode.done
}

async function untilAnswers(client: ControlClient, home: string): Promise<void> {
  const clock = systemClock()
  const until = clock.now() + startLimitMs
  for (;;) {
    const record = readKeeper(home)
    const isComing = record?.keeper === 'app' && processExists(record.pid) && clock.now() < until
    if (!isComing || (await client.zotbar.app.snapshot({})).ok) return
    await pause(clock, 50)
  }
}
