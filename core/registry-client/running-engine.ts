import { statSync } from 'node:fs'
import type { Result } from '../../contract/result.ts'
import { parseJson } from '../../lib/json.ts'
import { runningVersionIn } from '../engine/zot.ts'
import type { Engine } from '../platform/engine.ts'
import type { RegistryHttp } from '../platform/registry-http.ts'

/** The engine under care, and the version that its process tells. */
export interface RunningEngine {
  now(): Engine
  use(engine: Engine): void
  version(): string | undefined
  /** Asks the process that serves now, once. */
  ask(servingPid: number | undefined): Promise<void>
  /** Before a start: whether another program was put into the place of a zot, as package managers do. */
  lookAgain(): Promise<void>
}

interface Options {
  first: Engine
  ask: RegistryHttp['ask']
  /** What was written down when the process was started. */
  recorded(): Promise<{ version?: string } | undefined>
  /** The zot in a file. */
  zotAt(path: string): Promise<Result<Engine>>
  /** Another engine is under care. */
  onUse(): void
  /** The process told its version. */
  onVersion(): void
}

export function createRunningEngine(options: Options): RunningEngine {
  const { ask, recorded, zotAt, onUse, onVersion } = options
  let engine = options.first
  let stamp = stampOf(engine.command)
  /** What was told, and by which process. */
  let told: { pid: number; version?: string } | undefined
  return {
    now: () => engine,
    use(next) {
      engine = next
      stamp = stampOf(next.command)
      told = undefined
      onUse()
    },
    version: () => told?.version ?? engine.version,
    // zot tells the version that runs, which is not always that of the file.
    async ask(pid) {
      if (engine.id !== 'zot' || pid === undefined || told?.pid === pid) return
      told = { pid }
      const asked = await ask('/v2/_zot/ext/mgmt')
      const answered = asked.ok ? runningVersionIn(parseJson(asked.value.body)) : undefined
      // Without `search` it does not tell.
      const version = answered ?? (await recorded())?.version
      if (version === undefined || told?.pid !== pid) return
      told = { pid, version }
      onVersion()
    },
    async lookAgain() {
      const before = stamp
      if (engine.id !== 'zot' || stampOf(engine.command) === before) return
      const { command } = engine
      const there = await zotAt(command)
      if (!there.ok || engine.command !== command) return
      engine = there.value
      stamp = stampOf(engine.command)
      onUse()
    },
  }
}

/** Another one for another file at this path; undefined where there is none. */
function stampOf(path: string): string | undefined {
  const found = statSync(path, { throwIfNoEntry: false })
  return found && `${found.dev} ${found.ino} ${found.size} ${found.mtimeMs}`
}
