import { join } from 'node:path'
import { actorOf, type Caller } from '../../contract/caller.ts'
import type { ZotbarHandlers } from '../../contract/contract.ts'
import type { Failure } from '../../contract/failure.ts'
import { failureMessage } from '../../contract/messages/failure-message.ts'
import { fail, ok, type Result } from '../../contract/result.ts'
import type { EngineRow, Finding, RunbookPlan } from '../../contract/runbook.ts'
import type { EngineChoice } from '../../contract/undecided.ts'
import type { UpgradePlan } from '../../contract/upgrade.ts'
import type { EngineSelection } from '../engine/engines.ts'
import { zotEngine } from '../engine/zot.ts'
import type { Engine } from '../platform/engine.ts'
import { dryRun } from '../runbook/run.ts'
import type { RunbookKind } from '../runbook/runbook-kind.ts'
import type { Runs } from '../runbook/runs.ts'
import { type SwitchMemory, switchName, switchRunbook } from './switch.ts'
import { createSwitchDeps, isUndecided, type SwitchWiring } from './switch-deps.ts'
import { switchKind } from './switch-kind.ts'

interface Options extends SwitchWiring {
  home: string
  runs: Pick<Runs, 'start' | 'blocked'>
  /** The version that runs, as far as it is known. */
  running(): string | undefined
  /** Another version of zot, with all the care of an upgrade; `note` says why it is one. */
  changeVersion(
    request: VersionChange,
    caller: Caller,
    note: string,
  ): Promise<Result<{ run: string } | { plan: UpgradePlan }>>
}

interface VersionChange {
  from: string
  to: string
  dryRun: boolean
  undo: false
  yes: boolean
  allowDowngrade: false
}

/** Which engine runs, and the runbook that changes it. */
export interface EngineControl {
  handlers: Pick<ZotbarHandlers, 'engine'>
  kinds: Record<string, RunbookKind>
}

/** Joins the engines that are there, the settings and the runbook between them. */
export function createEngineControl(options: Options): EngineControl {
  const { home, engines, clock, supervisor, current, log, runs, folder, running } = options
  const deps = createSwitchDeps(options)

  const memoryOf = (to: Engine, path: string, yes: boolean): SwitchMemory => ({
    from: choiceOf(current(), deps.choice().path),
    to: choiceOf(to, path),
    yes,
    censusFile: join(home, 'runbooks', `census-${clock.now().toString(36)}.json`),
  })

  /** Also for an engine that is not there: then the plan says so. */
  async function plan(request: EngineSelection, yes: boolean): Promise<RunbookPlan> {
    const engine = await engines.locate(request)
    const to = engine.ok ? engine.value : zotEngine(request.path === '' ? 'zot' : request.path, undefined)
    const memory = memoryOf(to, request.path, yes)
    const accepted = engine.ok ? await deps.inspect(to) : engine
    const findings = await deps.findings(memory)
    const refused: Finding[] = accepted.ok ? [] : [refusal(to.id, accepted.error)]
    return {
      runbook: switchName,
      steps: await dryRun(switchRunbook(memory, deps)),
      findings: [...refused, ...findings],
    }
  }

  /** The zot that served last is meant where none is named: nobody over HTTP can name a program. */
  async function requested(id: Engine['id'], path: string | undefined): Promise<EngineSelection> {
    const named = path ?? deps.choice().path
    return { id, path: named === '' && id === 'zot' ? ((await folder.servedBy()) ?? '') : named }
  }

  /** The version of this zot, where another one serves: that is a matter for an upgrade. */
  function otherVersion(to: Engine): string | undefined {
    const now = current()
    if (to.id !== 'zot' || now.id !== 'zot' || to.command === now.command) return undefined
    return isUndecided(supervisor.state()) || to.version === running() ? undefined : to.version
  }

  return {
    handlers: {
      engine: {
        async list() {
          const [rows, choice] = [await engines.list(current()), await folder.choice()]
          const marked = choice === undefined ? rows : rows.map(row => withChoice(row, choice))
          return ok({
            engines: isUndecided(supervisor.state())
              ? marked.map(row => ({ ...row, current: false }))
              : marked,
          })
        },
        async use({ engine: id, path, yes, dryRun: isDryRun }, caller) {
          if (path !== undefined && caller !== 'cli')
            return fail({ code: 'setting-not-allowed-here', key: 'engine.path' })
          const blocked = runs.blocked()
          if (blocked && !isDryRun) return fail(blocked)
          const request = await requested(id, path)
          const to = await engines.locate(request)
          const version = to.ok ? otherVersion(to.value) : undefined
          if (to.ok && version !== undefined) {
            const from = to.value.command
            const change = { from, to: version, dryRun: isDryRun, yes } as const
            const note = `zot ${running() ?? 'of an unknown version'} serves, and ${from} is ${version}: another version is an upgrade, with a copy of the databases and a way back (zotbar upgrade --undo).`
            return options.changeVersion({ ...change, undo: false, allowDowngrade: false }, caller, note)
          }
          if (isDryRun) return ok({ plan: await plan(request, yes) })
          if (!to.ok) return to
          const by = actorOf(caller)
          const memory = { ...memoryOf(to.value, request.path, yes), by }
          return runs.start(switchRunbook(memory, deps), by)
        },
      },
    },
    kinds: { [switchName]: switchKind({ deps, supervisor, log }) },
  }
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

const choiceOf = ({ id, command, version, features }: Engine, path: string): SwitchMemory['to'] => ({
  id,
  path,
  command,
  ...(version === undefined ? {} : { version }),
  ...(features === undefined ? {} : { features: [...features] }),
})
