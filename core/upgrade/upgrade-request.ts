import { join } from 'node:path'
import type { Caller } from '../../contract/caller.ts'
import type { ZotbarHandlers } from '../../contract/contract.ts'
import type { Failure } from '../../contract/failure.ts'
import { fail, ok, type Result } from '../../contract/result.ts'
import type { Clock } from '../../lib/clock.ts'
import type { Engine } from '../platform/engine.ts'
import { compareVersions, isComparable } from '../platform/zot-version.ts'
import type { Release } from '../releases/release.ts'
import type { Releases } from '../releases/releases.ts'
import type { Settings } from '../settings/settings.ts'
import type { Library } from './library.ts'
import type { InstalledZot, UpgradeMemory } from './memory.ts'
import { newestRelease, previousVersion } from './versions.ts'

/** What somebody asked for. */
export type UpgradeRequest = Parameters<ZotbarHandlers['upgrade']['begin']>[0]

/** What a request comes to. */
export interface UpgradeTarget {
  version?: string
  /** A path, an address or "source"; absent for a release. */
  source?: string
  /** The version to go back to. */
  to?: InstalledZot
  release?: Release
  /** It runs already: nothing is to be done. */
  needless: boolean
}

interface Deps {
  home: string
  clock: Clock
  settings: Settings
  library: Library
  releases: Releases
  current(): Engine
  /** The version that runs, as far as it is known. */
  running(): string | undefined
}

/** Why a request makes no sense; undefined where it may go on. */
export function refuseRequest({ to, from, undo }: UpgradeRequest): Failure | undefined {
  const invalid = (field: string, allowed: string): Failure => ({
    code: 'bad-input',
    field,
    wrong: 'given with --undo',
    allowed,
  })
  if (undo && to !== undefined) return invalid('to', 'nothing: --undo goes to the version before')
  if (undo && from !== undefined) return invalid('from', 'nothing: --undo needs no download')
  return undefined
}

/** Why a request is not allowed to its caller: a path or an address is the user's own word, which no page may give. */
export const refuseSource = ({ from }: UpgradeRequest, caller: Caller): Failure | undefined =>
  from === undefined || from === 'source' || caller === 'cli'
    ? undefined
    : { code: 'setting-not-allowed-here', key: 'from' }

/** Which version is meant, and where it comes from. Asks for the list of releases unless a source is named. */
export async function findTarget(
  { to, from, undo }: UpgradeRequest,
  deps: Deps,
): Promise<Result<UpgradeTarget>> {
  const { library, releases, settings } = deps
  const running = runningVersion(deps)
  if (undo) {
    const previous = await previousVersion(library)
    if (!previous) return fail({ code: 'no-earlier-version' })
    return ok({ version: previous.version, to: previous, needless: false })
  }
  if (from !== undefined)
    return ok({ source: from, ...(to === undefined ? {} : { version: to }), needless: false })
  const listed = await releases.list()
  const isListed =
    listed.ok && !listed.value.trouble && listed.value.releases.some(({ version }) => version === to)
  if (to !== undefined && !isListed) {
    // A version that is installed needs no network and no list: it is verified like a file of the user's.
    const installed = (await library.list()).find(zot => zot.version === to)
    if (installed) return ok({ version: to, source: installed.path, needless: to === running })
  }
  if (!listed.ok) return listed
  const isNewer = (version: string | undefined): boolean =>
    version !== undefined &&
    (running === undefined || !isComparable(running) || compareVersions(version, running) > 0)
  const all = listed.value.releases
  const good = newestRelease(all, await library.bad())
  // Where the only newer version is one that failed here, the run says so.
  const version = to ?? (isNewer(good) ? good : newestRelease(all, {}))
  if (version === undefined)
    return fail(
      listed.value.trouble ?? {
        code: 'release-not-found',
        version: 'newest',
        url: settings.get('releases.url'),
      },
    )
  if (to === undefined && running !== undefined && !isNewer(version))
    return ok({ version: running, needless: true })
  const release = await releases.find(version)
  if (!release.ok) return release
  return ok({ version, release: release.value, needless: version === running })
}

/** What the journal of the run begins with. */
export function memoryFor(request: UpgradeRequest, target: UpgradeTarget, deps: Deps): UpgradeMemory {
  const { home, clock, current, settings } = deps
  const id = `${new Date(clock.now()).toISOString().replace(/[-:.]/g, '')}-${process.pid}`
  const work = join(home, 'upgrades', id)
  const version = runningVersion(deps)
  return {
    id,
    work,
    censusFile: join(work, 'census.json'),
    from: {
      command: current().command,
      settingPath: settings.get('engine.path'),
      ...(version === undefined ? {} : { version }),
    },
    ...(target.version === undefined ? {} : { version: target.version }),
    ...(target.source === undefined ? {} : { source: target.source }),
    ...(target.to ? { to: target.to } : {}),
    undo: request.undo,
    yes: request.yes,
    allowDowngrade: request.allowDowngrade,
    named: request.undo || request.to !== undefined || request.from !== undefined,
    needless: target.needless,
  }
}

/** Of zot alone: another engine's version is none that an upgrade begins with. */
const runningVersion = ({ running, current }: Deps): string | undefined =>
  current().id === 'zot' ? (running() ?? current().version) : undefined
