import { join } from 'node:path'
import { performance } from 'node:perf_hooks'
import { setTimeout as pause } from 'node:timers/promises'
import { startScan } from '../../../core/storage/scan.ts'
import { startApp } from '../app.ts'
import { watchDelay } from '../delay.ts'
import { probed } from '../delay-probed.ts'
import { dropCaches } from '../drop-caches.ts'
import { type AppFiles, type Bench, type Figure, type Row, rows } from '../figure.ts'
import { type Written, writeStore } from '../layout-store.ts'
import { run } from '../program.ts'
import { summary } from '../stats.ts'

/** The count of a big store: how long, and how much it holds up the process that asked for it. */
export const scan: Figure = {
  name: 'scan',
  about: 'scan of a store with 100,000 blobs',
  async run(bench) {
    const { quick, work, app, say } = bench
    const folder = await work.sub('scan')
    const data = join(folder, 'data')
    const written = writeStore(data, quick ? 10_000 : 100_000)
    const seconds: number[] = []
    const late: number[] = []
    let cold = true
    for (let round = 0; round < (quick ? 2 : 3); round++) {
      cold = (await dropCaches()) && cold
      const finish = watchDelay()
      const started = performance.now()
      const outcome = await startScan(data).done
      seconds.push((performance.now() - started) / 1000)
      late.push(...finish().samples)
      if (outcome.kind !== 'counted') throw new Error(`the scan ended with ${JSON.stringify(outcome)}`)
      check(written, { repositories: outcome.ledger.repositories, tags: outcome.ledger.tags })
    }
    const temperature = cold
      ? 'caches dropped before each round'
      : 'warm: only root on Linux can drop the caches'
    const note = `${written.blobs.toLocaleString('en')} blobs in ${written.repositories} repositories; ${temperature}`
    const name = `scan of ${written.blobs / 1000}k blobs`
    const inApp = app ? await scanInApp(bench, app, folder) : []
    if (!app) say('scan: its delay in the app itself is not measured, as the app is not built')
    return rows(
      {
        name,
        unit: 's',
        better: 'less',
        target: { kind: 'at-most', value: 5 },
        ours: summary(seconds),
        note,
      },
      { name: `${name}: delay of the asking event loop`, unit: 'ms', better: 'less', ours: summary(late) },
      ...inApp,
    )
  },
}

function check(written: Written, counted: { repositories: number; tags: number }): void {
  if (counted.repositories !== written.repositories || counted.tags !== written.tags)
    throw new Error(`counted ${JSON.stringify(counted)} of ${JSON.stringify(written)}`)
}

/** The event loop of the app from its first answer until its status shows the storage. */
async function scanInApp({ work }: Bench, app: AppFiles, folder: string): Promise<Row[]> {
  const cold = await dropCaches()
  const probe = probed(join(folder, 'delay.json'))
  const { nodeOptions, environment } = probe.options
  const running = await startApp(work, app, folder, nodeOptions, environment)
  let seconds = 0
  const late = await probe.during(running.pid, async () => {
    const started = performance.now()
    const env = running.environment
    while (
      !(await run(process.execPath, [app.cli, 'status', '--json'], { env })).stdout.includes('"storage"')
    ) {
      if (performance.now() - started > 60_000) throw new Error('the app shows no storage after 60 s')
      await pause(200)
    }
    seconds = (performance.now() - started) / 1000
  })
  await running.quit()
  const note = `the app's own scan while it serves, asked for its status every 0.2 s; ${cold ? 'cold' : 'warm'}`
  return [
    {
      name: 'app: first answer until storage is shown',
      unit: 's',
      better: 'less',
      ours: summary([seconds]),
      note,
    },
    { name: 'app: event loop delay meanwhile', unit: 'ms', better: 'less', ours: summary(late), note },
  ]
}
