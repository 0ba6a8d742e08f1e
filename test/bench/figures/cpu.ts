import { setTimeout as pause } from 'node:timers/promises'
import { type Figure, missing, rows, skipped } from '../figure.ts'
import { measureIdlers, startIdlers } from '../idlers.ts'
import { cpuSeconds, procIsThere } from '../proc.ts'
import { type Summary, summary } from '../stats.ts'

/** Processor time of the headless app and of the registry while nobody asks anything. */
export const cpu: Figure = {
  name: 'cpu',
  about: 'idle CPU over 60 s',
  async run(bench) {
    if (!procIsThere) return skipped(missing.proc)
    if (!bench.ours) return skipped(missing.ours)
    const idlers = await startIdlers(bench)
    await pause(bench.quick ? 2_000 : 10_000)
    const seconds = bench.quick ? 15 : 60
    const read = async (pid: number): Promise<Summary> => {
      const before = await cpuSeconds(pid)
      await pause(seconds * 1000)
      return summary([(100 * ((await cpuSeconds(pid)) - before)) / seconds])
    }
    const measured = await measureIdlers(idlers, read, {
      name: 'idle CPU',
      unit: '%',
      target: { kind: 'at-most', value: 0.1 },
      note: `user and system time of one core over ${seconds} s; Linux counts it in steps of 10 ms`,
    })
    await idlers.stop()
    return rows(...measured)
  },
}
