import type { Engine } from './engine/engine.ts'
import { runningVersionIn } from './engine/zot.ts'
import { parseJson, type RegistryHttp } from './platform/registry-http.ts'

/** The engine under care, and the version that its process tells. */
export interface RunningEngine {
  now(): Engine
  use(engine: Engine): void
  version(): string | undefined
  /** Asks the process that serves now, once. */
  ask(servingPid: number | undefined): Promise<void>
}

interface Options {
  first: Engine
  ask: RegistryHttp['ask']
  /** Another engine is under care. */
  onUse(): void
  /** The process told its version. */
  onVersion(): void
}

export function createRunningEngine({ first, ask, onUse, onVersion }: Options): RunningEngine {
  let engine = first
  /** What was told, and by which process. */
  let told: { pid: number; version?: string } | undefined
  return {
    now: () => engine,
    use(next) {
      engine = next
      told = undefined
      onUse()
    },
    version: () => told?.version ?? engine.version,
    // zot tells the version that runs, which is not always that of the file.
    async ask(pid) {
      if (engine.id !== 'zot' || pid === undefined || told?.pid === pid) return
      told = { pid }
      const asked = await ask('/v2/_zot/ext/mgmt')
      const version = asked.ok ? runningVersionIn(parseJson(asked.value.body)) : undefined
      if (version === undefined || told?.pid !== pid) return
      told = { pid, version }
      onVersion()
    },
  }
}
