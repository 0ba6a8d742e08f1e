import { dirname, join } from 'node:path'
import { sha256Of } from '../../lib/hash-file.ts'
import { asStep, done, failed, type Step, type StepResult } from '../runbook/step.ts'
import { inventoryStep } from '../verify/inventory-step.ts'
import { readyTimeoutMs, serveAgainWithin, serveWithin } from '../verify/registry-process.ts'
import { readEdit } from './config-steps.ts'
import type { Context, UpgradeDeps } from './deps.ts'
import type { UpgradeMemory } from './memory.ts'
import { programBefore, revokeKeysAgain, rollBack } from './rollback.ts'
import { databaseBytes, takeSnapshot } from './snapshot.ts'

type UpgradeStep = Step<UpgradeMemory>

export const snapshotFolder = ({ home }: Pick<UpgradeDeps, 'home'>, { id }: UpgradeMemory): string =>
  join(home, 'snapshots', id)

export const readyTimeoutOf = ({ tags }: UpgradeMemory, { verification }: UpgradeDeps): number =>
  readyTimeoutMs(verification().readySeconds, tags)

export function stopStep(deps: UpgradeDeps): UpgradeStep {
  const { supervisor } = deps
  return {
    id: 'stop',
    title: 'Finish pushes and stop',
    why: 'zot cuts what is under way when it is stopped, so it is waited for.',
    check: async ({ memory }) => memory.needless || supervisor.state().kind === 'stopped',
    async apply({ memory: { to } }) {
      // Read while the registry still serves; at the swap it must be the same file, untouched.
      const same = to ? await deps.verifyAgain(to.path, to.sha256) : undefined
      if (same && !same.ok) return asStep(same)
      return asStep(await supervisor.stop())
    },
    async undo(context) {
      const { memory } = context
      const command = await programBefore(memory)
      if (deps.current().command !== command) deps.use(deps.engine(command, memory.from.version))
      // It served before: a slow computer is no reason to give it up.
      const served = await serveAgainWithin(deps, Math.max(60_000, readyTimeoutOf(memory, deps)))
      if (!served.ok) return served
      const keys = await revokeKeysAgain(deps, context, snapshotFolder(deps, memory))
      return keys.length === 0 ? served : { ok: true, words: keys.join(' ') }
    },
  }
}

export function snapshotStep(deps: UpgradeDeps): UpgradeStep {
  return {
    id: 'snapshot',
    title: 'Take a snapshot',
    why: 'A version that fails may have changed them; only then the copies come back.',
    check: async ({ memory }) => memory.needless,
    async apply({ memory }) {
      const roots = await deps.roots()
      if (roots === undefined) return failed('config-missing', 'The data folder is not known.')
      const needed = await databaseBytes(roots)
      const space = await deps.freeSpace(deps.home)
      if (space && space.freeBytes < needed)
        return failed(
          'no-space',
          'There is too little space to copy the databases.',
          `${needed} bytes are needed.`,
        )
      await takeSnapshot(snapshotFolder(deps, memory), deps.configFile, roots)
      memory.snapshotAt = deps.clock.now()
      return done
    },
  }
}

export const upgradeInventoryStep = (deps: UpgradeDeps): UpgradeStep =>
  inventoryStep<UpgradeMemory>({
    ...deps,
    now: () => deps.clock.now(),
    needless: ({ memory }) => memory.needless,
  })

/**
 * The file is verified once more, then the link is changed: the one change that decides which version every later start
 * takes. Where config.json changes with it, it changes first: until the link is changed nothing starts.
 */
export function swapStep(deps: UpgradeDeps): UpgradeStep {
  const { library } = deps
  return {
    id: 'swap',
    title: 'Swap',
    why: 'From here on every start takes it.',
    check: async ({ memory }) => memory.needless,
    async apply({ memory }) {
      const { to } = memory
      if (!to) return failed('unexpected', 'The new version is not known.')
      // Only after a kill can something be running here.
      const stopped = await deps.supervisor.stop()
      if (!stopped.ok) return asStep(stopped)
      const same = await deps.verifyAgain(to.path, to.sha256)
      if (!same.ok) return asStep(same)
      const edited = await editConfig(memory, deps)
      if (!edited.ok) return edited
      await library.activate(to.name)
      deps.use(deps.engine(to.path, to.version))
      return done
    },
    undo: context => rollBack(deps, context, snapshotFolder(deps, context.memory)),
  }
}

async function editConfig(memory: UpgradeMemory, deps: UpgradeDeps): Promise<StepResult> {
  const edit = await readEdit(memory)
  return edit && memory.to ? asStep(await deps.applyEdit(edit, memory.to.version)) : done
}

export function startStep(deps: UpgradeDeps): UpgradeStep {
  const { supervisor } = deps
  return {
    id: 'start',
    title: 'Start the new version',
    why: 'It has to answer within its time.',
    check: async ({ memory }) =>
      memory.needless ||
      (supervisor.state().kind === 'serving' && deps.current().command === memory.to?.path),
    async apply(context) {
      const { memory } = context
      for (;;) {
        const served = await serveWithin(deps, readyTimeoutOf(memory, deps))
        if (served.ok) return served
        if (memory.undo && (await askToRetry(context, served.error.words))) continue
        await markBadVersion(deps, memory, served)
        return served
      }
    },
    undo: async () => asStep(await supervisor.stop({ withinMs: 5000 })),
  }
}

/** An older version that cannot start on what is there now: nothing is put back for it, so a person decides. */
async function askToRetry({ memory, ask }: Context, why: string): Promise<boolean> {
  return ask({
    id: 'old-cannot-start',
    title: `${memory.to?.version ?? 'It'} cannot start on the databases as they are now`,
    body: [
      why,
      'Databases from before the upgrade are not put back: keys revoked since would work again, and keys made since would be gone.',
      `No means that ${memory.from.version ?? 'the newer version'} serves again.`,
    ].join('\n'),
    confirm: 'Try again',
  })
}

const unrelatedFailures = new Set([
  'cancelled',
  'quitting',
  'port-in-use',
  'root-in-use',
  'waits-for-other',
  'named-file-unusable',
  'data-volume-missing',
  'data-unreadable',
  'data-read-only',
  'census-missing',
  'config-edited-meanwhile',
  'config-missing',
  'busy',
])

const digestOf = (file: string): Promise<string | undefined> => sha256Of(file).catch(() => undefined)

/** A version that failed here is not taken again unless it is named. */
export async function markBadVersion(
  deps: UpgradeDeps,
  memory: UpgradeMemory,
  result: StepResult,
): Promise<void> {
  const { to } = memory
  if (result.ok || !to || memory.undo || unrelatedFailures.has(result.error.code)) return
  const space = await deps.freeSpace(dirname(deps.configFile)).catch(() => undefined)
  if (space && space.freeBytes < 1024 * 1024) return
  // Somebody changed config.json meanwhile: it failed with another one than it accepted.
  if (memory.accepted !== undefined && memory.accepted !== (await digestOf(deps.configFile))) return
  const { words } = result.error
  await deps.library
    .markBad(to.version, { at: deps.clock.now(), reason: words, sha256: to.sha256 })
    .catch((error: unknown) => deps.log('a bad version cannot be written down', { error: String(error) }))
}
