import type { JournalEntry, ProcessState, PushInProgress } from '../../contract/registry-state.ts'
import type { Result } from '../../contract/result.ts'
import type { Undecided } from '../../contract/undecided.ts'
import type { Clock } from '../../lib/clock.ts'
import type { Liveness } from '../platform/admin-liveness.ts'
import type { ProcessTable } from '../platform/process-table.ts'
import type { Probe } from './http-probe.ts'
import type { Spawn, SupervisedEngine } from './launch.ts'
import type { LogBatch, LogLimits } from './log-file.ts'
import type { Policy } from './policy.ts'
import { run } from './run.ts'
import type { ForeignProcess, Target } from './state.ts'
import type { Kill } from './stop.ts'

export type { LogBatch } from './log-file.ts'

/** What the supervisor is made of. Only the parts without a question mark are needed outside tests. */
export interface SupervisorDeps {
  /** Read anew at each start: it may be exchanged while nothing runs. */
  readonly engine: SupervisedEngine
  /** The app's home: run/registry.json, logs/registry.log and journal.jsonl are kept in it. */
  home: string
  configFile: string
  clock: Clock
  processes: ProcessTable
  /**
   * Before each start: the config can be read, the data volume is there. Answers where it will listen, and what somebody
   * has to choose first.
   */
  preflight(): Promise<Result<Target & { undecided?: Undecided }>>
  /** Says more of whoever owns the port. */
  recognize?(owner: ForeignProcess, place: Target): Promise<ForeignProcess>
  /** Uploads under way, as seen on disk. */
  uploadsInProgress(): Promise<PushInProgress[]>
  /** The whole environment of the engine, but for what the engine adds itself. */
  childEnvironment: Record<string, string>
  /** A question for a sign of life on the engine's administration socket; `refused` where the engine has none. */
  askAdmin?(limitMs: number): Promise<Liveness>
  /** The app's own log. */
  log(message: string, data?: Record<string, unknown>): void
  /** A file of ours that could not be understood and was set aside. */
  report(fact: { kind: 'file-set-aside'; file: string; keptAs: string }): void
  policy?: Partial<Policy>
  logLimits?: Partial<LogLimits>
  spawn?: Spawn
  probe?: Probe
  kill?: Kill
  isPortFree?(place: Target): Promise<boolean>
  /** 0 up to 1, for the jitter of waits. */
  random?(): number
}

/** One registry process, kept alive. */
export interface Supervisor {
  /** Adopts a process that an earlier life of the app left, or starts one. Returns when that is under way. */
  begin(): Promise<void>
  /** The process that an earlier life of the app left and that still runs. Asked before `begin`. */
  recorded(): Promise<{ engine: string; executable: string; version?: string } | undefined>
  state(): ProcessState
  /** Newest first, at most 20. */
  journal(): JournalEntry[]
  /** Where the process under care answers: an adopted one may still be on an earlier config. */
  target(): Target | undefined
  /** Each resolves when its end state is reached, or with why it was not. A failing end state goes on being tried. */
  start(): Promise<Result<ProcessState>>
  /** `withinMs`: at once, pushes are cut, and what still lives after that is killed. */
  stop(options?: { withinMs: number }): Promise<Result<ProcessState>>
  /** Also starts a stopped one. `now` cuts pushes instead of waiting for them. */
  restart(options: { now: boolean }): Promise<Result<ProcessState>>
  /** Takes back a stop or restart before anything was signalled. */
  cancel(): Result<null>
  /** Looks now whether what kept it from starting is over. Resolves when that is known. */
  checkAgain(): Promise<void>
  /** The data folder of the process that serves is gone, or is another one. */
  dataLost(): void
  /** The computer woke from sleep. */
  woke(): void
  /** The newest lines of the output, oldest first. */
  tail(count: number): Promise<string[]>
  follow(listener: (batch: LogBatch) => void): () => void
  /** Calls back after state or journal changed; several changes at once make one call. */
  onChange(listener: () => void): () => void
  /** Stops the process, or leaves it running for the next life of the app; then lets go of everything. */
  close(options: { keepServing: boolean }): Promise<void>
}

/** Opens log and journal; nothing is started before `begin`. Throws when the home cannot be written. */
export function createSupervisor(parts: SupervisorDeps): Supervisor {
  return run(parts)
}
