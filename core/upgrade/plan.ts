import type { Finding } from '../../contract/runbook.ts'
import type { UpgradeOrigin, UpgradePlan } from '../../contract/upgrade.ts'
import { embeddedVersion } from '../releases/program-version.ts'
import type { Release } from '../releases/release.ts'
import { dryRun } from '../runbook/run.ts'
import type { StepResult } from '../runbook/step.ts'
import { unreadableFindings } from '../verify/inventory.ts'
import { editShown } from './config-steps.ts'
import { type UpgradeMemory, upgradeName } from './memory.ts'
import { refusalOf } from './obtain-steps.ts'
import type { UpgradeParts } from './parts.ts'
import { upgradeRunbook } from './runbook.ts'

/** What the list tells of a release: a digest, a signed manifest where a key is pinned, or nothing. */
export function originOf(release: Release | undefined, pinned: boolean): UpgradeOrigin {
  if (release === undefined) return 'unproven'
  if (pinned && release.manifest && release.signature) return 'signed'
  return release.asset?.digest !== undefined || release.checksums !== undefined ? 'published' : 'unproven'
}

export const refused = (id: string, words: string, evidence: string): Finding => ({
  id,
  severity: 'error',
  evidence,
  advice: words,
})

const asFinding = (result: StepResult | undefined): Finding[] =>
  result === undefined || result.ok
    ? []
    : [refused(result.error.code, result.error.words, result.error.detail ?? '')]

/** What would be done, and what it would mean. Nothing is fetched and nothing runs. */
export async function planUpgrade(
  memory: UpgradeMemory,
  parts: UpgradeParts,
  { origin, trouble = [] }: { origin: UpgradeOrigin; trouble?: Finding[] },
): Promise<UpgradePlan> {
  const { from, source } = memory
  const version = memory.version ?? (source?.startsWith('/') ? await embeddedVersion(source) : undefined)
  const steps = await dryRun(upgradeRunbook(memory, parts))
  const refusal = version === undefined ? undefined : await refusalOf(version, memory, parts)
  const about = {
    runbook: upgradeName,
    steps,
    origin,
    ...(from.version === undefined ? {} : { from: from.version }),
    ...(version === undefined ? {} : { to: version }),
  }
  const doubts = await unreadableFindings(parts)
  if (version === undefined)
    return { ...about, findings: [...trouble, ...(await parts.advisories(from.version)), ...doubts] }
  const { findings, edit } = await parts.advise(from.version, version)
  return {
    ...about,
    findings: [...trouble, ...asFinding(refusal), ...findings, ...doubts],
    ...(edit ? { edit: editShown(edit) } : {}),
  }
}
