import { realpathSync } from 'node:fs'
import { join } from 'node:path'
import type { Exit } from '../../contract/failure.ts'
import { unreachable } from '../../contract/result.ts'
import { reasonOf } from '../../lib/error-code.ts'
import { identifyYoung } from './adopt.ts'
import { type Child, exitOf, type LaunchResult, launch, type Spawn, spawnProcess } from './launch.ts'
import type { LogFile } from './log-file.ts'
import type { Policy } from './policy.ts'
import { isPortFree, lookAtPort } from './port.ts'
import { forgetRecord, type ProcessRecord, readRecord, writeRecord } from './record.ts'
import type { CheckResult, Effect, RegistryProcess, Target, UntimedEvent } from './state.ts'
import { killProcess, signalAdopted, signalChild } from './stop.ts'
import type { SupervisorDeps } from './supervisor.ts'

interface Parts {
  parts: SupervisorDeps
  policy: Policy
  logFile: LogFile
  tell(event: UntimedEvent, how?: { first: boolean }): void
}

/** The hands on the process: everything that `step` asks for, but the journal. */
export interface ProcessDriver {
  perform(effect: Exclude<Effect, { do: 'journal' | 'check' }>): void
  /** The look at the machine before a start. Resolves when what it found was told. */
  look(serial: number): Promise<void>
  /** The process that was written down, if it is alive and that one. */
  recorded(): Promise<{ engine: string; executable: string; version?: string } | undefined>
  /** Start time under which a process was adopted. */
  startTimeOf(pid: number): number | undefined
  /** An adopted process was found gone. */
  gone(pid: number): void
  end(): void
}

/** Of the last lines that are told with an exit: how many, and how long. */
const [lastCount, lastChars] = [20, 400]

export function createProcessDriver({ parts, policy, logFile, tell }: Parts): ProcessDriver {
  const { configFile, processes, home } = parts
  const {
    spawn = spawnProcess,
    kill = killProcess,
    isPortFree: isFree = isPortFree,
    random = Math.random,
  } = parts
  const recordFile = join(home, 'run', 'registry.json')
  let child: { child: Child; run: RegistryProcess; exited: boolean } | undefined
  let adopted: { run: RegistryProcess; startTime: number } | undefined
  let ended = false

  async function look(): Promise<CheckResult> {
    const record = await readRecord(recordFile, what =>
      parts.report({ kind: 'file-set-aside', ...what }),
    ).catch(() => undefined)
    const found = record && (await identifyYoung(record, configFile, processes, parts.clock))
    if (record && found) {
      const { place, spawnedAt, logFrom } = record
      const { pid, startTime } = found
      const run = { pid, startedAt: spawnedAt, adopted: true, target: place, logFrom }
      adopted = { run, startTime }
      if (record.startTime === undefined) write({ ...record, pid, startTime })
      return { kind: 'ours', registry: run, ownsPort: found.ownsPort }
    }
    if (record) parts.log('the recorded process is gone, or is another one', { ...record })
    const place = await parts.preflight()
    if (!place.ok) return { kind: 'refused', error: place.error }
    const { undecided } = place.value
    const port = await owned(plain(place.value))
    // Whoever has the port is told in any case.
    return port.kind === 'free' && undecided !== undefined ? { kind: 'undecided', undecided } : port
  }

  async function owned(place: Target): Promise<CheckResult> {
    const finding = await lookAtPort(place, processes, isFree)
    if (finding.kind !== 'taken' || parts.recognize === undefined) return finding
    return { ...finding, owner: await parts.recognize(finding.owner, place) }
  }

  /** A volume that does not answer must not hold up everything else. */
  function limited(finding: Promise<CheckResult>): Promise<CheckResult> {
    return new Promise((resolve, reject) => {
      const where = 'the look at config and data folder, which took too long'
      const cancel = parts.clock.setTimer(parts.clock.now() + policy.checkTimeoutMs, () =>
        resolve({ kind: 'refused', error: { code: 'unexpected', where } }),
      )
      finding.then(resolve, reject).finally(cancel)
    })
  }

  async function check(serial: number, finding: Promise<CheckResult>) {
    const found = await limited(finding).catch((error: unknown): CheckResult => {
      parts.log('the look before a start failed', { error: String(error) })
      return { kind: 'refused', error: { code: 'unexpected', where: 'the look before a start' } }
    })
    if (!ended) tell({ kind: 'checked', serial, result: found })
  }

  function launchWith(spawner: Spawn): LaunchResult {
    try {
      const output = logFile.openForAppend()
      return launch({
        engine: parts.engine,
        configFile,
        environment: parts.childEnvironment,
        output,
        spawn: spawner,
      })
    } catch (error) {
      return { ok: false, reason: `the log cannot be opened: ${reasonOf(error)}` }
    }
  }

  function start(place: Target) {
    const logFrom = logFile.mark()
    const spawnedAt = parts.clock.now()
    const { engine } = parts
    const record: ProcessRecord = {
      spawnedAt,
      executable: real(engine.command),
      configFile,
      engine: engine.id,
      place,
      logFrom,
      ...(engine.version === undefined ? {} : { version: engine.version }),
    }
    // Before the spawn too: the app may be killed while the system is still at it.
    write(record)
    const launched = launchWith(spawn)
    if (!launched.ok) {
      const { error, reason } = launched
      forgetRecord(recordFile)
      tell(
        { kind: 'spawn-failed', reason, jitter: random(), ...(error === undefined ? {} : { error }) },
        { first: true },
      )
      return
    }
    write({ ...record, pid: launched.pid })
    const run: RegistryProcess = {
      pid: launched.pid,
      startedAt: spawnedAt,
      adopted: false,
      target: place,
      logFrom,
    }
    const own = { child: launched.child, run, exited: false }
    child = own
    launched.child.on('exit', (code, signal) => {
      own.exited = true
      void exited(run, exitOf(code, signal))
    })
    completeRecord({ ...record, pid: launched.pid }, own)
    tell({ kind: 'spawned', registry: run }, { first: true })
  }

  function write(record: ProcessRecord) {
    try {
      writeRecord(recordFile, record)
    } catch (error) {
      parts.log('the process record cannot be written', { error: String(error) })
    }
  }

  /** Adds what only the process table can tell. */
  function completeRecord(record: ProcessRecord & { pid: number }, own: { exited: boolean }) {
    const { pid } = record
    void Promise.all([processes.startTime(pid), processes.executable(pid)]).then(
      ([startTime, executable]) => {
        if (own.exited || ended || startTime === undefined) return
        write({ ...record, startTime, ...(executable === undefined ? {} : { executable }) })
      },
      () => {},
    )
  }

  async function exited(run: RegistryProcess, exit: Exit) {
    const lastLines = await logFile.linesSince(run.logFrom, lastCount, lastChars).catch(() => [])
    if (!ended) tell({ kind: 'exited', pid: run.pid, exit, lastLines, jitter: random() })
  }

  function gone(pid: number) {
    if (adopted?.run.pid !== pid) return
    const { run } = adopted
    adopted = undefined
    void exited(run, { kind: 'unknown-adopted' })
  }

  async function signal(run: RegistryProcess, name: 'SIGTERM' | 'SIGKILL') {
    if (!run.adopted) {
      if (child?.run.pid === run.pid && !child.exited) signalChild(child.child, name, kill)
      return
    }
    const known = adopted
    if (known?.run.pid !== run.pid) return
    const seen = processes.alive(run.pid) ? await processes.startTime(run.pid) : undefined
    if (seen === known.startTime && signalAdopted(run.pid, name, kill)) return
    // One that lives and could not be looked at may still be it: not signalled, and not taken for gone either.
    if (seen !== undefined || !processes.alive(run.pid)) gone(run.pid)
  }

  async function lookAtUploads(pid: number) {
    const pushes = await parts.uploadsInProgress().catch((error: unknown) => {
      parts.log('uploads under way cannot be seen', { error: String(error) })
      return []
    })
    if (!ended) tell({ kind: 'uploads-seen', pid, pushes })
  }

  return {
    perform(effect) {
      switch (effect.do) {
        case 'check-port':
          return void check(effect.serial, owned(effect.target))
        case 'spawn':
          return start(effect.target)
        case 'signal':
          return void signal(effect.registry, effect.signal)
        case 'list-uploads':
          return void lookAtUploads(effect.pid)
        case 'forget-record':
          return forgetRecord(recordFile)
        default:
          return unreachable(effect)
      }
    },
    look: serial => check(serial, look()),
    async recorded() {
      const record = await readRecord(recordFile, what =>
        parts.report({ kind: 'file-set-aside', ...what }),
      ).catch(() => undefined)
      const found = record && (await identifyYoung(record, configFile, processes, parts.clock))
      if (!record || !found) return undefined
      const { engine, executable, version } = record
      return { engine, executable, ...(version === undefined ? {} : { version }) }
    },
    startTimeOf: pid => (adopted?.run.pid === pid ? adopted.startTime : undefined),
    gone,
    end() {
      ended = true
    },
  }
}

/** Only what belongs into a state: a preflight may know more, functions too. */
const plain = ({ url, host, listen, port, dataFolder }: Target): Target => ({
  url,
  host,
  port,
  ...(listen === undefined ? {} : { listen }),
  ...(dataFolder === undefined ? {} : { dataFolder }),
})

function real(path: string): string {
  try {
    return realpathSync(path)
  } catch {
    return path
  }
}
