import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { probed } from '../delay-probed.ts'
import { type Figure, missing, rows, skipped } from '../figure.ts'
import { populated, populatedNote } from '../populated.ts'
import { createPushers } from '../pushers.ts'
import { quantile, summary } from '../stats.ts'

const clients = 8

/** How late the registry's timers are while big blobs come in. */
export const pushDelay: Figure = {
  name: 'push-delay',
  about: 'event loop delay during 8 parallel 100 MB pushes',
  async run(bench) {
    const { quick, work, engine } = bench
    if (!engine) return skipped(missing.ours)
    const probe = probed(join(await work.sub('delay'), 'delay.json'))
    const server = await engine.start(work, await populated(bench, { layout: 'zot' }), probe.options)
    const pushers = createPushers(clients, 100e6)
    await pushers.push(server.url, 1)
    const idle: number[] = []
    const p99: number[] = []
    const longest: number[] = []
    for (let round = 0; round < (quick ? 3 : 5); round++) {
      idle.push(quantile(await probe.during(server.pid, () => pause(2_000)), 0.99))
      const late = await probe.during(server.pid, () => pushers.push(server.url, 1))
      p99.push(quantile(late, 0.99))
      longest.push(Math.max(...late))
    }
    await server.stop()
    const note = `${populatedNote(bench)}; a timer of 5 ms in the registry's process; the clients use the same cores`
    const common = { unit: 'ms', better: 'less', note } as const
    return rows(
      {
        name: 'event loop delay p99, 8 pushes of 100 MB',
        ...common,
        target: { kind: 'at-most', value: 20 },
        ours: summary(p99),
      },
      { name: 'event loop delay p99, without them', ...common, ours: summary(idle) },
      { name: 'longest event loop delay meanwhile', ...common, ours: summary(longest) },
    )
  },
}
