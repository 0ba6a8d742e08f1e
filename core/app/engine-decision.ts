import type { UndecidedWhy } from '../../contract/failure.ts'
import type { JournalEntry } from '../../contract/registry-state.ts'
import { fail, ok, type Result } from '../../contract/result.ts'
import {
  type ConfigFound,
  type EngineChoice,
  type Undecided,
  undecidedFailure,
  type ZotBefore,
} from '../../contract/undecided.ts'
import type { FolderWatch } from '../data-folder/folder-watch.ts'
import type { EngineChoices } from '../engine/engine-choices.ts'
import type { Engines } from '../engine/engines.ts'
import type { Engine } from '../platform/engine.ts'
import { checkVolume } from '../platform/volume.ts'
import type { OpenRegistry } from '../registry-config/open-registry.ts'
import { readTarget, type Target } from '../registry-config/preflight.ts'
import type { Settings } from '../settings/settings.ts'
import type { FolderFacts } from './folder-facts.ts'

interface Options {
  configFile: string
  folderWatch: FolderWatch
  choices: EngineChoices
  engines: Engines
  settings: Settings
  now(): number
  current(): Engine
  use(engine: Engine): void
  facts: FolderFacts
  openRegistry: Pick<OpenRegistry, 'needed'>
  log(message: string, data?: Record<string, unknown>): void
}

/** Decides before every start whether somebody has to choose first. */
export interface EngineDecision {
  /**
   * Undefined: it may start, with the engine that is current then. Fails when the chosen engine is not there or cannot
   * be written down, or when the folder of what served is lost. A trial changes nothing. Faults of config.json and of the
   * volume are not looked for here: the check before a start finds them.
   */
  decide(options?: { isTrial: boolean }): Promise<Result<Undecided | undefined>>
  /** The engine that a runbook is bringing up: nothing about engines is asked while it does. */
  permit(engine: Engine | undefined): void
  /** Writes down the current engine as the one that was chosen for the folder of config.json. */
  choose(by: string, lastZot?: ZotBefore): Promise<Result<null>>
  choice(): Promise<EngineChoice | undefined>
  /** Fails with `undecided` where this engine would ask nobody who they are, and nobody agreed to that. */
  agreed(engine: Engine): Promise<Result<null>>
  /** The journal of the registry, newest first: whether one has run in this home before there were choices. */
  journalRead(journal: readonly JournalEntry[]): void
  /** The registry serves: an engine that began in an empty folder is its choice now, and a replaced program is noted. */
  began(): Promise<void>
}

export function createEngineDecision(options: Options): EngineDecision {
  const { configFile, folderWatch, choices, engines, settings, facts, current, use } = options
  const questions = createQuestions(options)
  let permitted: string | undefined
  let hasRun = false
  /** The empty data folder that the start under way begins in. */
  let fresh: string | undefined

  const readFolders = async (): Promise<Target | undefined> => {
    // As zot reads it: what zotbar-registry refuses does not hide where the data is.
    const read = await readTarget(configFile, 'zot')
    return read.ok ? read.value : undefined
  }

  /** Once: who served this folder last, before choices were written down, goes on serving it. */
  async function takeOver({ dataFolder }: Target): Promise<void> {
    if (!choices.isNew()) return
    const now = current()
    if (settings.get('engine') === 'zot' || hasRun)
      await choices.choose(dataFolder, choiceOf(settings, now, 'zotbar', options.now(), 'served-before'))
    else await choices.initialize()
  }

  /** Takes the engine that was chosen for the folder, where another one is current. */
  async function takeEngine({ engine, program }: EngineChoice): Promise<Result<undefined>> {
    const path = settings.get('engine.path')
    const isOther = engine === 'zot' && path === '' && program !== undefined && program !== current().command
    if (engine === current().id && !isOther) return ok(undefined)
    const located = await engines.locate({ id: engine, path: engine === 'zot' ? (program ?? '') : '' })
    if (!located.ok) return located
    // The engine comes last: until it is written down, the next start still finds another one current.
    const placed = await changeSetting(settings, 'engine.path', engine === 'zot' ? (program ?? '') : path)
    const stored = placed.ok ? await changeSetting(settings, 'engine', engine) : placed
    if (!stored.ok) return stored
    options.log('the engine that was chosen for this data folder is taken', { engine, program })
    use(located.value)
    return ok(undefined)
  }

  return {
    async decide({ isTrial } = { isTrial: false }) {
      if (!isTrial) fresh = undefined
      const target = await readFolders()
      if (target === undefined || !(await checkVolume(target.dataFolder)).ok) return ok(undefined)
      const compared = await folderWatch.compare({ root: target.dataFolder, subs: target.subFolders })
      if (!compared.ok) return compared
      if (!compared.value.same) {
        const lost = folderWatch.loss()
        if (lost !== undefined) return { ok: false, error: lost }
        return ok(await facts.undecided('other-folder', target, await facts.configFound(), compared.value))
      }
      if (permitted !== undefined && permitted === current().command) return ok(undefined)
      if (!isTrial) await takeOver(target)
      const choice = await choices.forFolder(target.dataFolder)
      const zot = await folderWatch.foreignZot()
      // Chosen before somebody's zot served the same images is not chosen for them.
      const isOutdated = choice?.engine === 'zotbar-registry' && zot?.sameStore === true && zot.at > choice.at
      if (choice !== undefined && !isOutdated) {
        const taken = isTrial ? ok(undefined) : await takeEngine(choice)
        return taken.ok ? ok(await questions.open(choice.engine, target)) : taken
      }
      const contents = await facts.inspect(target)
      const config = await facts.configFound()
      if (contents.databases.length > 0 || zot !== undefined)
        return ok(await questions.ofEngines('store-of-another-engine', target, config))
      if (current().id === 'zotbar-registry' && config.refused.length + config.withoutEffect.length > 0)
        // A mistake is no question of engines: the check before a start names it.
        return ok(
          (await facts.hasMistake())
            ? undefined
            : await questions.ofEngines('config-refused', target, config),
        )
      const open = await questions.open(current().id, target)
      if (open !== undefined) return ok(open)
      if (!isTrial && (contents.holds === 'missing' || contents.holds === 'nothing'))
        fresh = target.dataFolder
      return ok(undefined)
    },
    async agreed({ id }) {
      const target = await readFolders()
      const open = target && (await questions.open(id, target))
      return open === undefined ? ok(null) : fail(undecidedFailure(open))
    },
    permit(engine) {
      permitted = engine?.command
    },
    async choose(by, lastZot) {
      const target = await readFolders()
      if (target === undefined) return ok(null)
      const chosen = choiceOf(settings, current(), by, options.now(), 'asked')
      return choices.choose(target.dataFolder, { ...chosen, ...(lastZot === undefined ? {} : { lastZot }) })
    },
    async choice() {
      const target = await readFolders()
      return target && choices.forFolder(target.dataFolder)
    },
    journalRead(journal) {
      hasRun = journal.some(({ pid }) => pid !== undefined)
    },
    async began() {
      const target = await readFolders()
      if (target === undefined) return
      await takeOver(target)
      const choice = await choices.forFolder(target.dataFolder)
      const now = choiceOf(settings, current(), 'zotbar', options.now(), 'first-run')
      // An upgrade, or its way back, puts another program in the target of the one that was chosen.
      const isReplaced = choice?.engine === 'zot' && now.engine === 'zot' && choice.program !== now.program
      if (isReplaced && now.program !== undefined)
        await choices.choose(target.dataFolder, { ...choice, program: now.program })
      if (fresh === undefined) return
      const folder = fresh
      fresh = undefined
      await choices.choose(folder, now)
    },
  }
}

/** What somebody has to decide, with what is known of it. */
function createQuestions({ facts, openRegistry }: Pick<Options, 'facts' | 'openRegistry'>) {
  return {
    /** Whether somebody has to agree that this engine asks nobody who they are. */
    async open(engine: Engine['id'], target: Target): Promise<Undecided | undefined> {
      const open = engine === 'zot' ? undefined : openRegistry.needed(target)
      if (open === undefined) return undefined
      return { ...(await facts.undecided('open-registry', target, await facts.configFound())), open }
    },
    /** Which engine: with what zotbar-registry would have to be agreed to before it serves. */
    async ofEngines(why: UndecidedWhy, target: Target, config: ConfigFound): Promise<Undecided> {
      const open = openRegistry.needed(target)
      return { ...(await facts.undecided(why, target, config)), ...(open === undefined ? {} : { open }) }
    },
  }
}

function choiceOf(
  settings: Settings,
  { id, command }: Engine,
  by: string,
  at: number,
  why: EngineChoice['why'],
): EngineChoice {
  const program = settings.get('engine.path') || command
  return { engine: id, ...(id === 'zot' ? { program } : {}), by, at, why }
}

const changeSetting = async (
  settings: Settings,
  key: 'engine' | 'engine.path',
  value: string,
): Promise<Result<unknown>> => (settings.get(key) === value ? ok(undefined) : settings.set(key, value, 'cli'))
