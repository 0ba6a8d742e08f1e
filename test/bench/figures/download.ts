import { randomFillSync } from 'node:crypto'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { performance } from 'node:perf_hooks'
import { releasesAt } from '../../integration/releases/at.ts'
import { type Figure, missing, rows, skipped } from '../figure.ts'
import { runWell } from '../program.ts'
import { startReleaseHost } from '../release-server.ts'
import { alternate, type Pair } from '../rounds.ts'
import { type Summary, summary } from '../stats.ts'
import { onPath } from '../workspace.ts'

const size = 150e6
const version = 'v2.1.15'
const name = 'zot-linux-amd64'
const machine = { platform: 'linux', arch: 'x64' } as const

/** A release as an upgrade downloads it, hashed and synced, beside curl, which does neither. */
export const download: Figure = {
  name: 'download',
  about: 'download of a release beside curl',
  async run({ quick, work, say }) {
    if (!onPath('curl')) return skipped(missing.curl)
    const folder = await work.sub('download')
    const file = join(folder, 'asset')
    await writeFile(file, randomFillSync(Buffer.alloc(size)))
    const host = await startReleaseHost(work, { version, name, file })
    const releases = releasesAt(folder, host.url, { machine })
    const release = await releases.find(version)
    if (!release.ok) throw new Error(JSON.stringify(release.error))
    const to = join(folder, 'to')

    async function ours(): Promise<void> {
      if (!release.ok) return
      const { signal } = new AbortController()
      const got = await releases.download(release.value, { to, signal, progress: () => {} })
      if (!got.ok || got.value.bytes !== size) throw new Error(JSON.stringify(got))
    }
    const curl = () => runWell('curl', ['-sSfL', '-o', join(to, name), host.download])
    const sides: Pair<() => Promise<unknown>> = { ours, peer: curl }
    const rates = await alternate(sides, { count: quick ? 3 : 5, warmup: 1 }, async fetch => {
      await rm(to, { recursive: true, force: true })
      await mkdir(to, { mode: 0o700 })
      await runWell('sync', [])
      const started = performance.now()
      await fetch()
      return size / 1e9 / ((performance.now() - started) / 1000)
    })
    await host.stop()
    for (const [side, { samples }] of Object.entries(rates) as [string, Summary][])
      say(
        `download: ${side === 'ours' ? 'ours' : 'curl'} ${samples.map(it => it.toFixed(3)).join(', ')} GB/s`,
      )
    const common = {
      unit: 'GB/s',
      better: 'more',
      target: { kind: 'times-peer', value: 0.9 },
      note: 'the peer is `curl -o`, which neither hashes nor syncs; the same server, a process of its own on the same cores',
    } as const
    return rows(
      { name: 'download of 150 MB', ...common, ...rates },
      { name: 'download of 150 MB, best round', ...common, ...best(rates) },
    )
  },
}

const most = (all: Summary | undefined): Summary | undefined => all && summary([all.most])

function best({ ours, peer }: Pair<Summary>): Pair<Summary> {
  const [mine, theirs] = [most(ours), most(peer)]
  return { ...(mine ? { ours: mine } : {}), ...(theirs ? { peer: theirs } : {}) }
}
