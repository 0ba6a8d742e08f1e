import type { Runbook } from '../runbook/step.ts'
import { snapshotStep, startStep, stopStep, swapStep, upgradeInventoryStep } from './change-steps.ts'
import { configStep, consentStep } from './config-steps.ts'
import { type UpgradeMemory, upgradeName } from './memory.ts'
import { downloadStep, preflightStep, verifyStep } from './obtain-steps.ts'
import type { UpgradeParts } from './parts.ts'
import { stageStep } from './stage-step.ts'
import { commitStep, gateStep } from './verification-steps.ts'

/** The upgrade of zot to another version, and back to one that ran before. */
export function upgradeRunbook(memory: UpgradeMemory, parts: UpgradeParts): Runbook<UpgradeMemory> {
  const { from, version, source, undo } = memory
  const was = from.version ?? 'an unknown version'
  const wanted =
    version ?? (source === 'source' ? 'a build from source' : `what is in ${source ?? 'the file'}`)
  return {
    name: upgradeName,
    title: undo ? `Go back from zot ${was} to ${wanted}` : `Upgrade zot from ${was} to ${wanted}`,
    memory,
    steps: [
      preflightStep(parts),
      downloadStep(parts),
      verifyStep(parts),
      stageStep(parts),
      configStep(parts),
      consentStep(parts),
      stopStep(parts),
      snapshotStep(parts),
      upgradeInventoryStep(parts),
      swapStep(parts),
      startStep(parts),
      gateStep(parts),
      commitStep(parts),
    ],
    changes: ({ needless, to, edit, unreadable = [] }) =>
      needless || !to
        ? []
        : [
            `zot: ${was} became ${to.version}`,
            ...(edit ? [`config.json: changed for ${to.version}`] : []),
            ...unreadable.map(what => `not proven: ${what}`),
          ],
  }
}
