import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { fail, ok, type Result } from '../../contract/result.ts'
import { type AppLog, openAppLog } from '../../lib/app-log.ts'
import { thisBuild } from '../../lib/build.ts'
import { isVolumeFull, reasonOf } from '../../lib/error-code.ts'
import { resolveHome } from '../../lib/home.ts'
import { type Keeper, readKeeper, removeKeeper, writeKeeper } from '../../lib/keeper-file.ts'
import { checkHomeFormat, migrateHome } from '../platform/migrate-home.ts'
import { prepareHome } from '../platform/prepare-home.ts'
import type { ProcessTable } from '../platform/process-table.ts'
import { startReserve } from '../platform/start-reserve.ts'
import { systemProcessTable } from '../platform/system-processes.ts'
import { takeAppLock } from '../transport/app-lock.ts'

/** A home whose only core is this process. */
export interface TakenHome {
  home: string
  processes: ProcessTable
  log: AppLog
  /** For the next core of this home: see `takeAppLock`. */
  lockNonce: string
  /** Says that this core goes on purpose: whoever keeps it is not to start it again. */
  endsOnPurpose(): void
  /** Gives the home up for the next core, the lock last. */
  release(): Promise<void>
}

/** Makes this process the only core of its home, in the format of this build, and says who keeps it. `now`: ms since the epoch. `inherits`: the nonce of the core that gives it to this one. */
export async function takeHome(
  keeper: Keeper,
  now: () => number,
  inherits: string | undefined,
): Promise<Result<TakenHome>> {
  const home = resolveHome()
  const readable = await checkHomeFormat(home)
  if (!readable.ok) return readable
  const prepared = await prepareHome(home)
  if (!prepared.ok) return prepared
  const processes = systemProcessTable()
  const reserve = startReserve(home)
  // A hand-over that fails leaves the core from before, which has the room for its lock already.
  const makeRoom = inherits === undefined ? (): boolean => reserve.giveUp() : undefined
  const given = inherits === undefined ? {} : { inherits }
  const lock = await takeAppLock({ home, processes, ...given, ...(makeRoom ? { makeRoom } : {}) })
  if (!lock.ok) {
    // The core that has the home needs it as much.
    if (lock.error.code === 'already-running') reserve.restore()
    reserve.close()
    return lock
  }

  const log = openAppLog({ file: join(home, 'logs', 'app.log'), now })
  const endsOnPurpose = (): void => removeKeeper(home, process.pid)
  const release = async (): Promise<void> => {
    reserve.close()
    endsOnPurpose()
    await lock.value.release()
  }
  const migrated = await migrateHome({ home, log: log.info })
  const taken = migrated.ok
    ? await sayWhoKeeps({ home, keeper, processes, startedAt: now(), makeRoom, log })
    : migrated
  reserve.restore()
  if (taken.ok) return ok({ home, processes, log, lockNonce: lock.value.nonce, endsOnPurpose, release })
  await release()
  return taken
}

interface SayWhoKeeps {
  home: string
  keeper: Keeper
  processes: ProcessTable
  startedAt: number
  /** Gives room on a full volume up for this, where there is some. Undefined: it may fail there. */
  makeRoom: (() => boolean) | undefined
  log: AppLog
}

/** From here on a keeper starts this core again when it goes without a word. */
async function sayWhoKeeps(options: SayWhoKeeps): Promise<Result<null>> {
  const { home, keeper, processes, startedAt, makeRoom, log } = options
  const { pid } = process
  const startTime = await processes.startTime(pid)
  const record = { keeper, pid, ...thisBuild(), startedAt, ...(startTime === undefined ? {} : { startTime }) }
  const known = readKeeper(home)
  // After a hand-over that failed it still says so, and the disk may be full.
  if (known?.pid === pid && known.startTime === startTime && known.keeper === keeper) return ok(null)
  const write = async (): Promise<void> => {
    await mkdir(join(home, 'run'), { recursive: true, mode: 0o700 })
    await writeKeeper(home, record)
  }
  try {
    await write().catch(async error => {
      if (!isVolumeFull(error) || makeRoom === undefined) throw error
      makeRoom()
      // What it says is over, and its room is enough for what is true now.
      if (known) removeKeeper(home, known.pid)
      await write()
    })
    return ok(null)
  } catch (error) {
    const reason = reasonOf(error)
    if (!isVolumeFull(error) || makeRoom === undefined)
      return fail({ code: 'home-unusable', path: join(home, 'run', 'keeper.json'), reason })
    // Nobody starts this core again then, which is less than a registry without one.
    log.warn('who keeps this core could not be written down', { reason })
    return ok(null)
  }
}
