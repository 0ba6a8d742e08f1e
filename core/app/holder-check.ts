import { fail, ok, type Result } from '../../contract/result.ts'
import type { Clock } from '../../lib/clock.ts'
import type { ProcessTable } from '../platform/process-table.ts'
import { otherHolder, readTarget } from '../registry-config/preflight.ts'
import { onceWritten } from '../registry-config/unfinished.ts'
import { portResult } from '../supervisor/start-check.ts'
import type { Supervisor } from '../supervisor/supervisor.ts'

interface Options {
  configFile: string
  clock: Clock
  processes: ProcessTable
  supervisor: Pick<Supervisor, 'state'>
}

/**
 * Whether a registry of ours has, or could have, the port and the data folders that config.json names now: looked at
 * before anything is stopped, changed or downloaded for it. Errors: port-in-use, root-in-use, and those of reading.
 */
export type HolderCheck = () => Promise<Result<null>>

export function createHolderCheck({ configFile, clock, processes, supervisor }: Options): HolderCheck {
  return async () => {
    const read = await onceWritten(configFile, clock, () => readTarget(configFile, 'zot'))
    if (!read.ok) return read
    const target = read.value
    const state = supervisor.state()
    const ownPid = 'pid' in state && state.kind !== 'foreign' ? state.pid : undefined
    const port = await portResult(target, processes)
    if (port.kind === 'taken' && (ownPid === undefined || port.owner.pid !== ownPid)) {
      const { pid, command } = port.owner
      const keptBy = pid === undefined ? undefined : await processes.keptBy(pid)
      return fail({
        code: 'port-in-use',
        port: target.port,
        ...(pid === undefined ? {} : { pid }),
        ...(command === undefined ? {} : { command }),
        ...(keptBy === undefined ? {} : { keptBy }),
        ...(state.kind === 'foreign' && state.open !== undefined ? { open: state.open } : {}),
      })
    }
    const holder = await otherHolder(target, processes, ownPid)
    return holder.ok ? ok(null) : holder
  }
}
