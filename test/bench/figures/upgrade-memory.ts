import { setTimeout as pause } from 'node:timers/promises'
import { assetName } from '../../../core/releases/release.ts'
import { type Figure, missing, rows, skipped } from '../figure.ts'
import { populatedNote } from '../populated.ts'
import { procIsThere, residentMegabytes } from '../proc.ts'
import { startReleaseHost } from '../release-server.ts'
import { summary } from '../stats.ts'
import { startZotApp } from '../zot-app.ts'

/** The app's memory around an upgrade from a release, download included. */
export const upgradeMemory: Figure = {
  name: 'upgrade-memory',
  about: 'memory of the app before, during and after an upgrade',
  async run(bench) {
    const { app, work, quick } = bench
    if (!procIsThere) return skipped(missing.proc)
    if (!app) return skipped(missing.app)
    const name = assetName(process)
    if (name === undefined) return skipped('zot has no release for this machine')
    const settle = quick ? 10 : 30
    const zot = await startZotApp(bench, app, { 'gate.stableSeconds': 0 })
    const release = zot.next('good')
    const host = await startReleaseHost(work, { ...release, name })
    await zot.zotbar('settings', 'set', 'releases.url', host.url)
    await pause(settle * 1000)
    const { pid } = zot.app
    const before = await residentMegabytes(pid)
    let over = false
    const upgraded = zot.zotbar('upgrade', '--to', release.version, '--yes', '--json').finally(() => {
      over = true
    })
    let peak = before
    while (!over) {
      peak = Math.max(peak, await residentMegabytes(pid))
      await pause(20)
    }
    const { code, stdout } = await upgraded
    if (code !== 0) throw new Error(`the upgrade ended with ${stdout.trim().split('\n').at(-1)}`)
    await pause(settle * 1000)
    const after = await residentMegabytes(pid)
    await host.stop()
    await zot.app.quit()
    const common = { unit: 'MB', better: 'less' } as const
    const note = `${populatedNote(bench)}; resident, ${settle} s after the start and after the run; the program of the release is downloaded`
    return rows(
      { name: 'app before an upgrade', ...common, note, ours: summary([before]) },
      { name: 'app in an upgrade, at most', ...common, note, ours: summary([peak]) },
      { name: 'app after an upgrade', ...common, note, ours: summary([after]) },
    )
  },
}
