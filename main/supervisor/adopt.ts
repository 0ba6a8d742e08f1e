import { realpath } from 'node:fs/promises'
import { hasArgument, type ProcessTable } from '../platform/process-table.ts'
import type { ProcessRecord } from './record.ts'

/** Clocks read at the spawn and by the process table may differ by this much, ms. */
const slack = 3000

/**
 * Is the recorded process alive and the one that was written down? By pid, start time, executable, config path in
 * its arguments and owner of the port. Undefined when any of them differs: then it is nobody we may signal.
 * `ownsPort` is false when nobody owns the port yet, as in a start that is under way.
 */
export async function identify(
  record: ProcessRecord,
  configFile: string,
  processes: ProcessTable,
): Promise<{ startTime: number; ownsPort: boolean } | undefined> {
  const { pid, place } = record
  if (record.configFile !== configFile || !processes.alive(pid)) return undefined
  const [startTime, executable, argv, owner] = await Promise.all([
    processes.startTime(pid),
    processes.executable(pid),
    processes.commandLine(pid),
    processes.portOwner(place.port, place.host.replace(/^\[|\]$/g, '')),
  ])
  if (startTime === undefined || argv === undefined || !hasArgument(argv, configFile)) return undefined
  if (!(await sameFile(executable, record.executable))) return undefined
  if (owner !== undefined && owner.pid !== pid) return undefined
  if (record.startTime === undefined) {
    // The app ended before it could read it. When the owner of the port started then stands in for it.
    const startedAt = owner?.startedAt ?? record.spawnedAt
    if (Math.abs(startedAt - record.spawnedAt) > slack) return undefined
  } else if (record.startTime !== startTime) return undefined
  return { startTime, ownsPort: owner !== undefined }
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
