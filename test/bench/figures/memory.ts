import { setTimeout as pause } from 'node:timers/promises'
import { type Figure, missing, rows, skipped } from '../figure.ts'
import { measureIdlers, startIdlers } from '../idlers.ts'
import { procIsThere, residentMegabytes } from '../proc.ts'
import { type Summary, summary } from '../stats.ts'

/** Resident memory of the headless app and of the registry. */
export const memory: Figure = {
  name: 'memory',
  about: 'idle memory',
  async run(bench) {
    if (!procIsThere) return skipped(missing.proc)
    if (!bench.ours) return skipped(missing.ours)
    const idlers = await startIdlers(bench)
    const settle = bench.quick ? 5 : 20
    await pause(settle * 1000)
    const read = async (pid: number): Promise<Summary> => {
      const samples = []
      for (let i = 0; i < 5; i++) {
        samples.push(await residentMegabytes(pid))
        await pause(1_000)
      }
      return summary(samples)
    }
    const note = `resident, ${settle} s after 100 tags were pushed`
    const measured = await measureIdlers(idlers, read, {
      name: 'idle memory',
      unit: 'MB',
      target: { kind: 'at-most', value: 100 },
      note,
    })
    await idlers.stop()
    return rows(...measured)
  },
}
