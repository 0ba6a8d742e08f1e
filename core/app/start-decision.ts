import { fail, ok, type Result } from '../../contract/result.ts'
import { undecidedFailure } from '../../contract/undecided.ts'
import { childEnvironment } from '../../lib/child-environment.ts'
import type { Clock } from '../../lib/clock.ts'
import type { FolderWatch } from '../data-folder/folder-watch.ts'
import type { Engines } from '../engine/engines.ts'
import { createZotRecognizer } from '../engine/foreign-zot.ts'
import type { RunningEngine } from '../engine/running-engine.ts'
import type { ProcessTable } from '../platform/process-table.ts'
import type { CurrentTarget } from '../registry-config/current-target.ts'
import { checkNamedFiles } from '../registry-config/named-files.ts'
import {
  checkFolders,
  checkLogOutput,
  preflight,
  readTarget,
  type Target,
} from '../registry-config/preflight.ts'
import { onceWritten } from '../registry-config/unfinished.ts'
import type { SupervisorDeps } from '../supervisor/supervisor.ts'
import type { EngineDecision } from './engine-decision.ts'

interface Deps {
  configFile: string
  clock: Clock
  engines: Engines
  processes: ProcessTable
  decision: Pick<EngineDecision, 'decide'>
  folderWatch: Pick<FolderWatch, 'sawForeignZot'>
  engine: RunningEngine
  target: CurrentTarget
  /** The engine is started with this target next. */
  onStart(target: Target): Promise<void>
  /** The images are in other folders than before. */
  onMoved(): void
}

/** What is checked before the registry is started, and of whoever has its port. */
export interface StartDecision {
  /** Before each start: takes up config.json as it is now. */
  preflight: SupervisorDeps['preflight']
  /** Whether the registry could be started as config.json is now; changes nothing. */
  ready(): Promise<Result<unknown>>
  recognize: NonNullable<SupervisorDeps['recognize']>
}

export function createStartDecision(deps: Deps): StartDecision {
  const { configFile, engines, processes, decision, engine, target: current } = deps
  const zotAt = createZotRecognizer({
    configFile,
    processes,
    roots: () => {
      const target = current.target()
      return target === undefined ? [] : [target.dataFolder, ...Object.values(target.subFolders)]
    },
    environment: childEnvironment(process.env),
  })

  const whenWritten = <T>(check: () => Promise<Result<T>>): Promise<Result<T>> =>
    onceWritten(configFile, deps.clock, check)

  return {
    preflight: () =>
      whenWritten(async () => {
        const decided = await decision.decide()
        if (!decided.ok) return decided
        if (decided.value !== undefined) {
          const target = await readTarget(configFile, 'zot')
          if (!target.ok) return target
          if (current.use(target.value).isMoved) deps.onMoved()
          return ok({ ...target.value, undecided: decided.value })
        }
        const checked = await preflight(configFile, processes, engine.now().id)
        if (!checked.ok) {
          await current.isFaulty()
          return checked
        }
        const replaced = await engine.checkReplaced()
        if (!replaced.ok) return replaced
        const verified = await engines.verify(engine.now(), configFile)
        if (!verified.ok) return verified
        const { isMoved } = current.use(checked.value)
        await deps.onStart(checked.value)
        if (isMoved) deps.onMoved()
        return checked
      }),
    ready: () =>
      whenWritten(async () => {
        const open = await decision.decide({ isTrial: true })
        if (!open.ok) return open
        if (open.value !== undefined) return fail(undecidedFailure(open.value))
        const read = await readTarget(configFile, engine.now().id)
        const checked = read.ok ? await checkLogOutput(configFile, read.value) : read
        if (!checked.ok) return checked
        const folders = await checkFolders(checked.value)
        if (!folders.ok) return folders
        const files = await checkNamedFiles(checked.value.namedFiles, engine.now().id)
        return files.ok ? engines.verify(engine.now(), configFile) : files
      }),
    async recognize(owner, { url }) {
      const zot = await zotAt(owner, url)
      if (zot !== undefined) await deps.folderWatch.sawForeignZot(zot)
      // Only now: a zot that is met for the first time makes the choice an open one.
      const decided = await decision.decide({ isTrial: true })
      const open = decided.ok ? decided.value : undefined
      const { sameStore: _, ...description } = zot ?? {}
      const keptBy = owner.pid === undefined ? undefined : await processes.keptBy(owner.pid)
      return {
        ...owner,
        ...(keptBy === undefined ? {} : { keptBy }),
        ...(zot === undefined ? {} : { zot: description }),
        ...(open === undefined ? {} : { open: { why: open.why, commands: open.commands } }),
      }
    },
  }
}
