import { resolve } from 'node:path'
import { longDate } from '../contract/messages/format.ts'
import type { ReleaseRow, UpgradePlan } from '../contract/upgrade.ts'
import { reportRun } from './follow-run.ts'
import { cliFailureText, exitCode, type Output, table } from './output.ts'
import type { Verb } from './verb.ts'

export interface UpgradeOptions {
  to: string | undefined
  from: string | undefined
  dryRun: boolean
  undo: boolean
  yes: boolean
  allowDowngrade: boolean
}

/** Upgrades and prints each step; exits 0 when it is done, else 1, whatever is serving then. */
export const upgrade: Verb<UpgradeOptions> = async (context, { to, from, ...options }) => {
  const begun = await context.client.zotbar.upgrade.begin({
    ...options,
    ...(to === undefined ? {} : { to }),
    ...(from === undefined ? {} : { from: absoluteSource(from) }),
  })
  if (begun.ok && 'plan' in begun.value) printVersions(context.out, begun.value.plan)
  return reportRun(context, 'upgrade', begun, options)
}

/** What the plan of an upgrade changes: the version, and config.json. */
export function printVersions({ line }: Output, { from, to, edit }: UpgradePlan): void {
  if (from !== undefined || to !== undefined)
    line(
      `${from === undefined ? 'To' : `From zot ${from} to`} ${to === undefined ? 'what the program turns out to be' : from === undefined ? `zot ${to}` : to}.`,
    )
  if (edit) line(`config.json would change with it. ${edit.why}\n${edit.diff}`)
}

/** A path is relative to the folder of the command line, which is not that of the core. */
const absoluteSource = (from: string): string =>
  from === 'source' || /^https?:\/\//.test(from) ? from : resolve(from)

/** The releases, the newest first, and what is here. With --json one object: {releases, asOf?, trouble?}. */
export const releases: Verb<object> = async ({ out, client }) => {
  const reply = await client.zotbar.upgrade.releases({ fresh: true })
  if (!reply.ok) return out.failure(reply.error)
  const { releases: rows, asOf, trouble } = reply.value
  out.object(reply.value)
  out.line(
    table(
      ['', 'VERSION', 'PUBLISHED', ''],
      rows.map(row => [
        row.running ? '*' : '',
        row.version,
        row.publishedAt === undefined ? '' : longDate(row.publishedAt),
        textOf(row),
      ]),
    ),
  )
  if (trouble) {
    const age = asOf === undefined ? 'Only what is here is listed.' : `The list is from ${longDate(asOf)}.`
    out.note(`${cliFailureText(trouble)}\n  ${age}`)
  }
  return exitCode.done
}

function textOf({ running, bad, installed, older, findings }: ReleaseRow): string {
  const advisories = findings.filter(({ severity }) => severity !== 'info').length
  return [
    running ? 'runs' : installed ? 'installed' : '',
    bad ? `failed here: ${bad.reason}` : '',
    older ? 'older' : '',
    advisories > 0 && !running ? `${advisories} to know` : '',
  ]
    .filter(text => text !== '')
    .join(', ')
}
