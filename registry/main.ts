import type { Config } from './config/config.ts'
import { loadConfig } from './config/load.ts'
import { describeProblem } from './config/print.ts'
import type { ConfigProblem } from './config/problem.ts'
import { unsupported } from './config/supported.ts'
import { type DrainState, drain } from './http/drain.ts'
import { listen } from './http/listen.ts'
import { Pushes } from './http/pushes.ts'
import { createRegistryServer } from './http/server.ts'
import { type Level, type Logger, openLogger, printLine } from './log/logger.ts'
import { createRoutes } from './routes/table.ts'
import { openDiskStorage } from './storage/disk-storage.ts'
import { checkRoot, inspectRoot, wordsOf } from './storage/root.ts'
import { lockRoot } from './storage/root-lock.ts'
import { distributionSpec, version } from './version.ts'

const usage = `zotbar-registry ${version}: an OCI registry on zot's storage layout

Usage:
  zotbar-registry serve <config.json>    serve images until SIGTERM or SIGINT
  zotbar-registry verify <config.json>   check a configuration and say what is wrong
  zotbar-registry --version              print the version
  zotbar-registry --help                 print this

Exit codes: 0 done, 1 failed, 2 wrong usage`

/** How long after start the remains of old pushes are looked for, ms: the start itself is not the time. */
const collectAfter = 30_000

async function main(args: readonly string[]): Promise<number> {
  const [verb, file, ...more] = args
  if (verb === '--help' || verb === '-h' || verb === 'help') return say(usage)
  if (verb === '--version' || verb === '-v') return say(versionLine())
  if (verb !== 'serve' && verb !== 'verify') {
    return misuse(verb === undefined ? 'a command is needed' : `unknown command ${JSON.stringify(verb)}`)
  }
  if (file === '--help' || file === '-h') return say(usage)
  if (file === undefined) return misuse(`${verb} needs the path of a config.json`)
  if (more.length > 0 || file.startsWith('-')) return misuse(`${verb} takes one path and nothing else`)
  return verb === 'serve' ? await serve(file) : await verify(file)
}

async function verify(file: string): Promise<number> {
  const read = await readConfig(file)
  if (!read.ok) return refuse('invalid config file', read.problems)
  const root = await inspectRoot(read.config.storage.rootDirectory)
  if (root !== undefined) return refuse('invalid config file', [root])
  for (const warning of read.warnings) console.error(warning)
  return say(printLine('info', 'config file is valid', { config: file }))
}

async function serve(file: string): Promise<number> {
  const read = await readConfig(file)
  if (!read.ok) return refuse('invalid config file', read.problems)
  const { config } = read
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
  const pushes = new Pushes(() => performance.now())
  const state: DrainState = { draining: false }
  const registry = createRegistryServer({
    handlers: createRoutes({ storage, pushes, state }),
    logger,
    allowOrigin: config.http.allowOrigin,
    isDraining: () => state.draining,
  })
  const stopped = stopSignal(logger)
  const listening = await listen(registry.server, config.http.address, config.http.port)
  if (!listening.ok) return await fail(logger, 'failed to start', listening.message)
  const { address, port } = listening
  const serving = { address, port, rootDirectory: checked.root, version, pid: process.pid }
  logger.log('info', 'serving', serving)

  const collecting = new AbortController()
  const timer = setTimeout(async () => {
    const removed = await storage.collectStaleUploads(collecting.signal)
    if (removed > 0) logger.log('info', 'removed uploads left by broken pushes', { removed })
  }, collectAfter)
  timer.unref()

  await stopped
  clearTimeout(timer)
  collecting.abort()
  await drain(state, registry, pushes, logger)
  locked.release()
  logger.log('info', 'stopped')
  await logger.flush()
  return 0
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

type Read = { ok: true; config: Config; warnings: string[] } | { ok: false; problems: string[] }

/** The configuration, if it is one that this program can keep. */
async function readConfig(file: string): Promise<Read> {
  const describe = (problem: ConfigProblem): string => describeProblem(file, problem)
  const loaded = await loadConfig(file)
  if (!loaded.ok) return { ok: false, problems: loaded.problems.map(describe) }
  const refused = unsupported(loaded)
  if (refused.length > 0) return { ok: false, problems: refused.map(describe) }
  return { ok: true, config: loaded.config, warnings: loaded.warnings.map(describe) }
}

function openLog({ log }: Config): { ok: true; logger: Logger } | { ok: false; message: string } {
  try {
    return { ok: true, logger: openLogger(log.level, log.output) }
  } catch (error) {
    return { ok: false, message: `log.output ${log.output}: ${wordsOf(error)}` }
  }
}

/** zot's form; whoever reads the version of zot from the start of `commit` gets ours. */
const versionLine = (): string =>
  printLine('info', 'version', {
    'distribution-spec': distributionSpec,
    commit: `v${version}`,
    'binary-type': 'zotbar-registry',
    'node version': process.version,
  })

function say(text: string): number {
  console.log(text)
  return 0
}

function misuse(problem: string): number {
  console.error(`zotbar-registry: ${problem}\n\n${usage}`)
  return 2
}

/** Before there is a log: one JSON line for programs, the reasons for people. */
function refuse(message: string, reasons: readonly string[], level: Level = 'error'): number {
  console.log(printLine(level, message, { error: reasons.join('\n') }))
  for (const reason of reasons) console.error(reason)
  return 1
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

process.exit(await main(process.argv.slice(2)))
