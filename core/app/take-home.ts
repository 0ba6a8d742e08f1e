import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { fail, ok, type Result } from '../../contract/result.ts'
import { type AppLog, openAppLog } from '../../lib/app-log.ts'
import { thisBuild } from '../../lib/build.ts'
import { reasonOf } from '../../lib/error-code.ts'
import { resolveHome } from '../../lib/home.ts'
import { type Keeper, readKeeper, removeKeeper, writeKeeper } from '../../lib/keeper-file.ts'
import { checkHomeFormat, migrateHome } from '../platform/migrate-home.ts'
import { prepareHome } from '../platform/prepare-home.ts'
import type { ProcessTable } from '../platform/process-table.ts'
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
  const lock = await takeAppLock({ home, processes, ...(inherits === undefined ? {} : { inherits }) })
  if (!lock.ok) return lock

  const log = openAppLog({ file: join(home, 'logs', 'app.log'), now })
  const endsOnPurpose = (): void => removeKeeper(home, process.pid)
  const release = async (): Promise<void> => {
    endsOnPurpose()
    await lock.value.release()
  }
  const migrated = await migrateHome({ home, log: log.info })
  const taken = migrated.ok ? await sayWhoKeeps(home, keeper, processes, now()) : migrated
  if (taken.ok) return ok({ home, processes, log, lockNonce: lock.value.nonce, endsOnPurpose, release })
  await release()
  return taken
}

/** From here on a keeper starts this core again when it goes without a word. */
async function sayWhoKeeps(
  home: string,
  keeper: Keeper,
  processes: ProcessTable,
  startedAt: number,
): Promise<Result<null>> {
  const { pid } = process
  const startTime = await processes.startTime(pid)
  const record = { keeper, pid, ...thisBuild(), startedAt }
  const known = readKeeper(home)
  // After a hand-over that failed it still says so, and the disk may be full.
  if (known?.pid === pid && known.startTime === startTime && known.keeper === keeper) return ok(null)
  try {
    await mkdir(join(home, 'run'), { recursive: true, mode: 0o700 })
    await writeKeeper(home, { ...record, ...(startTime === undefined ? {} : { startTime }) })
    return ok(null)
  } catch (error) {
    return fail({ code: 'home-unusable', path: join(home, 'run', 'keeper.json'), reason: reasonOf(error) })
  }
}
