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

export async function releaseRows(
  releases: readonly Release[],
  { library, running, findings }: RowOptions,
): Promise<ReleaseRow[]> {
  const [installed, bad] = await Promise.all([library.list(), library.bad()])
  const rows: ReleaseRow[] = []
  for (const { version, publishedAt, notes, asset, draft } of releases) {
    if (draft || asset === undefined) continue
    const failed = bad[version]
    rows.push({
      version,
      publishedAt,
      notes,
      bytes: asset.bytes,
      ...(asset.digest === undefined ? {} : { digest: asset.digest }),
      installed: installed.some(zot => zot.version === version),
      running: version === running,
      ...(failed ? { bad: { at: failed.at, reason: failed.reason } } : {}),
      older: running !== undefined && isComparable(running) && compareVersions(version, running) < 0,
      findings: await findings(version),
    })
  }
  return rows
}
