import { realpath } from 'node:fs/promises'
import type { Clock } from '../../lib/clock.ts'
import { withoutBrackets } from '../../registry/config/listen-address.ts'
import { hasArgument, type ProcessTable } from '../platform/process-table.ts'
import type { ProcessRecord } from './record.ts'

/** Clocks read at the spawn and by the process table may differ by this much, ms. */
const slack = 3000

export interface Identified {
  pid: number
  startTime: number
  /** False when nobody owns the port yet, as in a start that is under way. */
  ownsPort: boolean
}

/**
 * Is the recorded process alive and the one that was written down? By pid, start time, executable, config path in
 * its arguments and owner of the port. Undefined when any of them differs: then it is nobody we may signal.
 * What the app could not write down before it ended, the time at which the owner of the port started stands in for.
 */
export async function identify(
  record: ProcessRecord,
  configFile: string,
  processes: ProcessTable,
): Promise<Identified | undefined> {
  const { place, spawnedAt } = record
  if (record.configFile !== configFile) return undefined
  const owner = await processes.portOwner(place.port, withoutBrackets(place.host), record.pid)
  const pid = record.pid ?? owner?.pid
  if (pid === undefined || !processes.alive(pid)) return undefined
  if (owner !== undefined && owner.pid !== pid) return undefined
  const [startTime, executable, argv] = await Promise.all([
    processes.startTime(pid),
    processes.executable(pid),
    processes.commandLine(pid),
  ])
  if (startTime === undefined || argv === undefined || !hasArgument(argv, configFile)) return undefined
  if (!(await sameFile(executable, record.executable))) return undefined
  if (record.startTime === undefined) {
    if (Math.abs((owner?.startedAt ?? spawnedAt) - spawnedAt) > slack) return undefined
  } else if (record.startTime !== startTime) return undefined
  return { pid, startTime, ownsPort: owner !== undefined }
}

/**
 * The same for a start during which the app ended, so that not even the pid is known: for a moment after it the
 * process may live and not listen yet, and a second one must not be started beside it.
 */
export async function identifyYoung(
  record: ProcessRecord,
  configFile: string,
  processes: ProcessTable,
  clock: Clock,
): Promise<Identified | undefined> {
  for (;;) {
    const found = await identify(record, configFile, processes)
    const age = clock.now() - record.spawnedAt
    if (found !== undefined || record.pid !== undefined || age < 0 || age > slack) return found
    await new Promise<void>(resolve => clock.setTimer(clock.now() + 50, resolve))
  }
}

/** A program that was replaced while it ran is shown by Linux with this ending. */
const deleted = / \(deleted\)$/

async function sameFile(a: string | undefined, b: string): Promise<boolean> {
  if (a === undefined) return false
  const [left, right] = [a.replace(deleted, ''), b.replace(deleted, '')]
  if (left === right) return true
  const real = (path: string) => realpath(path).catch(() => path)
  return (await real(left)) === (await real(right))
}
