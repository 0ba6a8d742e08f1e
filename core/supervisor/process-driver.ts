import { realpathSync } from 'node:fs'
import { join } from 'node:path'
import type { Exit } from '../../contract/failure.ts'
import { unreachable } from '../../contract/result.ts'
import { knownHomeIdentity } from '../../lib/home-identity.ts'
import type { Engine } from '../platform/engine.ts'
import {
  type Child,
  exitOf,
  type Kill,
  killProcess,
  type LaunchResult,
  launch,
  type Spawn,
  signalAdopted,
  signalChild,
  spawnProcess,
} from './child-process.ts'
import { endingIn } from './ending.ts'
import type { LogFile } from './log-file.ts'
import type { Policy } from './policy.ts'
import { forgetRecord, type ProcessRecord, writeRecord } from './process-record.ts'
import { createPushWatch, type PushWatch, type PushWatchDeps } from './push-watch.ts'
import { createStartCheck, type StartCheck, type StartCheckDeps } from './start-check.ts'
import type { Effect, Ending, RegistryProcess, Target, UntimedEvent } from './state.ts'

export interface ProcessDriverDeps extends StartCheckDeps, Omit<PushWatchDeps, 'engine'> {
  /** Read anew at each start: it may be replaced while nothing runs. */
  readonly engine: Engine
  /** The whole environment of the engine, but for what the engine itself adds. */
  childEnvironment: Record<string, string>
  /**
   * Lines of the log that config.json names, where it goes elsewhere than to standard output: the newest that are not
   * older than `time` (ms since the epoch), oldest first.
   */
  outputSince?(time: number): Promise<string[]>
  spawn?: Spawn
  kill?: Kill
  /** 0 up to 1, for the jitter of pauses. */
  random?(): number
}

interface Options {
  deps: ProcessDriverDeps
  policy: Policy
  logFile: LogFile
  dispatch(event: UntimedEvent): void
}

type ProcessEffect = Exclude<Effect, { do: 'journal' | 'check' }>

/** Spawns, signals and records the registry process: performs every effect of the machine but the journal. */
export interface ProcessDriver {
  /** Answers with the event that has to come before all others, where there is one. */
  perform(effect: ProcessEffect): UntimedEvent | undefined
  /** The check before a start. Resolves when its result was dispatched. */
  check(serial: number): Promise<void>
  /** The recorded process, if it is alive and still the same one. */
  recorded: StartCheck['recorded']
  /** The start time under which a process was adopted. */
  startTimeOf(pid: number): number | undefined
  /** The adopted process does not run any more. */
  adoptedIsGone(pid: number): void
  /** From now on nothing is dispatched. */
  close(): void
}

export function createProcessDriver({ deps, policy, logFile, dispatch }: Options): ProcessDriver {
  const { processes, kill = killProcess, random = Math.random } = deps
  const pushes = createPushWatch(deps)
  const recordFile = join(deps.home, 'run', 'registry.json')
  let child: SpawnedChild | undefined
  let adopted: { registry: RegistryProcess; startTime: number } | undefined
  let isClosed = false

  const write = (record: ProcessRecord) => {
    try {
      writeRecord(recordFile, record)
    } catch (error) {
      deps.log('the process record cannot be written', { error: String(error) })
    }
  }

  const startCheck = createStartCheck({
    deps,
    policy,
    recordFile,
    onAdopt(registry, { pid, startTime }, record) {
      adopted = { registry, startTime }
      if (record.startTime === undefined) write({ ...record, pid, startTime })
    },
  })

  function start(target: Target): UntimedEvent {
    const started = spawnRecorded({ deps, logFile, write, forget: () => forgetRecord(recordFile) }, target)
    if (!started.ok) {
      const { error, reason } = started
      return { kind: 'spawn-failed', reason, jitter: random(), ...(error === undefined ? {} : { error }) }
    }
    const { registry, record } = started
    const spawned = { child: started.child, pid: registry.pid, hasExited: false }
    child = spawned
    started.child.on('exit', (code, signal) => {
      spawned.hasExited = true
      void reportExit(registry, exitOf(code, signal))
    })
    void completeRecord(record, spawned)
    return { kind: 'spawned', registry }
  }

  /** Adds what only the process table knows. */
  async function completeRecord(record: ProcessRecord & { pid: number }, spawned: SpawnedChild) {
    const { pid } = record
    const identity = await Promise.all([processes.startTime(pid), processes.executable(pid)]).catch(() => [])
    const [startTime, executable] = identity
    if (spawned.hasExited || isClosed || startTime === undefined) return
    write({ ...record, startTime, ...(executable === undefined ? {} : { executable }) })
  }

  async function reportExit(registry: RegistryProcess, exit: Exit) {
    const ending = await readEnding({ deps, logFile, pushes }, registry, exit)
    if (!isClosed) dispatch({ kind: 'exited', pid: registry.pid, jitter: random(), ...ending })
  }

  function adoptedIsGone(pid: number) {
    if (adopted?.registry.pid !== pid) return
    const { registry } = adopted
    adopted = undefined
    void reportExit(registry, { kind: 'unknown-adopted' })
  }

  async function signal(registry: RegistryProcess, name: 'SIGTERM' | 'SIGKILL') {
    const { pid } = registry
    await pushes.beforeSignal(registry)
    if (!registry.adopted) {
      if (child?.pid === pid && !child.hasExited) signalChild(child.child, name, kill)
      return
    }
    const known = adopted
    if (known?.registry.pid !== pid) return
    const startTime = processes.alive(pid) ? await processes.startTime(pid) : undefined
    if (startTime === known.startTime && signalAdopted(pid, name, kill)) return
    // A process that lives and cannot be inspected may be the adopted one: neither signalled nor given up.
    if (startTime !== undefined || !processes.alive(pid)) adoptedIsGone(pid)
  }

  async function listUploads(registry: RegistryProcess) {
    const listed = await pushes.list(registry)
    if (!isClosed) dispatch({ kind: 'uploads-seen', pid: registry.pid, pushes: listed })
  }

  async function reportCheck(serial: number, check: ReturnType<typeof startCheck.run>) {
    const result = await check
    if (!isClosed) dispatch({ kind: 'checked', serial, result })
  }

  return {
    perform(effect) {
      switch (effect.do) {
        case 'check-port':
          void reportCheck(effect.serial, startCheck.runForPort(effect.target))
          return undefined
        case 'spawn':
          return start(effect.target)
        case 'signal':
          void signal(effect.registry, effect.signal)
          return undefined
        case 'list-uploads':
          void listUploads(effect.registry)
          return undefined
        case 'forget-record':
          forgetRecord(recordFile)
          return undefined
        default:
          return unreachable(effect)
      }
    },
    check: serial => reportCheck(serial, startCheck.run()),
    recorded: startCheck.recorded,
    startTimeOf: pid => (adopted?.registry.pid === pid ? adopted.startTime : undefined),
    adoptedIsGone,
    close() {
      isClosed = true
    },
  }
}

async function readEnding(
  { deps, logFile, pushes }: Pick<Options, 'deps' | 'logFile'> & { pushes: PushWatch },
  { pid, startedAt, logFrom }: RegistryProcess,
  exit: Exit,
): Promise<Ending> {
  const endedAt = deps.clock.now()
  const reads = [deps.outputSince?.(startedAt) ?? [], logFile.linesSince(logFrom)]
  const cutting = pushes.findCut(pid)
  // Its own log comes first: what breaks it off goes to standard error alone.
  const output = await Promise.all(reads).catch(() => [])
  const cut = await cutting
  return { ...endingIn(output.flat(), exit, endedAt), ...(cut === undefined ? {} : { cut }) }
}

interface SpawnedChild {
  child: Child
  pid: number
  hasExited: boolean
}

interface SpawnTools extends Pick<Options, 'deps' | 'logFile'> {
  write(record: ProcessRecord): void
  forget(): void
}

type Spawned =
  | { ok: true; child: Child; registry: RegistryProcess; record: ProcessRecord & { pid: number } }
  | Extract<LaunchResult, { ok: false }>

/** Writes the record before the spawn too, because the core may be killed during it. */
function spawnRecorded({ deps, logFile, write, forget }: SpawnTools, target: Target): Spawned {
  const logFrom = logFile.mark()
  const spawnedAt = deps.clock.now()
  const { engine, configFile, childEnvironment: environment, spawn = spawnProcess } = deps
  const home = knownHomeIdentity(deps.home)
  const record: ProcessRecord = {
    spawnedAt,
    executable: realPath(engine.command),
    configFile,
    engine: engine.id,
    place: target,
    logFrom,
    ...(engine.version === undefined ? {} : { version: engine.version }),
    ...(home === undefined ? {} : { home }),
  }
  write(record)
  const openOutput = () => logFile.openForAppend()
  const launched = launch({ engine, configFile, environment, openOutput, spawn })
  if (!launched.ok) {
    forget()
    return launched
  }
  const { pid, child } = launched
  const withPid = { ...record, pid }
  write(withPid)
  const registry = { pid, startedAt: spawnedAt, adopted: false, target, logFrom }
  return { ok: true, child, registry, record: withPid }
}

function realPath(path: string): string {
  try {
    return realpathSync(path)
  } catch {
    return path
  }
}
