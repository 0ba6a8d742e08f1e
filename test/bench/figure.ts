import type { Engine, Side } from './side.ts'
import { type Summary, timesBetter } from './stats.ts'
import type { Workspace } from './workspace.ts'

export type Unit = 's' | 'ms' | 'MB' | 'kB' | '%' | '/s' | 'GB/s' | 'count'

/** What is aimed at: a bound on our own median, or on how many times better than the peer's it is. */
export type Target = { kind: 'at-most' | 'at-least' | 'times-peer'; value: number }

/** One line of the table. `ours` is absent when only the peer could be measured, `peer` where it has no such thing. */
export interface Row {
  name: string
  unit: Unit
  better: 'less' | 'more'
  ours?: Summary
  peer?: Summary
  target?: Target
  /** How it was measured, where that decides what the number means. */
  note?: string
}

/** Undefined: nothing was aimed at. */
export type Met = 'yes' | 'no' | 'not measured' | undefined

/** Undefined also where a side measured nothing at all: how many times better than 0 has no answer. */
export function ratioOf(row: Row): number | undefined {
  if (!row.ours || !row.peer) return undefined
  const ratio = timesBetter(row.ours.median, row.peer.median, row.better)
  return Number.isFinite(ratio) ? ratio : undefined
}

export function metOf(row: Row): Met {
  switch (row.target?.kind) {
    case undefined:
      return undefined
    case 'at-most':
      if (!row.ours) return 'not measured'
      return row.ours.median <= row.target.value ? 'yes' : 'no'
    case 'at-least':
      if (!row.ours) return 'not measured'
      return row.ours.median >= row.target.value ? 'yes' : 'no'
    case 'times-peer': {
      const ratio = ratioOf(row)
      if (ratio === undefined) return 'not measured'
      return ratio >= row.target.value ? 'yes' : 'no'
    }
  }
}

/** What a figure gets to work with. A side or the app is undefined when it is not there. */
export interface Bench {
  quick: boolean
  work: Workspace
  ours: Side | undefined
  peer: Side | undefined
  /** Our own registry where a figure sets what only it knows; not there while the peer stands in for it. */
  engine: Engine | undefined
  app: AppFiles | undefined
  say(line: string): void
}

/** The bundle of the command line and the launcher in front of it. */
export interface AppFiles {
  cli: string
  launcher: string
}

export type Outcome = { ok: true; rows: Row[] } | { ok: false; skipped: string }

export interface Figure {
  /** As given on the command line. */
  name: string
  about: string
  run(bench: Bench): Promise<Outcome>
}

export const rows = (...rows: Row[]): Outcome => ({ ok: true, rows })
export const skipped = (why: string): Outcome => ({ ok: false, skipped: why })

/** What to say when a program is missing. */
export const missing = {
  ours: 'the registry is not built (npm run build)',
  app: 'the app is not built (npm run build)',
  peer: 'docker-registry is not installed (Debian: apt-get install docker-registry)',
  wrk: 'wrk is not installed (Debian: apt-get install wrk)',
  curl: 'curl is not installed (Debian: apt-get install curl)',
  proc: 'it reads /proc, so it needs Linux',
} as const
