import { unreachable } from '../../contract/result.ts'
import type { Clock } from '../../lib/clock.ts'
import type { Liveness } from '../platform/admin-liveness.ts'
import type { ProcessTable } from '../platform/process-table.ts'
import {
  askForSignOfLife,
  isCutBy,
  isOwnedByOther,
  type Probe,
  probeHttp,
  watchAdopted,
  watchForHang,
  watchReadiness,
} from './liveness.ts'
import type { Policy } from './policy.ts'
import type { RegistryProcess, State, UntimedEvent } from './state.ts'

/** What has to be watched while a state lasts; derived from the state alone, so that no watch is forgotten. */
export interface DesiredWatches {
  /** When the next tick is due, ms since the epoch. */
  tickAt?: number
  /** The process that is asked whether it is ready. */
  readiness?: RegistryProcess
  /** The process that is asked whether it still answers. */
  liveness?: RegistryProcess
  /** The adopted process whose pid and start time are watched. */
  adopted?: RegistryProcess
}

export function desiredWatches({ stage }: State, policy: Policy): DesiredWatches {
  switch (stage.kind) {
    case 'stopped':
    case 'checking':
    case 'launching':
      return {}
    case 'starting':
      return { tickAt: stage.deadline, readiness: stage.registry, ...ifAdopted(stage.registry) }
    case 'serving':
      return { liveness: stage.registry, ...ifAdopted(stage.registry) }
    case 'draining':
      return {
        tickAt: stage.isListing ? stage.until : Math.min(stage.until, stage.listAt),
        ...ifAdopted(stage.registry),
      }
    case 'stopping':
      return {
        tickAt: stage.killAt + (stage.killed ? policy.giveUpAfterMs : 0),
        ...ifAdopted(stage.registry),
      }
    case 'backing-off':
      return { tickAt: stage.until }
    case 'crash-looping':
    case 'foreign':
    case 'undecided':
      return { tickAt: stage.retryAt }
    case 'failed':
      return {
        ...(stage.retryAt === undefined ? {} : { tickAt: stage.retryAt }),
        ...(stage.survivor === undefined ? {} : ifAdopted(stage.survivor.registry)),
      }
    default:
      return unreachable(stage)
  }
}

const ifAdopted = (registry: RegistryProcess): Pick<DesiredWatches, 'adopted'> =>
  registry.adopted ? { adopted: registry } : {}

export interface WatchesDeps {
  readonly engine: { livenessPath: string }
  clock: Clock
  processes: ProcessTable
  /** Asks the engine's administration socket for a sign of life; `refused` where the engine has none. */
  askAdmin?(limitMs: number): Promise<Liveness>
  probe?: Probe
}

interface Options {
  deps: WatchesDeps
  policy: Policy
  /** The start time under which a process was adopted. */
  startTimeOf(pid: number): number | undefined
  onAdoptedGone(pid: number): void
  /** The event gets no earlier time than `notBefore`. */
  dispatch(event: UntimedEvent, notBefore?: number): void
}

/** The watches that are under way: the next tick, readiness, liveness, the pid of an adopted process. */
export interface Watches {
  /** Begins what the state needs and ends everything else. */
  update(state: State): void
  /** Begins the liveness watch anew, because misses from before the computer slept do not count. */
  restartLiveness(): void
  close(): void
}

interface Watch {
  registry: RegistryProcess
  stop(): void
}

export function createWatches(options: Options): Watches {
  const { deps, policy, dispatch } = options
  const { clock } = deps
  const begin = watchStarters(options)
  let tick: { at: number; cancel(): void } | undefined
  let readiness: Watch | undefined
  let liveness: Watch | undefined
  let adopted: Watch | undefined
  let last: State | undefined
  let isClosed = false

  function setTick(at: number | undefined) {
    if (tick?.at === at) return
    tick?.cancel()
    tick = undefined
    if (at === undefined) return
    const cancel = clock.setTimer(at, () => {
      tick = undefined
      // A tick has the time it was set for even when the clock was set back meanwhile.
      dispatch({ kind: 'tick' }, at)
    })
    tick = { at, cancel }
  }

  /** Goes on with a watch of the same process, else ends it and begins the desired one. */
  function replace(
    watch: Watch | undefined,
    registry: RegistryProcess | undefined,
    start: (registry: RegistryProcess) => () => void,
  ): Watch | undefined {
    if (watch?.registry.pid === registry?.pid) return watch
    watch?.stop()
    return registry === undefined ? undefined : { registry, stop: start(registry) }
  }

  function update(state: State) {
    if (isClosed) return
    last = state
    const desired = desiredWatches(state, policy)
    setTick(desired.tickAt)
    readiness = replace(readiness, desired.readiness, begin.readiness)
    liveness = replace(liveness, desired.liveness, begin.liveness)
    adopted = replace(adopted, desired.adopted, begin.adopted)
  }
  return {
    update,
    restartLiveness() {
      liveness?.stop()
      liveness = undefined
      if (last !== undefined) update(last)
    },
    close() {
      isClosed = true
      tick?.cancel()
      for (const watch of [readiness, liveness, adopted]) watch?.stop()
    },
  }
}

function watchStarters({ deps, policy, startTimeOf, onAdoptedGone, dispatch }: Options) {
  const { clock, processes, probe = probeHttp } = deps
  return {
    readiness: (registry: RegistryProcess) =>
      watchReadiness({
        registry,
        clock,
        probe,
        isOwnedByOther: ({ pid, target }) => isOwnedByOther(pid, target, processes),
        isCutBy: registry => isCutBy(registry, processes),
        onReady: () => dispatch({ kind: 'ready', pid: registry.pid }),
      }),
    liveness: (registry: RegistryProcess) =>
      watchForHang({
        ask(limitMs) {
          const { engine, askAdmin } = deps
          const { livenessPath: path } = engine
          return askForSignOfLife({ registry, path, clock, probe, askAdmin, processes }, limitMs)
        },
        clock,
        policy,
        onSilence: silence => dispatch({ kind: 'silent', pid: registry.pid, silence }),
        onHung: answeredAt => dispatch({ kind: 'hung', pid: registry.pid, answeredAt }),
      }),
    adopted: ({ pid }: RegistryProcess) =>
      watchAdopted({
        pid,
        startTime: startTimeOf(pid),
        clock,
        processes,
        policy,
        onGone: () => onAdoptedGone(pid),
      }),
  }
}
