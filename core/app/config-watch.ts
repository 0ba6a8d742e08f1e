import type { EngineChoice } from '../../contract/undecided.ts'
import { isObject, parseJson } from '../../lib/json.ts'
import type { Engine } from '../platform/engine.ts'
import type { Target } from '../registry-config/preflight.ts'
import type { Supervisor } from '../supervisor/supervisor.ts'
import type { DataFolder } from './data-folder.ts'
import type { EngineDecision } from './engine-decision.ts'
import type { Common } from './wiring.ts'

interface Options extends Pick<Common, 'clock' | 'settings' | 'onChange'> {
  folder: Pick<DataFolder, 'folderWatch' | 'compare'>
  decision: Pick<EngineDecision, 'began' | 'journalRead'>
  supervisor: Pick<Supervisor, 'state' | 'target' | 'journal'>
  current(): Engine
  version(): string | undefined
  target(): Target | undefined
  /** config.json may have been taken over by what serves. */
  onReload(): Promise<void>
}

/**
 * Whether config.json names another data folder than the one that is served, what serves it, and what everybody may do
 * by now.
 */
export interface ConfigWatch {
  /** What config.json names by now, while another folder is served and nobody has accepted it. */
  undecidedFolder(): string | undefined
  /** Checks now whether what serves still has its folder, and what config.json names. */
  check(): Promise<void>
  /** Checks now what config.json names. */
  checkConfig(): Promise<void>
  /** One line of the engine's log. */
  readLogLine(line: string): void
  /** The supervisor's state changed. */
  stateChanged(): void
  close(): Promise<void>
}

/** How often config.json is read for another data folder while it serves. */
const checkEveryMs = 30_000

/** What zotbar-registry and zot write when they take config.json over while they serve. */
const reloadMessages = ['config reloaded', 'config file changed, trying to reload config']

function isReloadLine(line: string): boolean {
  if (!line.includes(' reload')) return false
  const entry = parseJson(line)
  return isObject(entry) && reloadMessages.some(message => entry['message'] === message)
}

export function createConfigWatch(options: Options): ConfigWatch {
  const { clock, settings, supervisor, decision } = options
  const { folderWatch, compare } = options.folder
  /** The process that was last seen to serve. */
  let servingPid: number | undefined
  let undecidedFolder: string | undefined
  let cancelTimer = (): void => {}
  let closed = false

  const isServing = (): boolean => supervisor.state().kind === 'serving'

  /** The folder of config.json while another one is served. */
  async function otherFolder(): Promise<string | undefined> {
    const now = await compare()
    if (!now.ok || !isServing()) return undefined
    const { target, compared } = now.value
    const isOpen = !compared.same && compared.difference === 'path'
    return isOpen && supervisor.target()?.dataFolder !== target.dataFolder ? target.dataFolder : undefined
  }

  async function checkConfig(): Promise<void> {
    cancelTimer()
    const movedFolder = isServing() ? await otherFolder() : undefined
    if (isServing()) await options.onReload()
    if (closed) return
    if (movedFolder !== undecidedFolder) {
      undecidedFolder = movedFolder
      options.onChange()
    }
    cancelTimer()
    if (isServing()) cancelTimer = clock.setTimer(clock.now() + checkEveryMs, () => void checkConfig())
  }

  /** Hands the folderWatch what serves the folder of config.json now; answers whether something does. */
  function reportServing(): boolean {
    const target = options.target()
    const served = supervisor.target()?.dataFolder
    // One that was adopted may still serve what config.json named before.
    const isOther = served !== undefined && served !== target?.dataFolder
    const serves = isServing() && target !== undefined && !isOther
    folderWatch.setServing(
      serves ? { ...engineNow(), folders: { root: target.dataFolder, subs: target.subFolders } } : undefined,
    )
    return serves
  }

  function engineNow(): { engine: EngineChoice['engine']; version?: string; program?: string } {
    const { id, command } = options.current()
    const version = options.version()
    return {
      engine: id,
      ...(version === undefined ? {} : { version }),
      ...(id === 'zot' ? { program: settings.get('engine.path') || command } : {}),
    }
  }

  return {
    undecidedFolder: () => undecidedFolder,
    checkConfig,
    readLogLine(line) {
      if (isReloadLine(line)) void checkConfig()
    },
    async check() {
      await folderWatch.check()
      await checkConfig()
    },
    stateChanged() {
      decision.journalRead(supervisor.journal())
      const state = supervisor.state()
      const pid = state.kind === 'serving' ? state.pid : undefined
      const isNew = pid !== undefined && pid !== servingPid
      servingPid = pid ?? servingPid
      // What is open is asked anew for each process, and does not matter while none serves.
      if (isNew || (!isServing() && undecidedFolder !== undefined)) void checkConfig()
      if (state.kind === 'draining') return
      if (reportServing() && isNew) void decision.began()
    },
    close() {
      closed = true
      cancelTimer()
      return folderWatch.close()
    },
  }
}
