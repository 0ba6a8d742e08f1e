import { givenAddress, thisMachine } from '../contract/messages/address-message.ts'
import { lastEvents } from '../contract/messages/event-message.ts'
import { bytes, count } from '../contract/messages/format.ts'
import { keyLines } from '../contract/messages/key-message.ts'
import { noticeMessage } from '../contract/messages/notice-message.ts'
import { advisoryMessage } from '../contract/messages/release-message.ts'
import { runningPid, status as statusObject } from '../contract/messages/status.ts'
import { statusSummary } from '../contract/messages/status-summary.ts'
import { storageTitle, unreadableMessage } from '../contract/messages/storage-message.ts'
import type { Notice, Snapshot } from '../contract/snapshot.ts'
import { withLeftRegistry } from './left-registry.ts'
import { exitCode } from './output.ts'
import type { Verb } from './verb.ts'

/** Prints in a few lines whether the registry serves. Exits 0 for `serving`, 4 for any other state. */
export const status: Verb<object> = async ({ out, client, home, now }) => {
  const reply = await client.zotbar.app.snapshot({})
  if (!reply.ok) return out.failure(await withLeftRegistry(reply.error, home))
  const at = now()
  const object = statusObject(reply.value, at)
  out.object(object)
  out.line(statusText(reply.value, at))
  return object.state === 'serving' ? exitCode.done : exitCode.notServing
}

/** The lines of `zotbar status`: one fact each, on one text edge. */
export function statusText(snapshot: Snapshot, now: number): string {
  const summary = statusSummary(snapshot, now)
  const last = lastEvents(snapshot, now, 1)[0]
  const rows: [string, string][] = [
    ['State', summary.headline],
    ...summary.reason
      .split('\n')
      .filter(line => line !== '')
      .map((line): [string, string] => ['', line]),
    ...addressRows(snapshot),
    ['Engine', engineText(snapshot)],
    ['Storage', storageText(snapshot)],
    ...unreadableRows(snapshot),
    ...(last ? ([['Last', `${last.title}. ${last.detail}`.trimEnd()]] satisfies [string, string][]) : []),
    ...keyLines(snapshot, now).map((line, index): [string, string] => [index === 0 ? 'Keys' : '', line]),
    ...advisoryRows(snapshot),
    ...noteRows(snapshot),
    ...dashboardRows(snapshot),
  ]
  return rows.map(([label, text]) => `${label.padEnd(11)}${text}`.trimEnd()).join('\n')
}

/** Where people reach the registry, then what is to be known of that. */
function addressRows(snapshot: Snapshot): [string, string][] {
  const { url, local, warning } = givenAddress(snapshot)
  const here = local && `on ${thisMachine(snapshot)}: ${local.url}`
  const more = [here, warning].filter(line => line !== undefined)
  return [['Address', url], ...more.map((line): [string, string] => ['', line])]
}

/** Where the dashboard is, or why there is none. */
function dashboardRows({ dashboard, notices }: Snapshot): [string, string][] {
  if (dashboard) return [['Dashboard', `${dashboard.url} (a link to it: zotbar open)`]]
  return notices
    .filter(notice => notice.kind === 'no-dashboard')
    .map(noticeMessage)
    .flatMap(({ title, detail }): [string, string][] => [
      ['Dashboard', `${title}.`],
      ['', detail],
    ])
}

/** What each advisory means here, with its evidence. */
function advisoryRows(snapshot: Snapshot): [string, string][] {
  const message = advisoryMessage(snapshot)
  if (!message || snapshot.process.kind !== 'serving') return []
  const lines = (snapshot.upgrade?.advisories ?? []).map(({ id, evidence }) => `${id}: ${evidence}`)
  return [['Advisories', message.detail], ...lines.map((line): [string, string] => ['', line])]
}

/** Every repository that cannot be read, with its reason. */
const unreadableRows = ({ storage }: Snapshot): [string, string][] =>
  (unreadableMessage(storage.unreadable)?.lines ?? []).map((line, at) => [at === 0 ? 'Unreadable' : '', line])

/** What deserves a look since Zotbar was started, and has no row of its own. */
const noted: readonly Notice['kind'][] = [
  'file-set-aside',
  'mirror-passed-by',
  'keys-after-rollback',
  'databases-stay',
  'config-keys-unknown',
]

const noteRows = ({ notices }: Snapshot): [string, string][] =>
  notices
    .filter(({ kind }) => noted.includes(kind))
    .map(noticeMessage)
    .flatMap(({ title, detail }): [string, string][] => {
      const [first = '', ...more] = detail.split('\n')
      return [['Note', `${title}. ${first}`], ...more.map((line): [string, string] => ['', line])]
    })

function engineText(snapshot: Snapshot): string {
  const pid = runningPid(snapshot)
  const { process } = snapshot
  const isOfEngines =
    process.kind === 'undecided' && process.why !== 'other-folder' && process.why !== 'open-registry'
  if (isOfEngines) return 'none is chosen yet'
  const version =
    snapshot.engine.version === undefined || pid === undefined ? '' : ` ${snapshot.engine.version}`
  return `${snapshot.engine.id}${version}${pid === undefined ? ', not running' : `, process ${pid}`}`
}

function storageText({ storage }: Snapshot): string {
  const title = storageTitle(storage)
  const free = storage.freeBytes === undefined ? '' : `${bytes(storage.freeBytes)} free`
  if (title === undefined) return free === '' ? 'not counted yet' : `not counted yet; ${free}`
  const tags = storage.tags ? `, ${count(storage.tags, 'tag')}` : ''
  return `${title}${tags}${free === '' ? '' : `; ${free}`}`
}
