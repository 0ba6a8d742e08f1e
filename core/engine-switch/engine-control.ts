import { join } from 'node:path'
import * as v from 'valibot'
import type { ZotbarHandlers } from '../../contract/contract.ts'
import type { Failure } from '../../contract/failure.ts'
import { failureMessage } from '../../contract/messages/failure-message.ts'
import type { ProcessState } from '../../contract/registry-state.ts'
import { fail, ok, type Result } from '../../contract/result.ts'
import type { EngineRow, Finding, RunbookPlan } from '../../contract/runbook.ts'
import type { EngineChoice } from '../../contract/undecided.ts'
import type { Clock } from '../../lib/clock.ts'
import { loadConfig } from '../../registry/config/load.ts'
import type { EngineSelection, Engines } from '../engine/engines.ts'
import { zotEngine } from '../engine/zot.ts'
import type { Engine } from '../platform/engine.ts'
import type { ProcessTable } from '../platform/process-table.ts'
import type { RegistryHttp } from '../platform/registry-http.ts'
import { layoutIn, otherHolder, readTarget, rootsIn } from '../registry-config/preflight.ts'
import { dryRun } from '../runbook/run.ts'
import type { InterruptedRun, RunbookKind } from '../runbook/runbook-kind.ts'
import type { Runs } from '../runbook/runs.ts'
import type { Settings } from '../settings/settings.ts'
import type { Supervisor } from '../supervisor/supervisor.ts'
import { unreadableFindings } from '../verify/inventory.ts'
import { type SwitchDeps, type SwitchMemory, switchMemory, switchName, switchRunbook } from './switch.ts'
import { switchFindings } from './switch-findings.ts'

interface Options {
  home: string
  configFile: string
  engines: Engines
  settings: Settings
  clock: Clock
  processes: ProcessTable
  supervisor: Supervisor
  current(): Engine
  use(engine: Engine): void
  ask: RegistryHttp['ask']
  /** The newest lines of the registry's log, oldest first. */
  tail(count: number): Promise<string[]>
  runs: Pick<Runs, 'start' | 'blocked'>
  /** The engine of the data folder. */
  folder: {
    /** This engine may be started on it, whatever was chosen; undefined: none. */
    permit(engine: Engine | undefined): void
    /** Writes the engine of now down as the one that was chosen, durably. */
    choose(by: string): Promise<Result<unknown>>
    choice(): Promise<EngineChoice | undefined>
    /** The program that served it last, where that was a zot. */
    servedBy(): Promise<string | undefined>
  }
  log(message: string, data?: Record<string, unknown>): void
}

/** Which engine runs, and the runbook that changes it. */
export interface EngineControl {
  handlers: Pick<ZotbarHandlers, 'engine'>
  kinds: Record<string, RunbookKind>
}

/** Joins the engines that are there, the settings and the runbook between them. */
export function createEngineControl(options: Options): EngineControl {
  const { home, configFile, engines, settings, clock, processes, supervisor, current, use, log, runs } =
    options
  const choice = (): EngineSelection => ({ id: settings.get('engine'), path: settings.get('engine.path') })

  const deps: SwitchDeps = {
    clock,
    supervisor,
    current,
    use,
    choice,
    locate: ({ id, command }) => engines.locate({ id, path: id === 'zot' ? command : '' }),
    async choose({ id, path }) {
      const named = await settings.set('engine.path', path, 'cli')
      return named.ok ? settings.set('engine', id, 'cli') : named
    },
    async inspect(engine) {
      const target = await readTarget(configFile, engine.id)
      if (!target.ok) return target
      const state = supervisor.state()
      const holder = await otherHolder(target.value, processes, 'pid' in state ? state.pid : undefined)
      return holder.ok ? engines.verify(engine, configFile) : holder
    },
    permit: options.folder.permit,
    recordChoice: by => options.folder.choose(by),
    isChosen: async engine => {
      const chosen = await options.folder.choice()
      return chosen !== undefined && chosen.engine === engine.id
    },
    findings,
    roots: () => rootsIn(configFile),
    ask: options.ask,
    tail: options.tail,
    layout: () => layoutIn(configFile),
    known: new Map(),
    verification: () => ({
      readySeconds: settings.get('gate.readySeconds'),
      stableSeconds: settings.get('gate.stableSeconds'),
    }),
  }

  const kind: RunbookKind = {
    deserialize(memory) {
      const read = v.safeParse(switchMemory, memory)
      return read.success ? switchRunbook(read.output, deps) : undefined
    },
    resumes: begun => begun('switch'),
    recover: interrupted => recover(interrupted, v.parse(switchMemory, interrupted.memory)),
  }

  async function findings({ from, to }: SwitchMemory): Promise<Finding[]> {
    const loaded = await loadConfig(configFile)
    if (!loaded.ok) return []
    const { http, extensions } = loaded.config
    const found = switchFindings(from.id, to.id, {
      configFile,
      apiKeys: http.auth?.apikey === true || http.auth?.openid !== undefined,
      sessions: http.auth !== undefined,
      pullThrough: (extensions?.sync?.registries ?? []).length > 0,
      search: extensions?.search !== undefined || extensions?.ui !== undefined,
    })
    return [...found, ...(await unreadableFindings(deps))]
  }

  async function memoryFor(wish: EngineSelection, yes: boolean, by: string): Promise<Result<SwitchMemory>> {
    const to = await engines.locate(wish)
    return to.ok ? ok({ ...memoryOf(to.value, wish.path, yes), by }) : to
  }

  const memoryOf = (to: Engine, path: string, yes: boolean): SwitchMemory => ({
    from: chosen(current(), choice().path),
    to: chosen(to, path),
    yes,
    censusFile: join(home, 'runbooks', `census-${clock.now().toString(36)}.json`),
  })

  /** Also for an engine that is not there: then the plan says so. */
  async function plan(wish: EngineSelection, yes: boolean): Promise<RunbookPlan> {
    const engine = await engines.locate(wish)
    const to = engine.ok ? engine.value : zotEngine(wish.path === '' ? 'zot' : wish.path, undefined)
    const memory = memoryOf(to, wish.path, yes)
    const accepted = engine.ok ? await deps.inspect(to) : engine
    const found = await findings(memory)
    const refused: Finding[] = accepted.ok ? [] : [refusal(to.id, accepted.error)]
    return {
      runbook: switchName,
      steps: await dryRun(switchRunbook(memory, deps)),
      findings: [...refused, ...found],
    }
  }

  /** The engine that a journal remembers, also when its program is gone: then its start says so. */
  async function remembered(memory: SwitchMemory['to']): Promise<Engine> {
    const engine = await deps.locate(memory)
    return engine.ok ? engine.value : zotEngine(memory.command, memory.version)
  }

  /** What runs decides: the engine that is wanted is adopted, the other one is stopped first. */
  async function recover(interrupted: InterruptedRun, memory: SwitchMemory): Promise<void> {
    const [from, to] = [await remembered(memory.from), await remembered(memory.to)]
    const wanted = interrupted.resumes ? to : from
    const running = await supervisor.recorded()
    log('an interrupted runbook is brought to its end', {
      resumes: interrupted.resumes,
      running: running?.engine,
    })
    const isWanted = running?.engine === wanted.id && running.executable === wanted.command
    const other =
      running === undefined || isWanted ? undefined : [from, to].find(e => e.id === running.engine)
    const first = other ?? wanted
    use(first)
    // The run alone allows it until its end: the choice for the data folder may still be the other engine.
    options.folder.permit(first)
    if (!interrupted.inThisLife) await supervisor.begin()
    if (!isWanted) await supervisor.stop()
    use(wanted)
    void interrupted.resume().then(() => {
      options.folder.permit(undefined)
      // Whatever came of it, the registry is to serve.
      if (interrupted.serves && supervisor.state().kind === 'stopped') void supervisor.start()
    })
  }

  return {
    handlers: {
      engine: {
        async list() {
          const [rows, chosen] = [await engines.list(current()), await options.folder.choice()]
          const told = chosen === undefined ? rows : rows.map(row => withChoice(row, chosen))
          return ok({
            engines: isOpen(supervisor.state()) ? told.map(row => ({ ...row, current: false })) : told,
          })
        },
        async use({ engine, path, yes, dryRun: dry }, caller) {
          if (path !== undefined && caller !== 'cli')
            return fail({ code: 'setting-not-allowed-here', key: 'engine.path' })
          const blocked = runs.blocked()
          if (blocked && !dry) return fail(blocked)
          // The zot that served last is meant where none is named: nobody over HTTP can name a program.
          const named = path ?? choice().path
          const wish = {
            id: engine,
            path: named === '' && engine === 'zot' ? ((await options.folder.servedBy()) ?? '') : named,
          }
          if (dry) return ok({ plan: await plan(wish, yes) })
          const memory = await memoryFor(wish, yes, caller)
          if (!memory.ok) return memory
          return runs.start(switchRunbook(memory.value, deps), caller)
        },
      },
    },
    kinds: { [switchName]: kind },
  }
}

/** Whether somebody has yet to choose an engine: the one under care is only the one that a start would begin with. */
function isOpen(state: ProcessState): boolean {
  const why = state.kind === 'undecided' ? state.why : state.kind === 'foreign' ? state.open?.why : undefined
  return why !== undefined && why !== 'other-folder'
}

/** The choice stands at the engine that it is for. */
const withChoice = (row: EngineRow, choice: EngineChoice): EngineRow =>
  row.id === choice.engine && (row.id === 'zotbar-registry' || row.current || row.path === choice.program)
    ? { ...row, choice }
    : row

/** What keeps an engine from taking over, and what to do about it. */
function refusal(id: Engine['id'], error: Failure): Finding {
  const { title, steps } = failureMessage(error)
  const lines = 'lastLines' in error ? error.lastLines : []
  return {
    id: error.code,
    severity: 'error',
    evidence: [`${title}.`, ...lines].join('\n'),
    advice: [`${id} cannot take over as it is.`, ...steps].join(' '),
  }
}

const chosen = ({ id, command, version }: Engine, path: string): SwitchMemory['to'] => ({
  id,
  path,
  command,
  ...(version === undefined ? {} : { version }),
})
