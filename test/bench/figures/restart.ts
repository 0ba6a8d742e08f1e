import { performance } from 'node:perf_hooks'
import { setTimeout as pause } from 'node:timers/promises'
import { ask } from '../answer.ts'
import { startApp } from '../app.ts'
import { manifestType } from '../client.ts'
import { type Figure, missing, rows, skipped } from '../figure.ts'
import { manifestPaths, pushStore } from '../image-store.ts'
import { runWell } from '../program.ts'
import { longestGap, summary } from '../stats.ts'

const clients = 4

/** What clients see while `zotbar restart` runs. */
export const restart: Figure = {
  name: 'restart',
  about: 'planned restart: time without an answer, failed pulls',
  async run({ quick, work, app }) {
    if (!app) return skipped(missing.app)
    const running = await startApp(work, app, await work.sub('restart'))
    const shape = { repositories: 4, tags: 4 }
    await pushStore(running.url, shape)
    const paths = manifestPaths(shape).map(path => running.url + path)
    const gaps: number[] = []
    const failed: number[] = []
    const retried: number[] = []
    const took: number[] = []
    for (let round = 0; round < (quick ? 3 : 7); round++) {
      const over = new AbortController()
      const polls = poll(paths[0] ?? '', over.signal)
      const pulls = Promise.all(Array.from({ length: clients }, (_, i) => pull(paths, i, over.signal)))
      await pause(200)
      const verb = await runWell(process.execPath, [app.cli, 'restart', '--json'], {
        env: running.environment,
      })
      await pause(1_500)
      over.abort()
      const counts = await pulls
      gaps.push(longestGap(await polls) / 1000)
      failed.push(counts.reduce((sum, count) => sum + count.failed, 0))
      retried.push(counts.reduce((sum, count) => sum + count.retried, 0))
      took.push(verb.seconds)
    }
    await running.quit()
    const watched = 'a manifest is asked for every 5 ms on a new connection; the pause is part of the gap'
    const pulled = `${clients} clients pull without pause and, like skopeo and podman, retry once after 1 s`
    const common = { unit: 's', better: 'less' } as const
    return rows(
      {
        name: 'planned restart: time without an answer',
        ...common,
        target: { kind: 'at-most', value: 0.5 },
        ours: summary(gaps),
        note: watched,
      },
      {
        name: 'planned restart: failed pulls',
        unit: 'count',
        better: 'less',
        target: { kind: 'at-most', value: 0 },
        ours: summary([Math.max(...failed)]),
        note: pulled,
      },
      {
        name: 'planned restart: pulls that had to retry',
        unit: 'count',
        better: 'less',
        ours: summary(retried),
        note: pulled,
      },
      { name: '`zotbar restart`, to its return', ...common, ours: summary(took) },
    )
  },
}

/** When each answer of 200 came, in ms. */
async function poll(url: string, over: AbortSignal): Promise<number[]> {
  const answers = []
  while (!over.aborted) {
    if ((await ask(url, 10_000, { accept: manifestType })) === 200) answers.push(performance.now())
    await pause(5)
  }
  return answers
}

async function pull(
  urls: string[],
  from: number,
  over: AbortSignal,
): Promise<{ failed: number; retried: number }> {
  const count = { failed: 0, retried: 0 }
  for (let at = from; !over.aborted; at++) {
    const url = urls[at % urls.length] ?? ''
    if ((await ask(url, 30_000, { accept: manifestType })) === 200) continue
    count.retried++
    await pause(1_000)
    if ((await ask(url, 30_000, { accept: manifestType })) !== 200) count.failed++
  }
  return count
}
