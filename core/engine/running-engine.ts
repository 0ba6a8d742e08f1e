import { ok, type Result } from '../../contract/result.ts'
import { parseJson } from '../../lib/json.ts'
import type { Engine } from '../platform/engine.ts'
import type { RegistryHttp } from '../platform/registry-http.ts'
import { runningVersionIn } from '../platform/zot-version.ts'
import { stampOf } from './known-zots.ts'

/** What a process can be asked for its version. */
interface VersionSources {
  ask: RegistryHttp['ask']
  /** What was written down when the process was started. */
  recorded(): Promise<{ version?: string } | undefined>
}

/** The engine that is supervised, and the version that its process reports. */
export interface RunningEngine {
  now(): Engine
  use(engine: Engine): void
  version(): string | undefined
  /** Asks the process that serves now, once. */
  askVersion(servingPid: number | undefined, sources: VersionSources): Promise<void>
  /**
   * Before a start: whether another program was put in the place of a zot, as package managers do, and from where the
   * embedded engine is started now. Errors: engine-missing, engine-unusable.
   */
  checkReplaced(): Promise<Result<null>>
}

interface Options {
  first: Engine
  /** The zot in a file. */
  zotAt(path: string): Promise<Result<Engine>>
  /** The embedded engine as it is started now. */
  own(): Promise<Result<Engine>>
  /** Another engine is supervised. */
  onUse(): void
  /** The process reported its version. */
  onVersion(): void
}

export function createRunningEngine({ first, zotAt, own, onUse, onVersion }: Options): RunningEngine {
  let engine = first
  let stamp = stampOf(engine.command)
  /** The process that was asked last, and its answer. */
  let checked: { pid: number; version?: string } | undefined
  return {
    now: () => engine,
    use(next) {
      engine = next
      stamp = stampOf(next.command)
      checked = undefined
      onUse()
    },
    version: () => checked?.version ?? engine.version,
    // zot reports the version that runs, which is not always that of the file.
    async askVersion(pid, { ask, recorded }) {
      if (engine.id !== 'zot' || pid === undefined || checked?.pid === pid) return
      checked = { pid }
      const answer = await ask('/v2/_zot/ext/mgmt')
      const reported = answer.ok ? runningVersionIn(parseJson(answer.value.body)) : undefined
      // Without `search` it does not report one.
      const version = reported ?? (await recorded())?.version
      if (version === undefined || checked?.pid !== pid) return
      checked = { pid, version }
      onVersion()
    },
    async checkReplaced() {
      const before = engine
      const { command, id } = engine
      if (id === 'zot' && stampOf(command) === stamp) return ok(null)
      const found = await (id === 'zot' ? zotAt(command) : own())
      if (engine !== before) return ok(null)
      // What a zot that cannot be used lacks, its own check of config.json says.
      if (!found.ok) return id === 'zot' ? ok(null) : found
      engine = found.value
      stamp = stampOf(engine.command)
      if (id === 'zot') onUse()
      return ok(null)
    },
  }
}
