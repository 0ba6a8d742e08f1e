import type { Finding } from '../../contract/runbook.ts'
import type { UpgradeOrigin, UpgradePlan } from '../../contract/upgrade.ts'
import { embeddedVersion } from '../releases/program-version.ts'
import type { Release } from '../releases/release.ts'
import { dryRun } from '../runbook/run.ts'
import type { Runbook, StepResult } from '../runbook/step.ts'
import { unreadableFindings } from '../verify/inventory.ts'
import { snapshotStep, startStep, stopStep, swapStep, upgradeInventoryStep } from './change-steps.ts'
import { configStep, consentStep, toUpgradeEdit } from './config-steps.ts'
import type { UpgradeDeps } from './deps.ts'
import { type UpgradeMemory, upgradeName } from './memory.ts'
import { checkSpace, downloadStep, preflightStep, refusalFor, verifyStep } from './obtain-steps.ts'
import { stageStep } from './stage-step.ts'
import { commitStep, verificationStep } from './verification-steps.ts'

/** The upgrade of zot to another version, and back to one that ran before. */
export function upgradeRunbook(memory: UpgradeMemory, deps: UpgradeDeps): Runbook<UpgradeMemory> {
  const { from, version, source, undo } = memory
  const was = from.version ?? 'an unknown version'
  const wanted =
    version ?? (source === 'source' ? 'a build from source' : `what is in ${source ?? 'the file'}`)
  return {
    name: upgradeName,
    title: undo ? `Go back from zot ${was} to ${wanted}` : `Upgrade zot from ${was} to ${wanted}`,
    memory,
    steps: [
      preflightStep(deps),
      downloadStep(deps),
      verifyStep(deps),
      stageStep(deps),
      configStep(deps),
      consentStep(deps),
      stopStep(deps),
      snapshotStep(deps),
      upgradeInventoryStep(deps),
      swapStep(deps),
      startStep(deps),
      verificationStep(deps),
      commitStep(deps),
    ],
    changes: ({ needless, to, edit }) =>
      needless || !to
        ? []
        : [`zot: ${was} became ${to.version}`, ...(edit ? [`config.json: changed for ${to.version}`] : [])],
  }
}

/** What the list proves of a release: a digest, a signed manifest where a key is pinned, or nothing. */
export function originOf(release: Release | undefined, pinned: boolean): UpgradeOrigin {
  if (release === undefined) return 'unproven'
  if (pinned && release.manifest && release.signature) return 'signed'
  return release.asset?.digest !== undefined || release.checksums !== undefined ? 'published' : 'unproven'
}

export const refusalFinding = (id: string, words: string, evidence: string): Finding => ({
  id,
  severity: 'error',
  evidence,
  advice: words,
})

const versionNote = { id: 'another-version', severity: 'info' } as const

const asFinding = (result: StepResult | undefined): Finding[] =>
  result === undefined || result.ok
    ? []
    : [refusalFinding(result.error.code, result.error.words, result.error.detail ?? '')]

/** What would be done, and what it would mean. Nothing is fetched and nothing runs. */
export async function planUpgrade(
  memory: UpgradeMemory,
  deps: UpgradeDeps,
  { origin, trouble = [] }: { origin: UpgradeOrigin; trouble?: Finding[] },
): Promise<UpgradePlan> {
  const { from, source, note } = memory
  const version = memory.version ?? (source?.startsWith('/') ? await embeddedVersion(source) : undefined)
  const steps = await dryRun(upgradeRunbook(memory, deps))
  const refusal = version === undefined ? undefined : await refusalFor(version, memory, deps)
  const room = asFinding(await checkSpace(memory, deps))
  const about = {
    runbook: upgradeName,
    steps,
    origin,
    ...(from.version === undefined ? {} : { from: from.version }),
    ...(version === undefined ? {} : { to: version }),
  }
  const doubts = await unreadableFindings(deps)
  const first = [
    ...(note === undefined ? [] : [{ ...versionNote, evidence: source ?? '', advice: note }]),
    ...trouble,
    ...room,
  ]
  if (version === undefined)
    return { ...about, findings: [...first, ...(await deps.advisories(from.version)), ...doubts] }
  const { findings, edit } = await deps.advise(from.version, version)
  return {
    ...about,
    findings: [...first, ...asFinding(refusal), ...findings, ...doubts],
    ...(edit ? { edit: toUpgradeEdit(edit) } : {}),
  }
}
