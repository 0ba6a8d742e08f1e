import { watchAdopted } from './alive.ts'
import type { ProcessDriver } from './care.ts'
import { watchForHang } from './hang.ts'
import { probeHttp } from './http-probe.ts'
import { askForLife, isCutBy } from './liveness.ts'
import type { Policy } from './policy.ts'
import { isOthers } from './port.ts'
import { watchReadiness } from './ready.ts'
import type { RegistryProcess, State, UntimedEvent } from './state.ts'
import type { SupervisorDeps } from './supervisor.ts'
import { desiredWatches } from './wants.ts'

interface Parts {
  parts: SupervisorDeps
  policy: Policy
  care: ProcessDriver
  tell(event: UntimedEvent, how?: { due: number }): void
}

/** What goes on beside the steps: the next tick, readiness, liveness, the pid of an adopted process. */
export interface Watchers {
  /** Begins what a state wants and ends what it does not. */
  keep(state: State): void
  /** Begins the liveness question anew: what was missed before the computer slept does not count. */
  reset(): void
  end(): void
}

interface Watch {
  run: RegistryProcess
  stop(): void
}

export function createWatchers({ parts, policy, care, tell }: Parts): Watchers {
  const { clock, processes, probe = probeHttp } = parts
  let tick: { at: number; cancel(): void } | undefined
  let readiness: Watch | undefined
  let liveness: Watch | undefined
  let alive: Watch | undefined
  let last: State | undefined
  let ended = false

  function keepTick(at: number | undefined) {
    if (tick?.at === at) return
    tick?.cancel()
    tick = undefined
    if (at === undefined) return
    const cancel = clock.setTimer(at, () => {
      tick = undefined
      tell({ kind: 'tick' }, { due: at })
    })
    tick = { at, cancel }
  }

  /** Keeps a watch on the same process, else ends it and begins the one that is wanted. */
  function kept(
    watch: Watch | undefined,
    run: RegistryProcess | undefined,
    begin: (run: RegistryProcess) => () => void,
  ) {
    if (watch?.run.pid === run?.pid) return watch
    watch?.stop()
    return run === undefined ? undefined : { run, stop: begin(run) }
  }

  const ask = (run: RegistryProcess) =>
    watchReadiness({
      run,
      clock,
      probe,
      isOthers: ({ pid, target }) => isOthers(pid, target, processes),
      isCutBy: run => isCutBy(run, processes),
      onReady: () => tell({ kind: 'ready', pid: run.pid }),
    })
  const listen = (run: RegistryProcess) =>
    watchForHang({
      ask: limitMs => {
        const { engine, askAdmin } = parts
        return askForLife({ run, path: engine.livenessPath, clock, probe, askAdmin, processes }, limitMs)
      },
      clock,
      policy,
      onSilence: silence => tell({ kind: 'silent', pid: run.pid, silence }),
      onHung: answeredAt => tell({ kind: 'hung', pid: run.pid, answeredAt }),
    })
  const watch = ({ pid }: RegistryProcess) =>
    watchAdopted({
      pid,
      startTime: care.startTimeOf(pid),
      clock,
      processes,
      policy,
      onGone: () => care.gone(pid),
    })

  function keep(state: State) {
    if (ended) return
    last = state
    const wanted = desiredWatches(state, policy)
    keepTick(wanted.tickAt)
    readiness = kept(readiness, wanted.readiness, ask)
    liveness = kept(liveness, wanted.liveness, listen)
    alive = kept(alive, wanted.alive, watch)
  }
  return {
    keep,
    reset() {
      liveness?.stop()
      liveness = undefined
      if (last !== undefined) keep(last)
    },
    end() {
      ended = true
      tick?.cancel()
      for (const each of [readiness, liveness, alive]) each?.stop()
    },
  }
}
