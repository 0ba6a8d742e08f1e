import type { Config } from './config/config.ts'
import { type DrainState, drain } from './http/drain.ts'
import { listen } from './http/listen.ts'
import { Pushes } from './http/pushes.ts'
import { createRegistryServer } from './http/server.ts'
import { type Logger, openLogger } from './log/logger.ts'
import { openPeople } from './people.ts'
import { readConfig, refuse } from './read-config.ts'
import { createRoutes } from './routes/table.ts'
import { openSignIn } from './signin/sign-in.ts'
import { openDiskStorage } from './storage/disk-storage.ts'
import { checkRoot, wordsOf } from './storage/root.ts'
import { lockRoot } from './storage/root-lock.ts'
import type { Storage } from './storage/storage.ts'
import { version } from './version.ts'

/** When the remains of broken pushes are looked for, ms: not at the start, which should be quick, and then daily. */
const collectAfter = 2 * 60_000
const collectEvery = 24 * 60 * 60_000

/** Serves until a signal asks for the end; answers the exit code. */
export async function serve(file: string): Promise<number> {
  const read = await readConfig(file)
  if (!read.ok) return refuse('invalid config file', read.problems)
  const { config, providers } = read
  const checked = await checkRoot(config.storage.rootDirectory)
  if (!checked.ok) return refuse('storage cannot be used', [checked.message])
  const opened = openLog(config)
  if (!opened.ok) return refuse('log cannot be written', [opened.message])
  const { logger } = opened
  const locked = lockRoot(checked.root)
  if (!locked.ok) return await fail(logger, 'storage cannot be used', locked.message)

  process.on('uncaughtException', error => die(logger, error))
  process.on('unhandledRejection', error => die(logger, error))
  for (const warning of read.warnings) logger.log('warn', warning)

  const storage = openDiskStorage(checked.root)
  const opening = openPeople(config, checked.root, logger, process.env)
  if (!opening.ok) return await fail(logger, 'failed to start', opening.message)
  const { people } = opening
  const { gate, apiKeys, keyPolicy, pulls, sessions } = people
  let origin = ''
  const signIn = openSignIn(config, providers, {
    sessions,
    apiKeys,
    keyPolicy,
    logger,
    origin: () => origin,
  })
  const pushes = new Pushes(() => performance.now())
  const state: DrainState = { draining: false }
  const registry = createRegistryServer({
    handlers: createRoutes({
      storage,
      pushes,
      state,
      gate,
      signIn,
      apiKeys,
      keyPolicy,
      pulls,
      logger,
      now: Date.now,
    }),
    logger,
    allowOrigin: config.http.allowOrigin,
    isDraining: () => state.draining,
  })
  const stopped = stopSignal(logger)
  const listening = await listen(registry.server, config.http.address, config.http.port)
  if (!listening.ok) return await fail(logger, 'failed to start', listening.message)
  const { address, port } = listening
  origin = originOf(config, address, port)
  const serving = { address, port, rootDirectory: checked.root, version, pid: process.pid }
  logger.log('info', 'serving', serving)

  const collecting = new AbortController()
  collectRegularly(storage, logger, collecting.signal)

  await stopped
  collecting.abort()
  await drain(state, registry, pushes, logger)
  await people.close()
  locked.release()
  logger.log('info', 'stopped')
  await logger.flush()
  return 0
}

/** How browsers reach the listener, where externalUrl does not say otherwise. */
function originOf({ http }: Config, address: string, port: number): string {
  const host = address.includes(':') ? `[${address}]` : address
  return `${http.tls ? 'https' : 'http'}://${host}:${port}`
}

function collectRegularly(storage: Storage, logger: Logger, signal: AbortSignal): void {
  const collect = async (): Promise<void> => {
    const removed = await storage.collectStaleUploads(signal)
    if (removed > 0) logger.log('info', 'removed uploads left by broken pushes', { removed })
    if (!signal.aborted) setTimeout(collect, collectEvery).unref()
  }
  setTimeout(collect, collectAfter).unref()
}

/** Ends with the first signal that asks for the end; the next ones change nothing. */
function stopSignal(logger: Logger): Promise<void> {
  process.on('SIGHUP', () =>
    logger.log('info', 'SIGHUP is ignored: restart to apply a changed configuration'),
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
    return { ok: false, message: `log.output ${log.output}: ${wordsOf(error)}` }
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
