import { startApp } from '../app.ts'
import { type Figure, missing, rows, skipped } from '../figure.ts'
import { alternate } from '../rounds.ts'
import { summary } from '../stats.ts'

/** Start to serving: of the app with its registry, and of the registry alone beside the peer's. */
export const start: Figure = {
  name: 'start',
  about: 'start to serving',
  async run({ quick, work, ours, peer, app, say }) {
    if (!ours) return skipped(missing.ours)
    const rounds = quick ? 3 : 7
    const alone = await alternate(
      { ours, ...(peer ? { peer } : {}) },
      { count: rounds, warmup: 1 },
      async side => {
        const server = await side.start(work, await work.sub('start'))
        await server.stop()
        return server.startSeconds
      },
    )
    const aloneRow = {
      name: 'registry alone: start to an answer',
      unit: 's',
      better: 'less',
      ...alone,
    } as const
    if (!app) {
      say(`start: only the registry, as ${missing.app}`)
      return rows(aloneRow)
    }
    const first = { answer: [] as number[], serving: [] as number[] }
    const later = { answer: [] as number[], serving: [] as number[] }
    for (let round = -1; round < rounds; round++) {
      const folder = await work.sub('app')
      for (const times of [first, later]) {
        const running = await startApp(work, app, folder)
        await running.quit()
        // The first round warms the page cache: it counts for neither.
        if (round < 0) continue
        times.answer.push(running.answerSeconds)
        times.serving.push(running.servingSeconds)
      }
    }
    const note = '`zotbar start --headless`; the peer has no supervisor: its bare start'
    const common = { unit: 's', better: 'less', target: { kind: 'at-most', value: 1 }, note } as const
    const peers = alone.peer ? { peer: alone.peer } : {}
    return rows(
      { name: 'first start until the registry answers', ...common, ours: summary(first.answer), ...peers },
      { name: 'first start until the state is serving', ...common, ours: summary(first.serving), ...peers },
      { name: 'later start until the registry answers', ...common, ours: summary(later.answer), ...peers },
      { name: 'later start until the state is serving', ...common, ours: summary(later.serving), ...peers },
      aloneRow,
    )
  },
}
