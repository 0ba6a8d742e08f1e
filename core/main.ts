import { join } from 'node:path'
import type { Failure } from '../contract/failure.ts'
import { failureText } from '../contract/messages/failure-message.ts'
import { plainText } from '../contract/messages/format.ts'
import { noticeMessage } from '../contract/messages/notice-message.ts'
import { runningPid, status } from '../contract/messages/status.ts'
import { statusSummary } from '../contract/messages/status-summary.ts'
import { fail } from '../contract/result.ts'
import type { Notice, Snapshot } from '../contract/snapshot.ts'
import { resolveHome } from '../lib/home.ts'
import { onQuitSignal } from '../lib/quit-signals.ts'
import { boot } from './app/boot.ts'
import type { ShellCapabilities } from './app/wiring.ts'
import { type Dashboard, startDashboard } from './dashboard/dashboard.ts'
import { onLauncherGone } from './dashboard/launcher-gone.ts'
import { pagesFolder } from './dashboard/static-files.ts'
import { httpApi } from './transport/http-api.ts'

export interface HeadlessOptions {
  configFile?: string
  dashboardPort?: number
  /** One status object a line at each change of state, instead of words. */
  json: boolean
}

/** The headless app: the same core, with a dashboard on loopback. Resolves with the exit code when it has quit. */
export async function runHeadless({ configFile, dashboardPort, json }: HeadlessOptions): Promise<number> {
  let dashboard: Dashboard | undefined
  const quitRequested = Promise.withResolvers<void>()
  const capabilities: ShellCapabilities = {
    async open(linkName) {
      return fail({
        code: 'no-screen',
        ...(linkName === 'log-folder' ? { path: join(resolveHome(), 'logs') } : {}),
      })
    },
    dashboardLink: () => dashboard?.createLink() ?? '',
    quit: () => quitRequested.resolve(),
  }
  const started = await boot({
    shell: 'headless',
    capabilities,
    ...(configFile === undefined ? {} : { configFile }),
  })
  if (!started.ok) {
    if (json) console.log(JSON.stringify({ error: started.error }))
    else console.error(failureText(started.error))
    return 1
  }
  const booted = started.value
  const { app, clock, log, settings } = booted
  process.on('uncaughtException', error => {
    log.error('a fault ended the app', { error })
    printFault(runningPid(app.host.snapshot()), json)
    process.exit(1)
  })
  onQuitSignal(() => quitRequested.resolve())
  const unwatch = onLauncherGone(() => quitRequested.resolve())

  const served = await startDashboard({
    port: dashboardPort ?? settings.get('dashboard.port'),
    folder: pagesFolder(),
    api: httpApi(app.host, {
      onBug: (location, error) => log.error(`a fault in ${location}`, { error: String(error) }),
    }),
  })
  if (!served.ok) {
    await booted.quit()
    if (json) console.log(JSON.stringify({ error: served.error }))
    else console.error(failureText(served.error))
    return 1
  }
  dashboard = served.value
  app.dashboardAt(dashboard.url)

  const print = json ? jsonPrinter(dashboard) : textPrinter(dashboard)
  print(app.host.snapshot(), clock.now())
  const unsubscribe = app.host.on('snapshot', snapshot => print(snapshot, clock.now()), { looking: false })
  await app.begin()
  await quitRequested.promise
  unwatch()
  if (!json) console.log('Quitting.')
  await booted.quit()
  unsubscribe()
  await dashboard.close()
  return 0
}

/** A fault of ours ends the app; the registry goes on, and nobody is to believe that somebody still looks after it. */
function printFault(registryPid: number | undefined, json: boolean): void {
  const error: Failure = { code: 'unexpected', where: 'the background of the app' }
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

type Printer = (snapshot: Snapshot, now: number) => void

/** Each line carries a dashboard address with a token not yet used. */
function jsonPrinter(dashboard: Dashboard): Printer {
  let last = ''
  return (snapshot, now) => {
    const line = status(snapshot, now)
    if (line.state === last || notBegun(snapshot)) return
    last = line.state
    console.log(JSON.stringify({ ...line, dashboard: { url: dashboard.createLink() } }))
  }
}

/** Words to standard output, each state once; the dashboard's address with the first that is not on its way to another. */
export function textPrinter(dashboard: Pick<Dashboard, 'createLink'>): Printer {
  let last = { state: '', headline: '' }
  let greeted = false
  const printNotices = noticePrinter()
  return (snapshot, now) => {
    printNotices(snapshot)
    const summary = statusSummary(snapshot, now)
    const shown = summary.state === last.state || summary.headline === last.headline
    last = summary
    // The end is shown by the one who brings it about.
    if (snapshot.quitting || notBegun(snapshot)) return
    const greets = !greeted && summary.class !== 'working'
    if (shown && !greets) return
    const address = summary.state === 'serving' ? `: ${snapshot.registry.host}:${snapshot.registry.port}` : ''
    const reason =
      summary.class === 'down' || summary.class === 'attention'
        ? `\n  ${plainText(summary.reason).replaceAll('\n', '\n  ')}`
        : ''
    console.log(`${plainText(summary.headline)}${address}${reason}`)
    if (!greets) return
    greeted = true
    console.log(`Dashboard (this link works once): ${dashboard.createLink()}`)
    // Started by npm, from a checkout: `zotbar` is on nobody's PATH.
    if (process.env['npm_command'] !== undefined)
      console.log('In this folder, zotbar is called with: npx zotbar')
  }
}
