import { runningPid } from '../../contract/messages/status.ts'
import { onQuitSignal } from '../../lib/quit-signals.ts'
import { type Dashboard, startDashboard } from '../dashboard/dashboard.ts'
import { pagesFolder } from '../dashboard/static-files.ts'
import type { StartOptions } from '../program/arguments.ts'
import { onLauncherGone } from '../program/launcher-gone.ts'
import { jsonPrinter, type PrintedLink, printFailure, printFault, textPrinter } from '../program/printers.ts'
import { httpApi } from '../transport/http-api.ts'
import { boot } from './boot.ts'
import type { QuitHow, ShellCapabilities } from './wiring.ts'

/** What is known of whoever started this process. */
export interface Starter {
  /** npm's own variable, where npm or npx did. */
  npmCommand: string | undefined
  /** Names of the variables of its environment that the core does without. */
  dropped: readonly string[]
}

/**
 * The core with its control socket and its dashboard on loopback, until it is asked to quit. Resolves with the exit code
 * of the process when everything is given up: 0; 1 where it could not start. Where a service manager started it and
 * another core has the home, 0, as only a failure makes a manager start it again.
 */
export async function runCore(
  { configFile, dashboardPort, json, keeper }: StartOptions,
  { npmCommand, dropped }: Starter,
): Promise<number> {
  let dashboard: Dashboard | undefined
  const quitRequested = Promise.withResolvers<QuitHow>()
  let hasten: (how: QuitHow) => void = quitRequested.resolve
  const capabilities: ShellCapabilities = {
    dashboardLink: () => dashboard?.createLink() ?? '',
    quit: how => hasten(how),
  }
  const started = await boot({
    keeper,
    capabilities,
    ...(configFile === undefined ? {} : { configFile }),
  })
  if (!started.ok) {
    // The app that starts a core reads its failure from the log.
    printFailure(started.error, json || keeper === 'app')
    return keeper === 'service' && started.error.code === 'already-running' ? 0 : 1
  }
  const booted = started.value
  const { app, clock, log, settings } = booted
  log.info('started', { keeper, dropped })
  process.on('uncaughtException', error => {
    log.error('a fault ended the app', { error })
    printFault(runningPid(app.host.snapshot()), json)
    process.exit(1)
  })
  // A manager says by SIGTERM that the session ends, and kills what is left soon after.
  onQuitSignal(signal => hasten(keeper === 'service' && signal === 'SIGTERM' ? { sessionEnds: true } : {}))
  const unwatch = onLauncherGone(npmCommand, () => quitRequested.resolve({}))

  const served = await startDashboard({
    port: dashboardPort ?? settings.get('dashboard.port'),
    folder: pagesFolder(),
    api: httpApi(app.host, {
      onBug: (location, error) => log.error(`a fault in ${location}`, { error: String(error) }),
    }),
  })
  if (!served.ok) {
    await booted.quit()
    printFailure(served.error, json)
    return 1
  }
  dashboard = served.value
  app.dashboardAt(dashboard.url)

  // Output that is kept in a file is no place for a token.
  const worksOnce = keeper === 'terminal'
  const link: PrintedLink = {
    link: () => (worksOnce ? dashboard?.createLink() : dashboard?.url),
    worksOnce,
  }
  const print = json ? jsonPrinter(link) : textPrinter({ ...link, byNpm: npmCommand !== undefined })
  print(app.host.snapshot(), clock.now())
  const unsubscribe = app.host.on('snapshot', snapshot => print(snapshot, clock.now()), { looking: false })
  await app.begin()
  const how = await quitRequested.promise
  unwatch()
  if (!json) console.log('Quitting.')
  hasten = again => void booted.quit(again)
  await booted.quit(how)
  unsubscribe()
  await dashboard.close()
  return 0
}
