import { join } from 'node:path'
import * as v from 'valibot'
import type { Clock } from '../../lib/clock.ts'
import { readJsonFile, writeJsonFile } from '../platform/json-file.ts'
import type { Release } from '../releases/release.ts'
import type { Releases } from '../releases/releases.ts'

interface Options {
  home: string
  clock: Clock
  releases: Pick<Releases, 'due' | 'list' | 'cached'>
  /** Whether the app is to upgrade by itself. */
  wanted(): boolean
  /** The newest of a list that would be an upgrade. */
  newest(releases: Release[]): Promise<string | undefined>
  upgrade(): Promise<void>
  log(message: string, data?: Record<string, unknown>): void
  onChange(): void
}

const intervalMs = 3600_000
const weekMs = 7 * 24 * 3600_000
const schema = v.object({ at: v.number() })

/** Checks the list of releases once a day; upgrades once a week, only where the settings say so. */
export function createUpgradeSchedule({
  home,
  clock,
  releases,
  wanted,
  newest,
  upgrade,
  log,
  onChange,
}: Options) {
  const file = join(home, 'schedule.json')
  let known: string | undefined
  let stop = (): void => {}
  let closed = false

  async function updateNewest(all: Release[]): Promise<void> {
    const release = await newest(all)
    if (release === known) return
    known = release
    onChange()
  }

  async function checkReleases(): Promise<void> {
    if (await releases.due(clock.now())) {
      const listed = await releases.list()
      if (listed.ok) await updateNewest(listed.value.releases)
      if (listed.ok && known !== undefined && wanted()) await weekly()
    } else {
      const cached = await releases.cached()
      if (cached) await updateNewest(cached.releases)
    }
  }

  /** At most once a week, whatever came of it. */
  async function weekly(): Promise<void> {
    const last = await readJsonFile(file, schema, { now: clock.now, report: () => {} })
    const at = clock.now()
    if (last && at - last.at < weekMs && at >= last.at) return
    await writeJsonFile(file, { at })
    await upgrade()
  }

  function wait(): void {
    if (closed) return
    stop = clock.setTimer(clock.now() + intervalMs, tick, { unref: true })
  }
  function tick(): void {
    void checkReleases()
      .catch((error: unknown) => log('the list of releases was not checked', { error: String(error) }))
      .finally(wait)
  }

  return {
    begin: tick,
    updateNewest: (all: Release[]) => void updateNewest(all),
    newest: () => known,
    close() {
      closed = true
      stop()
    },
  }
}
