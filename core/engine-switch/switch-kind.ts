import * as v from 'valibot'
import { zotEngine } from '../engine/zot.ts'
import type { Engine } from '../platform/engine.ts'
import type { InterruptedRun, RunbookKind } from '../runbook/runbook-kind.ts'
import type { Supervisor } from '../supervisor/supervisor.ts'
import { type SwitchDeps, type SwitchMemory, switchMemory, switchRunbook } from './switch.ts'

interface RecoveryDeps {
  deps: SwitchDeps
  supervisor: Pick<Supervisor, 'begin' | 'start' | 'stop' | 'state' | 'recorded'>
  log(message: string, data?: Record<string, unknown>): void
}

/** How an interrupted switch is brought to its end. */
export function switchKind(options: RecoveryDeps): RunbookKind {
  return {
    deserialize(memory) {
      const read = v.safeParse(switchMemory, memory)
      return read.success ? switchRunbook(read.output, options.deps) : undefined
    },
    resumes: begun => begun('switch'),
    recover: interrupted => recover(interrupted, v.parse(switchMemory, interrupted.memory), options),
  }
}

/** What runs decides: the wanted engine is adopted, the other one is stopped first. */
async function recover(
  interrupted: InterruptedRun,
  memory: SwitchMemory,
  { deps, supervisor, log }: RecoveryDeps,
): Promise<void> {
  const { resumes, inThisLife, serves } = interrupted
  const [from, to] = [await remembered(memory.from, deps), await remembered(memory.to, deps)]
  const wanted = resumes ? to : from
  const running = await supervisor.recorded()
  log('an interrupted runbook is brought to its end', { resumes, running: running?.engine })
  // The embedded engine lies elsewhere in each build, and is the same one.
  const isWanted =
    running?.engine === wanted.id &&
    (wanted.id === 'zotbar-registry' || running.executable === wanted.command)
  const otherEngine =
    running === undefined || isWanted ? undefined : [from, to].find(({ id }) => id === running.engine)
  const first = otherEngine ?? wanted
  deps.use(first)
  // The run alone allows it until its end: the choice for the data folder may still be the other engine.
  deps.permit(first)
  if (!inThisLife) await supervisor.begin()
  if (!isWanted) await supervisor.stop()
  deps.use(wanted)
  void interrupted.resume().then(() => {
    deps.permit(undefined)
    // Whatever came of it, the registry is to serve.
    if (serves && supervisor.state().kind === 'stopped') void supervisor.start()
  })
}

/** The engine that a journal remembers, also when its program is gone: then its start says so. */
async function remembered(memory: SwitchMemory['to'], { locate }: SwitchDeps): Promise<Engine> {
  const engine = await locate(memory)
  return engine.ok ? engine.value : zotEngine(memory.command, memory.version)
}
