import { resolve } from 'node:path'
import { relativeTime } from '../contract/messages/format.ts'
import type { EngineChoice } from '../contract/undecided.ts'
import { reportRun } from './follow-run.ts'
import { exitCode, table } from './output.ts'
import { printVersions } from './upgrade.ts'
import type { Verb } from './verb.ts'

export interface UseOptions {
  engine: 'zotbar-registry' | 'zot'
  path: string | undefined
  yes: boolean
  dryRun: boolean
}

/** Every engine there is. With --json one object: {engines: [...]}. */
export const list: Verb<object> = async ({ out, client, now }) => {
  const reply = await client.zotbar.engine.list({})
  if (!reply.ok) return out.failure(reply.error)
  const { engines } = reply.value
  out.object({ engines })
  out.line(
    table(
      ['', 'ENGINE', 'VERSION', 'PATH', ''],
      engines.map(({ id, version, path, current, reason, choice }) => [
        current ? '*' : '',
        id,
        version ?? 'unknown',
        path,
        reason === undefined ? chosenText(choice, now()) : `not usable: ${reason}`,
      ]),
    ),
  )
  return exitCode.done
}

/** What was chosen for the data folder, by whom and when. */
function chosenText(choice: EngineChoice | undefined, now: number): string {
  if (choice === undefined) return ''
  const suffixes = {
    asked: '',
    'first-run': ', with the first start',
    'served-before': ', as it served before',
  }
  return `chosen for this data folder ${relativeTime(choice.at, now)}${suffixes[choice.why]}`
}

/** Switches and prints each step; exits 0 when it is done, else 1, whatever is serving then. */
export const use: Verb<UseOptions> = async (context, { engine, path, yes, dryRun }) => {
  const { client } = context
  const begun = await client.zotbar.engine.use({
    engine,
    yes,
    dryRun,
    ...(path === undefined ? {} : { path: resolve(path) }),
  })
  if (begun.ok && 'plan' in begun.value && 'origin' in begun.value.plan)
    printVersions(context.out, begun.value.plan)
  return reportRun(context, 'engine-use', begun, { yes })
}
