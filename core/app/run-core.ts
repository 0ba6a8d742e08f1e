import type { Failure } from '../../contract/failure.ts'
import { runningPid } from '../../contract/messages/status.ts'
import { fail, ok } from '../../contract/result.ts'
import type { Keeper } from '../../lib/keeper-file.ts'
import { onQuitSignal } from '../../lib/quit-signals.ts'
import { type Dashboard, startDashboard } from '../dashboard/dashboard.ts'
import { builtPages } from '../dashboard/static-files.ts'
import type { HandedOver } from '../hand-over/protocol.ts'
import type { StartSuccessor, Successor } from '../hand-over/successor.ts'
import { systemProcessTable } from '../platform/system-processes.ts'
import type { StartOptions } from '../program/arguments.ts'
import { onLauncherGone } from '../program/launcher-gone.ts'
import { jsonPrinter, type PrintedLink, printFailure, printFault, textPrinter } from '../program/printers.ts'
import { httpApi } from '../transport/http-api.ts'
import { type Booted, boot } from './boot.ts'
import { createHand } from './hand.ts'
import { setAsideNotice } from './notice-list.ts'
import type { ProgramControl, QuitHow } from './wiring.ts'

/** What is known of whoever started this process. */
export interface Starter {
  /** npm's own variable, where npm or npx did. */
  npmCommand: string | undefined
  /** Names of the variables of its environment that the core does without. */
  dropped: readonly string[]
}

/** How a core came to its home, and how it may give it away. */
export interface Inheritance {
  /** From the core that handed the home over to this one. */
  handedOver: HandedOver | undefined
  /** Quit so as soon as it is up: that was asked for while nobody had the home. */
  quitAtOnce: QuitHow | undefined
  start: StartSuccessor
  limitMs: number
  /** It answers, and has begun with the registry. */
  onServing(): void
}

/** Why a core ended. `error`: it could not start. */
export type CoreEnd =
  | { kind: 'quit'; code: number; error?: Failure }
  /** Everything is closed, and `successor` waits for `state`. `quit`: that was asked for in the meantime. */
  | { kind: 'handed-over'; successor: Successor; state: HandedOver; quit?: QuitHow }

/** How a core ends by a signal: a manager says by SIGTERM that the session ends, and kills what is left soon after. */
export const quitBy = (signal: NodeJS.Signals, keeper: Keeper): QuitHow =>
  keeper === 'service' && signal === 'SIGTERM' ? { sessionEnds: true } : {}

/**
 * The core with its control socket and its dashboard on loopback, until it is asked to quit or to hand over. Resolves
 * when everything is given up; the exit code is 0, or 1 where it could not start. Where a service manager started it and
 * another core has the home, 0, as only a failure makes a manager start it again.
 */
export async function runCore(
  options: StartOptions,
  { npmCommand, dropped }: Starter,
  { handedOver, quitAtOnce, start, limitMs, onServing }: Inheritance,
): Promise<CoreEnd> {
  const { configFile, dashboardPort, json, keeper } = options
  let dashboard: Dashboard | undefined
  /** Asked for when a successor was about to get the home. */
  let quitMeanwhile: QuitHow | undefined
  const endRequested = Promise.withResolvers<{ quit: QuitHow } | { handTo: Successor }>()
  let isQuitting = false
  let hasten = (quit: QuitHow): void => {
    isQuitting = true
    endRequested.resolve({ quit })
  }
  const hand = createHand({
    options,
    start,
    limitMs,
    onReady(handTo) {
      if (isQuitting) return handTo.kill()
      endRequested.resolve({ handTo })
      hasten = how => {
        quitMeanwhile ??= how
      }
    },
  })
  const capabilities: ProgramControl = {
    dashboardLink() {
      const link = dashboard?.createLink()
      return link === undefined ? fail(dashboard?.failure() ?? { code: 'dashboard-off' }) : ok(link)
    },
    revokeSessions: async () => dashboard?.revokeSessions() ?? fail({ code: 'dashboard-off' }),
    quit: how => hasten(how),
    handOver: hand.over,
  }
  // Before the start, which a slow disk may draw out: whoever asks then is heard once there is something to end.
  const unsubscribeSignals = onQuitSignal(name => hasten(quitBy(name, keeper)))
  const started = await boot({
    keeper,
    capabilities,
    handedOver,
    ...(configFile === undefined ? {} : { configFile }),
  })
  if (!started.ok) {
    unsubscribeSignals()
    const { error } = started
    if (keeper === 'service' && error.code === 'already-running') {
      if (json) printFailure(error, json)
      else console.log(`Zotbar is already running: process ${error.pid} has ${error.home}.`)
      return { kind: 'quit', code: 0, error }
    }
    // The app that starts a core reads its failure from the log.
    printFailure(error, json || keeper === 'app')
    return { kind: 'quit', code: 1, error }
  }
  const booted = started.value
  const { app, clock, log } = booted
  log.info('started', { keeper, dropped })
  const endOnFault = (error: Error): void => {
    log.error('a fault ended the core', { error })
    printFault(runningPid(app.host.snapshot()), json)
    process.exit(1)
  }
  process.on('uncaughtException', endOnFault)
  const unwatch = onLauncherGone(npmCommand, () => hasten({}))

  dashboard = await serveDashboard(booted, handedOver?.dashboardPort ?? dashboardPort)

  // Output that is kept in a file is no place for a token.
  const worksOnce = keeper === 'terminal'
  const link: PrintedLink = {
    link: () => (worksOnce ? dashboard?.createLink() : dashboard?.url()),
    worksOnce,
  }
  const print = json ? jsonPrinter(link) : textPrinter({ ...link, byNpm: npmCommand !== undefined })
  print(app.host.snapshot(), clock.now())
  const unsubscribe = app.host.on('snapshot', snapshot => print(snapshot, clock.now()), { looking: false })
  await app.begin({ stopped: handedOver?.stopped === true })
  onServing()
  if (quitAtOnce) hasten(quitAtOnce)
  const end = await endRequested.promise
  unwatch()
  if ('handTo' in end) {
    unsubscribe()
    // The sessions belong to it, also where the system chose it.
    const dashboardPortNow = dashboard.port()
    const [left] = await Promise.all([booted.leave(), dashboard.close()])
    unsubscribeSignals()
    process.off('uncaughtException', endOnFault)
    const state = { ...left, dashboardPort: dashboardPortNow }
    const quit = quitMeanwhile === undefined ? {} : { quit: quitMeanwhile }
    return { kind: 'handed-over', successor: end.handTo, state, ...quit }
  }
  hand.withdraw()
  if (!json) console.log('Quitting.')
  hasten = again => void booted.quit(again)
  await booted.quit(end.quit)
  unsubscribe()
  await dashboard.close()
  return { kind: 'quit', code: 0 }
}

/** The pages and the contract on loopback, as far as there is a port for them. */
function serveDashboard({ app, clock, home, log, settings }: Booted, port?: number): Promise<Dashboard> {
  const serving = startDashboard({
    home,
    clock,
    port: port ?? settings.get('dashboard.port'),
    files: builtPages(),
    api: httpApi(app.host, {
      onBug: (location, error) => log.error(`a fault in ${location}`, { error: String(error) }),
    }),
    processes: systemProcessTable(),
    registryPort: () => app.host.snapshot().registry.port,
    notify: app.notify,
    report: setAside => app.notify(setAsideNotice(setAside, clock.now())),
    log: log.warn,
    onChange: app.dashboardIs,
  })
  settings.onChange(key => {
    // What was said last counts, also against the command line.
    if (key === 'dashboard.port') void serving.then(({ move }) => move(settings.get('dashboard.port')))
  })
  return serving
}
