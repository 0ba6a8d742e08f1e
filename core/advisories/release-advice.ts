import type { Finding } from '../../contract/runbook.ts'
import type { Snapshot } from '../../contract/snapshot.ts'
import type { SetAside } from '../platform/json-file.ts'
import type { Web } from '../platform/web.ts'
import { type Advice, createAdvice } from './advice.ts'

interface Options {
  home: string
  configFile: string
  web: Web
  now(): number
  /** The setting `advice.url`; empty: none. */
  url(): string
  /** The setting `upgrade.timeLimits`: the edit that sets them is agreed to. */
  timeLimits(): boolean
  report(what: SetAside): void
  log(message: string): void
  onChange(): void
}

/** What releases mean for config.json, and which advisories the glance shows. */
export interface ReleaseAdvice extends Advice {
  /** Looks anew when another process serves, or it turned out to be another version. */
  running(engine: Snapshot['engine'], pid: number | undefined): void
  advisories(): Finding[]
}

/** Joins the facts about releases with the version that runs. */
export function createReleaseAdvice({ timeLimits, log, onChange, ...options }: Options): ReleaseAdvice {
  const advice = createAdvice({
    ...options,
    accepted: () => (timeLimits() ? ['request-time-limits'] : []),
  })
  let advisories: Finding[] = []
  let seen: { version: string; pid: number } | undefined

  function running({ id, version }: Snapshot['engine'], pid: number | undefined): void {
    if (pid === undefined) return
    if (id !== 'zot' || version === undefined) {
      seen = undefined
      advisories = []
      return
    }
    if (seen?.version === version && seen.pid === pid) return
    const now = { version, pid }
    seen = now
    void look(now)
  }

  async function look(at: { version: string; pid: number }): Promise<void> {
    try {
      const found = await advice.against(at.version)
      if (seen !== at) return
      const isSame = JSON.stringify(found) === JSON.stringify(advisories)
      advisories = found
      if (!isSame) onChange()
    } catch (error) {
      log(`advisories could not be looked up: ${String(error)}`)
    }
  }

  return {
    ...advice,
    running,
    advisories: () => advisories,
    async advise(running, to) {
      const advised = await advice.advise(running, to)
      if (seen) void look(seen)
      return advised
    },
    async refresh(signal) {
      const fetched = await advice.refresh(signal)
      if (fetched.ok && seen) await look(seen)
      return fetched
    },
  }
}
