import { readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { writeAtomic } from './atomic-file.ts'
import { isHomeIdentity, isSameHome, knownHomeIdentity } from './home-identity.ts'
import { isObject, parseJson } from './json.ts'

/**
 * Who keeps a core, and alone restarts it. `terminal`: it runs in the foreground, nobody restarts it. `service`:
 * launchd or systemd. `app`: the menu-bar app that started it.
 */
export type Keeper = 'terminal' | 'service' | 'app'

export const keepers: readonly Keeper[] = ['terminal', 'service', 'app']

/** What a core says of itself while it means to go on. `startTime`: as the process table counts it. */
export interface KeeperRecord {
  keeper: Keeper
  pid: number
  startTime?: number
  build: string
  version: string
  /** ms since the epoch. */
  startedAt: number
}

const keeperFile = (home: string): string => join(home, 'run', 'keeper.json')

/**
 * Undefined where no core means to run: none was started, or it ended on purpose. A file that cannot be read, or that came
 * with a copy of another home, counts as none.
 */
export function readKeeper(home: string): KeeperRecord | undefined {
  let read: unknown
  try {
    read = parseJson(readFileSync(keeperFile(home), 'utf8'))
  } catch {
    return undefined
  }
  if (!isObject(read)) return undefined
  const { pid, build, version, startedAt, startTime } = read
  const keeper = keepers.find(each => each === read['keeper'])
  if (keeper === undefined || typeof pid !== 'number' || !Number.isSafeInteger(pid) || pid <= 0)
    return undefined
  const own = knownHomeIdentity(home)
  if (own && isHomeIdentity(read['home']) && !isSameHome(read['home'], own)) return undefined
  return {
    keeper,
    pid,
    build: typeof build === 'string' ? build : '',
    version: typeof version === 'string' ? version : '',
    startedAt: typeof startedAt === 'number' ? startedAt : 0,
    ...(typeof startTime === 'number' ? { startTime } : {}),
  }
}

/** Says that this core means to run from now on. Its folder is there. Throws as the file system does. */
export const writeKeeper = (home: string, record: KeeperRecord): Promise<void> =>
  writeAtomic(keeperFile(home), `${JSON.stringify({ ...record, home: knownHomeIdentity(home) })}\n`)

/** Says that the core `pid` ends on purpose; what another core wrote stays. */
export function removeKeeper(home: string, pid: number): void {
  if (readKeeper(home)?.pid === pid) rmSync(keeperFile(home), { force: true })
}
