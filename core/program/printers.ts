import type { Failure } from '../../contract/failure.ts'
import { givenAddress } from '../../contract/messages/address-message.ts'
import { failureText } from '../../contract/messages/failure-message.ts'
import { plainText } from '../../contract/messages/format.ts'
import { noticeMessage } from '../../contract/messages/notice-message.ts'
import { status } from '../../contract/messages/status.ts'
import { statusSummary } from '../../contract/messages/status-summary.ts'
import type { Notice, Snapshot } from '../../contract/snapshot.ts'

/** Prints what changed with a snapshot; `now` is ms since the epoch. */
export type Printer = (snapshot: Snapshot, now: number) => void

/** The dashboard's address, as it may be printed; undefined while there is no dashboard. */
export interface PrintedLink {
  link(): string | undefined
  /** Whether it carries a token, which it does on a terminal only. */
  worksOnce: boolean
}

/** A failure of the start itself: words on stderr, or an object on stdout. */
export function printFailure(error: Failure, json: boolean): void {
  if (json) console.log(JSON.stringify({ error }))
  else console.error(failureText(error))
}

/** A fault of ours ends the core; the registry goes on, and nobody is to believe that somebody still looks after it. */
export function printFault(registryPid: number | undefined, json: boolean): void {
  const error: Failure = { code: 'unexpected', where: 'the background process' }
  if (json) {
    console.log(JSON.stringify({ error }))
    return
  }
  const remaining =
    registryPid === undefined
      ? []
      : [
          `  The registry (process ${registryPid}) goes on, and nobody looks after it until Zotbar is started again: it is taken over then.`,
        ]
  console.error([failureText(error), ...remaining].join('\n'))
}

/** What a first run made, how to sign in, and which files could not be read: each notice once. */
function noticePrinter(): (snapshot: Snapshot) => void {
  const shown = new Set<string>()
  return ({ notices }) => {
    const fresh = notices.filter(({ id, kind }) => kind !== 'storage-nearly-full' && !shown.has(id))
    for (const { id } of fresh) shown.add(id)
    for (const line of noticeLines(fresh)) console.log(line)
  }
}

function noticeLines(notices: Notice[]): string[] {
  return notices.flatMap(notice => {
    const { title, detail } = noticeMessage(notice)
    return [`${title}.`, ...detail.split('\n').map(line => `  ${line}`)].map(plainText)
  })
}

/** Before the first start is under way there is nothing to report. */
const notBegun = ({ process }: Snapshot): boolean =>
  process.kind === 'stopped' && process.why === 'never-started'

/** One status object a line; on a terminal each carries a dashboard address with a token not yet used. */
export function jsonPrinter({ link }: PrintedLink): Printer {
  let last = ''
  return (snapshot, now) => {
    const line = status(snapshot, now)
    if (line.state === last || notBegun(snapshot)) return
    last = line.state
    const url = link()
    console.log(JSON.stringify(url === undefined ? line : { ...line, dashboard: { url } }))
  }
}

/** Words to standard output, each state once; the dashboard's address with the first that is not on its way to another. */
export function textPrinter({ link, worksOnce, byNpm }: PrintedLink & { byNpm: boolean }): Printer {
  let last = { state: '', headline: '' }
  let greeted = false
  let hasAddress = false
  const printNotices = noticePrinter()
  /** Later, where the port of the dashboard was another program's at first. */
  const printAddress = (): void => {
    const url = hasAddress ? undefined : link()
    if (url === undefined) return
    hasAddress = true
    console.log(worksOnce ? `Dashboard (this link works once): ${url}` : `Dashboard: ${url}`)
  }
  return (snapshot, now) => {
    printNotices(snapshot)
    const summary = statusSummary(snapshot, now)
    const shown = summary.state === last.state || summary.headline === last.headline
    last = summary
    // The end is shown by the one who brings it about.
    if (snapshot.quitting || notBegun(snapshot)) return
    const greets = !greeted && summary.class !== 'working'
    if (greeted) printAddress()
    if (shown && !greets) return
    const address = summary.state === 'serving' ? `: ${givenAddress(snapshot).name}` : ''
    const reason =
      summary.class === 'down' || summary.class === 'attention'
        ? `\n  ${plainText(summary.reason).replaceAll('\n', '\n  ')}`
        : ''
    console.log(`${plainText(summary.headline)}${address}${reason}`)
    if (!greets) return
    greeted = true
    printAddress()
    // Started by npm, from a checkout: `zotbar` is on nobody's PATH.
    if (byNpm) console.log('In this folder, zotbar is called with: npx zotbar')
  }
}
