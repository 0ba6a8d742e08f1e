import { randomBytes } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import { createClient } from '../client.ts'
import { type Figure, missing, rows, skipped } from '../figure.ts'
import { populated, populatedNote } from '../populated.ts'
import { procIsThere, residentMegabytes } from '../proc.ts'
import { runWell } from '../program.ts'
import { both, repeat } from '../rounds.ts'
import { onPath } from '../workspace.ts'

const clients = 50

/** The most memory that a registry has while many clients pull a big blob. */
export const pullMemory: Figure = {
  name: 'pull-memory',
  about: 'memory with 50 parallel 100 MB pulls',
  async run(bench) {
    const { quick, work, ours, peer } = bench
    if (!procIsThere) return skipped(missing.proc)
    if (!ours) return skipped(missing.ours)
    if (!onPath('curl')) return skipped(missing.curl)
    const bytes = randomBytes(100e6)
    const measured = await both({ ours, ...(peer ? { peer } : {}) }, async side => {
      const server = await side.start(work, await populated(bench, side))
      const client = createClient(server.url)
      const { digest } = await client.blob('bench/r0000', bytes)
      await client.close()
      const url = `${server.url}/v2/bench/r0000/blobs/${digest}`
      const most = await repeat(quick ? 2 : 5, async () => {
        let over = false
        const pull = () => runWell('curl', ['-sSf', '-o', '/dev/null', url])
        const pulls = Promise.all(Array.from({ length: clients }, pull)).finally(() => {
          over = true
        })
        let peak = 0
        while (!over) {
          peak = Math.max(peak, await residentMegabytes(server.pid))
          await pause(20)
        }
        await pulls
        return peak
      })
      await server.stop()
      return most
    })
    return rows({
      name: `memory with ${clients} pulls of 100 MB`,
      unit: 'MB',
      better: 'less',
      target: { kind: 'at-most', value: 150 },
      note: `${populatedNote(bench)}; the most of what is resident, read every 20 ms; curl without a limit`,
      ...measured,
    })
  },
}
