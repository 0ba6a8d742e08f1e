import type { Finding } from '../../contract/runbook.ts'
import type { InstalledVersion, ReleaseRow } from '../../contract/upgrade.ts'
import { compareVersions, isComparable } from '../platform/zot-version.ts'
import type { Release } from '../releases/release.ts'
import type { Library } from './library.ts'
import type { InstalledZot } from './memory.ts'

/** The newest release for this machine that is neither a draft, nor a prerelease, nor known to fail here. */
export function newestRelease(
  releases: readonly Release[],
  bad: Readonly<Record<string, unknown>>,
): string | undefined {
  return releases
    .filter(
      release =>
        !release.draft &&
        !release.prerelease &&
        release.asset !== undefined &&
        bad[release.version] === undefined,
    )
    .map(release => release.version)
    .sort(compareVersions)
    .at(-1)
}

/** The version that going back leads to: the last one that was used before and is still here. */
export async function previousVersion(library: Library): Promise<InstalledZot | undefined> {
  const [past, all] = await Promise.all([library.previous(), library.list()])
  for (const name of past.toReversed()) {
    const zot = all.find(candidate => candidate.name === name)
    if (zot) return zot
  }
  return undefined
}

/** Every installed version; `command` is the program that is used. */
export async function installedVersions(
  library: Library,
  command: string | undefined,
): Promise<InstalledVersion[]> {
  const [all, bad] = await Promise.all([library.list(), library.bad()])
  return all.map(({ version, path }) => {
    const failed = bad[version]
    return {
      version,
      path,
      running: path === command,
      ...(failed ? { bad: { at: failed.at, reason: failed.reason } } : {}),
    }
  })
}

interface RowOptions {
  library: Library
  running: string | undefined
  findings(version: string): Promise<Finding[]>
}

/** The releases in their order, then what is installed or runs and is none of them; the newest first. */
export async function releaseRows(
  releases: readonly Release[],
  { library, running, findings }: RowOptions,
): Promise<ReleaseRow[]> {
  const [installed, bad] = await Promise.all([library.list(), library.bad()])
  const rowOf = async (version: string, listed: Partial<ReleaseRow>): Promise<ReleaseRow> => {
    const failed = bad[version]
    const isCompared = running !== undefined && isComparable(running) && isComparable(version)
    return {
      version,
      notes: '',
      ...listed,
      installed: installed.some(zot => zot.version === version),
      running: version === running,
      ...(failed ? { bad: { at: failed.at, reason: failed.reason } } : {}),
      older: isCompared && compareVersions(version, running) < 0,
      findings: await findings(version),
    }
  }
  const rows: ReleaseRow[] = []
  for (const { version, publishedAt, notes, asset, draft } of releases) {
    if (draft || asset === undefined) continue
    const digest = asset.digest === undefined ? {} : { digest: asset.digest }
    rows.push(await rowOf(version, { publishedAt, notes, bytes: asset.bytes, ...digest }))
  }
  const unlisted = new Set([
    ...installed.map(({ version }) => version),
    ...(running === undefined ? [] : [running]),
  ])
  for (const { version } of rows) unlisted.delete(version)
  for (const version of unlisted) rows.push(await rowOf(version, {}))
  return unlisted.size === 0 ? rows : rows.sort(newestFirst)
}

/** What has no version that can be compared comes last. */
function newestFirst(a: { version: string }, b: { version: string }): number {
  const [left, right] = [isComparable(a.version), isComparable(b.version)]
  return left && right ? compareVersions(b.version, a.version) : Number(right) - Number(left)
}
