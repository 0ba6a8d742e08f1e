import { rm } from 'node:fs/promises'
import * as v from 'valibot'
import type { Result } from '../../contract/result.ts'
import type { Finding } from '../../contract/runbook.ts'
import type { ZotBefore } from '../../contract/undecided.ts'
import type { EngineSelection } from '../engine/engines.ts'
import type { Engine } from '../platform/engine.ts'
import {
  asStep,
  done,
  failed,
  type Runbook,
  type Step,
  type StepContext,
  type StepResult,
} from '../runbook/step.ts'
import { type Check, runChecks, storeChecks } from '../verify/checks.ts'
import { readInventory } from '../verify/inventory-file.ts'
import { inventoryStep } from '../verify/inventory-step.ts'
import { type ReadDeps, readBaseline, takeReadBaseline } from '../verify/read-baseline.ts'
import { readChecks } from '../verify/read-checks.ts'
import {
  readyTimeoutMs,
  type ServeDeps,
  serveAgainWithin,
  serveWithin,
  staysUp,
} from '../verify/registry-process.ts'

const choice = v.object({
  id: v.picklist(['zotbar-registry', 'zot']),
  /** The setting `engine.path`. */
  path: v.string(),
  command: v.string(),
  version: v.exactOptional(v.string()),
  /** What was built into a zot, where it says so. */
  features: v.exactOptional(v.array(v.string())),
})
/** What the journal of a switch remembers. */
export const switchMemory = v.object({
  from: choice,
  to: choice,
  yes: v.boolean(),
  /** The inventory's file while the run lasts. */
  censusFile: v.string(),
  tags: v.exactOptional(v.number()),
  /** Who asked for it. */
  by: v.exactOptional(v.string()),
  /** What the engine before let be read. */
  baseline: v.exactOptional(readBaseline),
})
export type SwitchMemory = v.InferOutput<typeof switchMemory>

/** The name of the runbook in the contract. */
export const switchName = 'engine-use'

export interface SwitchDeps extends ServeDeps, ReadDeps {
  /** The engine that is supervised, or would be started. */
  current(): Engine
  use(engine: Engine): void
  /** The engine of a choice, found anew. */
  locate(choice: SwitchMemory['to']): Promise<Result<Engine>>
  choice(): EngineSelection
  /** Writes the settings, durably. */
  choose(choice: EngineSelection): Promise<Result<unknown>>
  /** Whether this engine accepts config.json, and nobody else has the port or the data folders. */
  inspect(engine: Engine): Promise<Result<null>>
  /** This engine may be started on the data folder, whatever was chosen for it; undefined: none. */
  permit(engine: Engine | undefined): void
  /** Records the supervised engine as the one that was chosen for the data folder, durably, and the zot before it. */
  recordChoice(by: string, lastZot?: ZotBefore): Promise<Result<unknown>>
  isChosen(engine: Engine): Promise<boolean>
  findings(memory: SwitchMemory): Promise<Finding[]>
  /** The newest lines of the engine's log. */
  tail(count: number): Promise<string[]>
  verification(): { readySeconds: number; stableSeconds: number }
}

type Context = StepContext<SwitchMemory>
type SwitchStep = Step<SwitchMemory>

/** The switch between engines, on the same data. */
export function switchRunbook(memory: SwitchMemory, deps: SwitchDeps): Runbook<SwitchMemory> {
  const { from, to } = memory
  const name = ({ id, version }: SwitchMemory['to']): string =>
    version === undefined ? id : `${id} ${version}`
  return {
    name: switchName,
    // Where nobody had chosen yet, the engine may be the one that would have been started.
    title: from.command === to.command ? `Use ${name(to)}` : `Switch from ${name(from)} to ${name(to)}`,
    memory,
    steps: [
      preflightStep(deps),
      askStep(deps),
      stopStep(deps),
      inventoryStep({
        ...deps,
        now: () => deps.clock.now(),
        needless: context => holdsAlready(context, deps),
      }),
      switchStep(deps),
      startStep(deps),
      verificationStep(deps),
      commitStep(deps),
    ],
    changes: ({ from: a, to: b }) => (isSameEngine(a, b) ? [] : [`the engine: ${name(a)} became ${name(b)}`]),
  }
}

const isSameEngine = (a: SwitchMemory['from'], b: SwitchMemory['to']): boolean =>
  a.id === b.id && a.command === b.command

/** The switch is already there: nothing is touched. */
const holdsAlready = ({ memory }: Context, { supervisor }: SwitchDeps): boolean =>
  isSameEngine(memory.from, memory.to) && supervisor.state().kind === 'serving'

function preflightStep(deps: SwitchDeps): SwitchStep {
  return {
    id: 'preflight',
    title: 'Check before starting',
    why: 'What it would refuse is found while the one that serves now still does.',
    cancellable: true,
    check: async context => holdsAlready(context, deps),
    async apply({ memory, progress, signal }) {
      // Said in any case, also where consent was given beforehand.
      for (const { advice } of await deps.findings(memory)) progress({ label: advice })
      const engine = await deps.locate(memory.to)
      const inspected = engine.ok ? await deps.inspect(engine.value) : engine
      if (inspected.ok) memory.baseline = await takeReadBaseline(deps, signal)
      return asStep(inspected)
    },
  }
}

function askStep(deps: SwitchDeps): SwitchStep {
  return {
    id: 'ask',
    title: 'Ask for consent',
    why: 'Some things do not work with the other engine.',
    cancellable: true,
    check: async context => context.memory.yes || holdsAlready(context, deps),
    async apply({ memory, ask }) {
      const findings = await deps.findings(memory)
      const agreed = await ask({
        id: 'consent',
        title: `Switch to ${memory.to.id}?`,
        body: [
          'The registry is away for a few seconds. When the new engine does not prove itself, the one before comes back.',
          ...findings.map(({ advice }) => advice),
        ].join('\n'),
        confirm: 'Switch',
      })
      return agreed ? done : failed('declined', 'It was not agreed to.')
    },
  }
}

function stopStep(deps: SwitchDeps): SwitchStep {
  return {
    id: 'stop',
    title: 'Finish pushes and stop',
    why: 'Two engines never write to the same data at the same time.',
    check: async context => holdsAlready(context, deps) || deps.supervisor.state().kind === 'stopped',
    apply: async () => asStep(await deps.supervisor.stop()),
    async undo({ memory }) {
      const engine = await deps.locate(memory.from)
      if (!engine.ok) return asStep(engine)
      if (deps.current().command !== engine.value.command) deps.use(engine.value)
      const served = await serveAgainWithin(deps, readyTimeoutOf(memory, deps))
      // Where nobody had chosen, it waits for a choice again.
      return deps.supervisor.state().kind === 'undecided' ? done : served
    },
  }
}

function switchStep(deps: SwitchDeps): SwitchStep {
  const switchTo = async (to: SwitchMemory['to']): Promise<StepResult> => {
    const engine = await deps.locate(to)
    if (!engine.ok) return asStep(engine)
    const chosen = await deps.choose({ id: to.id, path: to.path })
    if (chosen.ok) deps.use(engine.value)
    return asStep(chosen)
  }
  return {
    id: 'switch',
    title: 'Name the other engine in the settings',
    why: 'From here on every start takes the other engine.',
    async check(context) {
      if (holdsAlready(context, deps)) return true
      const { to } = context.memory
      const { id, path } = deps.choice()
      const { id: now, command } = deps.current()
      return id === to.id && path === to.path && now === to.id && command === to.command
    },
    apply: ({ memory }) => switchTo(memory.to),
    undo: ({ memory }) => switchTo(memory.from),
  }
}

function startStep(deps: SwitchDeps): SwitchStep {
  const { supervisor } = deps
  return {
    id: 'start',
    title: 'Start the other engine',
    why: 'It has to answer within its time.',
    check: async ({ memory }) =>
      supervisor.state().kind === 'serving' && deps.current().command === memory.to.command,
    apply: ({ memory }) => startPermitted(deps, memory),
    async undo() {
      deps.permit(undefined)
      return asStep(await supervisor.stop())
    },
  }
}

/** Starts the engine that is switched to: until it is chosen for good, this run alone allows it. */
function startPermitted(deps: SwitchDeps, memory: SwitchMemory): Promise<StepResult> {
  deps.permit(deps.current())
  return serveWithin(deps, readyTimeoutOf(memory, deps))
}

function readyTimeoutOf({ tags }: SwitchMemory, { verification }: SwitchDeps): number {
  return readyTimeoutMs(verification().readySeconds, tags)
}

function verificationStep(deps: SwitchDeps): SwitchStep {
  return {
    id: 'gate',
    title: 'Prove that it works',
    why: 'An engine that answers may still have lost a tag.',
    cancellable: true,
    check: async context => holdsAlready(context, deps),
    apply: async context => runChecks(await checksOf(deps, context), context),
  }
}

async function checksOf(deps: SwitchDeps, { memory, progress, signal }: Context): Promise<Check[]> {
  const { stableSeconds: seconds } = deps.verification()
  const [inventory, roots] = [await readInventory(memory.censusFile), await deps.roots()]
  const layout = await deps.layout()
  const { ask, tail, known } = deps
  return [
    { id: 'ready', title: 'It is ready', run: () => startPermitted(deps, memory) },
    ...readChecks({
      ...deps,
      baseline: memory.baseline,
      mayLoseMetrics: async () => memory.to.id === 'zot' && (await deps.findings(memory)).some(endsMetrics),
    }),
    ...storeChecks({ inventory, roots, ask, tail, layout, known, progress, signal }),
    {
      id: 'stable',
      title: `It runs for ${seconds} s without a restart`,
      run: () => staysUp(deps, { seconds, progress, signal }),
    },
  ]
}

function commitStep(deps: SwitchDeps): SwitchStep {
  return {
    id: 'commit',
    title: 'Keep it',
    why: 'It has proved itself; from here on nothing goes back by itself.',
    pointOfNoReturn: true,
    check: async context => holdsAlready(context, deps) && deps.isChosen(deps.current()),
    async apply({ memory }) {
      await rm(memory.censusFile, { force: true })
      deps.known.clear()
      const recorded = await deps.recordChoice(memory.by ?? 'cli', zotBefore(memory))
      deps.permit(undefined)
      return asStep(recorded)
    },
  }
}

/** It was said that nobody reads the metrics any more without a credential. */
const endsMetrics = ({ id, severity }: Finding): boolean => /metrics/.test(id) && severity === 'warning'

/** The zot that is left for zotbar-registry. */
const zotBefore = ({ from, to }: SwitchMemory): ZotBefore | undefined =>
  from.id === 'zot' && to.id !== 'zot'
    ? { program: from.command, ...(from.version === undefined ? {} : { version: from.version }) }
    : undefined
