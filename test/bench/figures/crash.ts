import { performance } from 'node:perf_hooks'
import { untilAnswer, untilSilent } from '../answer.ts'
import { startApp } from '../app.ts'
import { type Figure, missing, rows, skipped } from '../figure.ts'
import { summary } from '../stats.ts'

/** kill -9 the registry: how long until it answers again, and until the app says so. */
export const crash: Figure = {
  name: 'crash',
  about: 'crash to serving',
  async run({ quick, work, app }) {
    if (!app) return skipped(missing.app)
    const answer: number[] = []
    const serving: number[] = []
    // An app of its own for each round: a second crash within 30 s is made to wait, on purpose.
    for (let round = 0; round < (quick ? 3 : 7); round++) {
      const running = await startApp(work, app, await work.sub('crash'))
      const killed = performance.now()
      const old = running.registryPid()
      process.kill(old, 'SIGKILL')
      const said = running.untilLine(line => line.state === 'serving' && line.pid !== old)
      await untilSilent(`${running.url}/v2/`)
      answer.push(((await untilAnswer(`${running.url}/v2/`)) - killed) / 1000)
      await said
      serving.push((performance.now() - killed) / 1000)
      await running.quit()
    }
    const note = 'kill -9 of the registry, asked every 5 ms on a new connection; the peer alone stays down'
    const common = { unit: 's', better: 'less', target: { kind: 'at-most', value: 0.7 }, note } as const
    return rows(
      { name: 'crash until the registry answers', ...common, ours: summary(answer) },
      { name: 'crash until the state line says serving', ...common, ours: summary(serving) },
    )
  },
}
