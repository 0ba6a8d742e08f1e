import type { OwnEngine } from '../engine/own-engine.ts'
import type { RunningEngine } from '../engine/running-engine.ts'
import type { Supervisor } from '../supervisor/supervisor.ts'
import type { Common } from './wiring.ts'

interface Deps {
  common: Pick<Common, 'clock' | 'home' | 'notify' | 'log'>
  engine: Pick<RunningEngine, 'now'>
  supervisor: Pick<Supervisor, 'recorded'>
  ownEngine: Pick<OwnEngine, 'settle' | 'close'>
}

/** Has the embedded engine copied out of the package once a registry serves, so that no start waits for it. */
export interface EngineCopies {
  /** `pid`: the registry that serves, if one does. */
  setServing(pid: number | undefined): void
  close(): Promise<void>
}

export function createEngineCopies({ common, engine, supervisor, ownEngine }: Deps): EngineCopies {
  const { clock, home, notify, log } = common
  let seen: number | undefined
  let isNotified = false
  let isClosing = false

  async function settle(): Promise<void> {
    const recorded = await supervisor.recorded()
    const why = await ownEngine.settle(recorded?.executable)
    // A copy that the end of the core cut off is made by the next one.
    if (why.kind === 'there' || isNotified || isClosing) return
    isNotified = true
    notify({ kind: 'engine-in-package', id: 'engine-in-package', at: clock.now(), home, why })
  }

  return {
    setServing(pid) {
      if (pid === undefined || pid === seen || engine.now().id === 'zot') return
      seen = pid
      settle().catch((error: unknown) => log('the engine could not be copied', { error: String(error) }))
    },
    close() {
      isClosing = true
      return ownEngine.close()
    },
  }
}
