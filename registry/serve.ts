import { openAdministration } from './admin/admin-server.ts'
import type { Config } from './config/config.ts'
import { readListenAddress } from './config/listen-address.ts'
import type { ConfigCheck } from './config/open-consent.ts'
import { EventLog } from './events/event-log.ts'
import { followCertificate, openCertificate } from './http/certificate.ts'
import { createClients, trustedProxiesOf } from './http/client.ts'
import { createCors } from './http/cors.ts'
import { type DrainState, drain } from './http/drain.ts'
import { listen } from './http/node-server.ts'
import { createOwnNames } from './http/own-names.ts'
import { Pushes } from './http/pushes.ts'
import { createRateLimit } from './http/rate-limit.ts'
import { createRegistryServer } from './http/server.ts'
import { type Logger, openLogger } from './log/logger.ts'
import { releaseMemoryFromTimeToTime } from './memory.ts'
import { openOperations } from './operations.ts'
import { readConfig, refuse } from './read-config.ts'
import { createReloader } from './reload/reloader.ts'
import { watchConfig } from './reload/watch-files.ts'
import { createRoutes } from './routes/table.ts'
import { prepareFor } from './signin/provider.ts'
import { openSignIn } from './signin/sign-in.ts'
import { checkRoot, errorText } from './storage/root.ts'
import { foldersOf, openStores, type StoresObserver, startMaintenance } from './stores.ts'
import { openUsers } from './users.ts'
import { version } from './version.ts'

/** Serves until a signal asks for the end; answers the exit code. `check`: what it refuses to serve, then and later. */
export async function serve(file: string, check: ConfigCheck): Promise<number> {
  const read = await readConfig(file, check)
  if (!read.ok) return refuse('invalid config file', read.problems)
  const { config, providers } = read
  const trusted = trustedProxiesOf(process.env)
  if (!trusted.ok) return refuse('invalid environment', [trusted.message])
  for (const { rootDirectory } of foldersOf(config)) {
    const checked = await checkRoot(rootDirectory)
    if (!checked.ok) return refuse('storage cannot be used', [checked.message])
  }
  const opened = openLog(config)
  if (!opened.ok) return refuse('log cannot be written', [opened.message])
  const { logger } = opened
  const events = new EventLog()
  const { observer, lockWait } = observeStores(logger, events)
  const storing = await openStores(config, observer)
  if (!storing.ok) return await fail(logger, 'storage cannot be used', storing.message)
  const { stores } = storing
  const { storage } = stores
  const { root } = stores.main

  process.on('uncaughtException', error => die(logger, error))
  process.on('unhandledRejection', error => die(logger, error))
  for (const warning of [...read.warnings, ...stores.warnings]) logger.log('warn', warning)

  const { http } = config
  let origin = ''
  const clients = createClients(trusted.proxies)
  const ownNames = createOwnNames({ externalUrl: http.externalUrl, listen: () => origin, clients })
  const opening = openUsers(config, root, logger, process.env, { clients, ownNames })
  if (!opening.ok) return await fail(logger, 'failed to start', opening.message)
  const { users } = opening
  const { authorization, apiKeys, keyPolicy, pulls, sessions } = users
  const operating = await openOperations(config, root, storage, logger)
  if (!operating.ok) return await fail(logger, 'failed to start', operating.message)
  const { operations } = operating
  lockWait.report = seconds => operations.metrics?.lockWaited('RWLock', seconds)
  process.once('exit', operations.closeNow)
  const securing = openCertificate(config, logger)
  if (!securing.ok)
    return await fail(logger, 'failed to start', `http.tls.${securing.file} ${securing.message}`)
  const { metrics } = operations
  const keeping = await startMaintenance(config, stores, { logger, usage: pulls, observer: metrics, events })
  if (!keeping.ok) return await fail(logger, 'failed to start', keeping.problems.join('\n'))
  const { maintenance } = keeping
  await prepareFor(providers)
  const names = { origin: () => origin, ownNames }
  const signIn = openSignIn(config, providers, { sessions, apiKeys, keyPolicy, logger, ...names })
  const pushes = new Pushes(() => performance.now())
  const state: DrainState = { draining: false }
  const reloader = createReloader({ file, check }, config, logger, [
    { keys: ['log.level'], apply: next => logger.setLevel(next.log.level) },
    {
      keys: ['http.accessControl', 'http.realm', 'http.auth.failDelay', 'http.auth.htpasswd.path'],
      apply: next => users.reconfigure(next),
    },
    ...maintenance.reloadables,
    { keys: ['storage.dedupe'], apply: stores.reconfigure },
    signIn.reloadable,
  ])
  const routes = createRoutes({
    storage: operations.storage,
    maxRepositories: config.storage.maxRepos ?? 0,
    pushes,
    events,
    state,
    authorization,
    signIn,
    apiKeys,
    keyPolicy,
    pulls,
    logger,
    now: Date.now,
    config: () => asServed(config, reloader.current()),
    metrics,
  })
  const registry = createRegistryServer({
    handlers: routes,
    logger,
    cors: createCors({ allowOrigin: http.allowOrigin, authenticates: authorization.rules.authenticates }),
    limits: http,
    clients,
    ownNames,
    rateLimit: http.ratelimit && createRateLimit(http.ratelimit, () => performance.now()),
    certificate: securing.certificate,
    paths: operations.paths,
    onAnswered: context => {
      operations.answered(context)
      if (context.status === 507) events.emit({ kind: 'no-space', repository: context.route.name })
    },
    isDraining: () => state.draining,
  })
  const stopped = stopSignal(logger)
  const administration = await openAdministration(users, { storage, events }, logger, process.env)
  const listening = await listen(registry.server, config.http.address, config.http.port)
  if (!listening.ok) return await fail(logger, 'failed to start', listening.message)
  const { address, port } = listening
  origin = originOf(config, port)
  const serving = { address, port, rootDirectory: root, version, pid: process.pid }
  logger.log('info', 'serving', serving)
  releaseMemoryFromTimeToTime()

  const unfollow = followCertificate(config, logger, registry.replaceCertificate)
  const unwatch = watchConfig(file, read.text, reloader.take)

  await stopped
  unfollow()
  unwatch()
  const maintenanceEnded = maintenance.stop()
  await drain(state, registry, pushes, logger)
  await maintenanceEnded
  await administration?.close()
  events.close()
  await users.close()
  await operations.close()
  stores.close()
  logger.log('info', 'stopped')
  await logger.flush()
  return 0
}

/** Logs what goes wrong in the stores. `lockWait` reports waiting times once there are metrics to count them. */
function observeStores(logger: Logger, events: EventLog) {
  const lockWait = { report: (_seconds: number): void => {} }
  const observer: StoresObserver = {
    onWait: seconds => lockWait.report(seconds),
    onBug: (repository, error) =>
      logger.log('error', 'a change of a repository failed', {
        repository,
        error: error instanceof Error ? (error.stack ?? error.message) : String(error),
      }),
    onDamaged: ({ repository, reason }) => {
      logger.log('error', 'a repository cannot be served', { repository, error: reason })
      events.emit({ kind: 'damaged', repository, reason })
    },
  }
  return { observer, lockWait }
}

/** How browsers reach the listener, where externalUrl does not say otherwise. */
function originOf({ http }: Config, port: number): string {
  const host = readListenAddress(http.address)?.host ?? '127.0.0.1'
  return `${http.tls ? 'https' : 'http'}://${host}:${port}`
}

/** The ways to sign in as they are now; whether there are API keys is settled at the start. */
function asServed(started: Config, { http: { auth } }: Config): Config {
  const apikey = started.http.auth?.apikey ?? false
  return { ...started, http: { ...started.http, auth: auth && { ...auth, apikey } } }
}

/** Ends with the first signal that asks for the end; the next ones change nothing. */
function stopSignal(logger: Logger): Promise<void> {
  process.on('SIGHUP', () =>
    logger.log('info', 'SIGHUP is ignored: a changed config.json is noticed without it'),
  )
  return new Promise(resolve => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) {
      process.on(signal, () => {
        logger.log('info', `received ${signal}`)
        resolve()
      })
    }
  })
}

function openLog({ log }: Config): { ok: true; logger: Logger } | { ok: false; message: string } {
  try {
    return { ok: true, logger: openLogger(log.level, log.output) }
  } catch (error) {
    return { ok: false, message: `log.output ${log.output}: ${errorText(error)}` }
  }
}

async function fail(logger: Logger, message: string, reason: string): Promise<number> {
  logger.log('error', message, { error: reason })
  await logger.flush()
  console.error(`zotbar-registry: ${reason}`)
  return 1
}

/** A bug. What was acknowledged is on disk; going on might not keep it so. */
function die(logger: Logger, error: unknown): void {
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error)
  logger.log('panic', 'uncaught exception', { error: text })
  logger.flushSync()
  console.error(text)
  process.exit(2)
}
