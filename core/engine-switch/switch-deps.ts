import type { ProcessState } from '../../contract/registry-state.ts'
import type { Result } from '../../contract/result.ts'
import type { Finding } from '../../contract/runbook.ts'
import type { EngineChoice, ZotBefore } from '../../contract/undecided.ts'
import type { Clock } from '../../lib/clock.ts'
import { loadConfig } from '../../registry/config/load.ts'
import type { Engines } from '../engine/engines.ts'
import type { Engine } from '../platform/engine.ts'
import type { RegistryHttp } from '../platform/registry-http.ts'
import { metricsPathIn } from '../registry-config/metrics-path.ts'
import { layoutIn, readTarget } from '../registry-config/preflight.ts'
import { configStamp, onceWritten, rootsOnceWritten } from '../registry-config/unfinished.ts'
import type { Settings } from '../settings/settings.ts'
import type { Supervisor } from '../supervisor/supervisor.ts'
import { linkFindings, type StoreDeps, unreadableFindings } from '../verify/inventory.ts'
import type { SwitchDeps, SwitchMemory } from './switch.ts'
import { switchFindings } from './switch-findings.ts'
import { zotFindings } from './zot-findings.ts'

/** What the deps of a switch are made from. */
export interface SwitchWiring {
  configFile: string
  engines: Engines
  settings: Settings
  clock: Clock
  supervisor: Supervisor
  current(): Engine
  use(engine: Engine): void
  /** Whether nobody else has the port or the data folders. */
  checkHolders(): Promise<Result<null>>
  ask: RegistryHttp['ask']
  /** The newest lines of the registry's log, oldest first. */
  tail(count: number): Promise<string[]>
  /** The engine of the data folder. */
  folder: {
    /** This engine may be started on it, whatever was chosen; undefined: none. */
    permit(engine: Engine | undefined): void
    /** Writes the engine of now down as the one that was chosen, durably. */
    choose(by: string, lastZot?: ZotBefore): Promise<Result<unknown>>
    choice(): Promise<EngineChoice | undefined>
    /** Fails with `undecided` where it would ask nobody who they are, and nobody agreed to that. */
    agreed(engine: Engine): Promise<Result<null>>
    /** The program that served it last, where that was a zot. */
    servedBy(): Promise<string | undefined>
    /** The engine that served it last; undefined where none is known. */
    servedLast(): Promise<Engine['id'] | undefined>
    /** The zot that served it last, whatever serves it now. */
    lastZot(): Promise<Partial<ZotBefore> | undefined>
  }
  advice: {
    /** Advisories against a version of zot. */
    against(version: string): Promise<Finding[]>
    /** What behaves otherwise with `to` than with `before`, and what it refuses. */
    changes(before: string, to: string): Promise<Finding[]>
  }
  log(message: string, data?: Record<string, unknown>): void
}

/** Joins what a switch needs of the engines, the settings, the supervisor and the data folder. */
export function createSwitchDeps(options: SwitchWiring): SwitchDeps {
  const { configFile, engines, settings, supervisor, folder } = options
  const store: StoreDeps = {
    roots: () => rootsOnceWritten(configFile, options.clock),
    layout: () => layoutIn(configFile),
    known: new Map(),
  }
  return {
    ...store,
    clock: options.clock,
    supervisor,
    current: options.current,
    use: options.use,
    choice: () => ({ id: settings.get('engine'), path: settings.get('engine.path') }),
    locate: ({ id, command }) => engines.locate({ id, path: id === 'zot' ? command : '' }),
    async choose({ id, path }) {
      const named = await settings.set('engine.path', path, 'cli')
      return named.ok ? settings.set('engine', id, 'cli') : named
    },
    async inspect(engine) {
      const free = await options.checkHolders()
      if (!free.ok) return free
      return onceWritten(configFile, options.clock, async () => {
        const target = await readTarget(configFile, engine.id)
        const agreed = target.ok ? await folder.agreed(engine) : target
        return agreed.ok ? engines.verify(engine, configFile) : agreed
      })
    },
    configStamp: () => configStamp(configFile),
    permit: folder.permit,
    recordChoice: folder.choose,
    isChosen: async engine => {
      const chosen = await folder.choice()
      return chosen !== undefined && chosen.engine === engine.id
    },
    findings: memory => findingsOf(memory, options, store),
    ask: options.ask,
    configFile,
    metricsPath: () => metricsPathIn(configFile),
    tail: options.tail,
    verification: () => ({
      readySeconds: settings.get('gate.readySeconds'),
      stableSeconds: settings.get('gate.stableSeconds'),
    }),
  }
}

/** Empty where config.json cannot be read at all: the check before a start says so. */
async function findingsOf(memory: SwitchMemory, options: SwitchWiring, store: StoreDeps): Promise<Finding[]> {
  const { configFile, folder, advice, supervisor } = options
  const { to } = memory
  const loaded = await loadConfig(configFile, { engine: 'zot' })
  if (!loaded.ok) return []
  const { config, positions } = loaded
  const from = isUndecided(supervisor.state())
    ? servedBefore(to.id, await folder.servedLast())
    : memory.from.id
  const lastZot = await folder.lastZot()
  const zot = to.id === 'zot' ? to : memory.from.id === 'zot' ? memory.from : (lastZot ?? {})
  const findings = switchFindings(from, to.id, { configFile, config, positions, zot })
  const isOther = to.id === 'zot' && memory.from.id !== 'zot'
  const zots = isOther ? await zotFindings(to, lastZot, advice) : []
  const known = new Set(findings.map(({ id }) => id))
  const ofStore = [...(await linkFindings(store, to.id)), ...(await unreadableFindings(store))]
  return [...findings, ...zots.filter(({ id }) => !known.has(id)), ...ofStore]
}

/** Where nobody has chosen, a zot served until now, or config.json was written for one, unless it is known better. */
const servedBefore = (to: Engine['id'], last: Engine['id'] | undefined): Engine['id'] =>
  to === 'zot' ? (last ?? 'zot') : 'zot'

/** Whether somebody has yet to choose an engine: the current one is only what a start would begin with. */
export function isUndecided(state: ProcessState): boolean {
  const reason =
    state.kind === 'undecided' ? state.why : state.kind === 'foreign' ? state.open?.why : undefined
  return reason !== undefined && reason !== 'other-folder' && reason !== 'open-registry'
}
