import { realpath } from 'node:fs/promises'
import * as v from 'valibot'
import type { Engines } from '../engine/engines.ts'
import type { InterruptedRun, RunbookKind } from '../runbook/runbook-kind.ts'
import type { Settings } from '../settings/settings.ts'
import type { Supervisor } from '../supervisor/supervisor.ts'
import { snapshotFolder } from './change-steps.ts'
import type { UpgradeDeps } from './deps.ts'
import { type UpgradeMemory, upgradeMemory } from './memory.ts'
import { upgradeRunbook } from './runbook.ts'
import { markOutdated } from './snapshot.ts'

interface RecoveryDeps {
  deps: UpgradeDeps
  supervisor: Pick<Supervisor, 'begin' | 'start' | 'stop' | 'state' | 'recorded'>
  engines: Pick<Engines, 'locate'>
  settings: Settings
}

/** How an interrupted upgrade is brought to its end. */
export function upgradeKind({ deps, ...options }: RecoveryDeps): RunbookKind {
  return {
    deserialize(memory) {
      const read = v.safeParse(upgradeMemory, memory)
      return read.success ? upgradeRunbook(read.output, deps) : undefined
    },
    resumes: begun => begun('swap'),
    recover: interrupted =>
      recover(interrupted, v.parse(upgradeMemory, interrupted.memory), { deps, ...options }),
    async servesMeanwhile(memory) {
      const read = v.safeParse(upgradeMemory, memory)
      if (read.success) await markOutdated(snapshotFolder(deps, read.output))
    },
  }
}

/**
 * The link says which version would start. A version that has yet to prove itself, or that is being left, is not started
 * beside the run: the wanted one is adopted where it runs, any other is stopped, and the run starts what it needs.
 */
async function recover(
  interrupted: InterruptedRun,
  memory: UpgradeMemory,
  options: RecoveryDeps,
): Promise<void> {
  const { supervisor, deps } = options
  const { resumes, inThisLife, serves } = interrupted
  const running = await supervisor.recorded()
  const to = memory.to && (await realpath(memory.to.path).catch(() => undefined))
  const isLinked = to !== undefined && (await deps.library.activeProgram()) === to
  const isRetained = resumes ? to !== undefined && running?.executable === to : !isLinked
  deps.log('an interrupted upgrade is brought to its end', { resumes, keeps: isRetained })
  const begun = inThisLife ? undefined : supervisor.begin()
  const stopped = isRetained ? undefined : supervisor.stop()
  await begun
  // What serves in this life was started beside the run: the run begins with nothing running.
  if (inThisLife) await stopped
  void interrupted.resume().then(() => (serves ? serveAgain(options) : undefined))
}

/** Whatever came of a run, the registry is to serve: with the version that the link and the settings name. */
export async function serveAgain({ supervisor, engines, settings, deps }: RecoveryDeps): Promise<void> {
  if (supervisor.state().kind !== 'stopped') return
  const engine = await engines.locate({ id: settings.get('engine'), path: settings.get('engine.path') })
  if (engine.ok) deps.use(engine.value)
  void supervisor.start()
}
