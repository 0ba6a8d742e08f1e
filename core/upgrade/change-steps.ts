import { dirname, join } from 'node:path'
import { asStep, done, failed, type Step, type StepResult } from '../runbook/step.ts'
import { inventoryStep } from '../verify/inventory-step.ts'
import { readyTimeoutMs, serveWithin } from '../verify/registry-process.ts'
import { readEdit } from './config-steps.ts'
import type { Context, UpgradeParts } from './deps.ts'
import type { UpgradeMemory } from './memory.ts'
import { goBack, programBefore, settleKeys } from './rollback.ts'
import { databaseBytes, takeSnapshot } from './snapshot.ts'

type UpgradeStep = Step<UpgradeMemory>

export const snapshotFolder = ({ home }: Pick<UpgradeParts, 'home'>, { id }: UpgradeMemory): string =>
  join(home, 'snapshots', id)

export const limitOf = ({ tags }: UpgradeMemory, { gate }: UpgradeParts): number =>
  readyTimeoutMs(gate().readySeconds, tags)

export function stopStep(parts: UpgradeParts): UpgradeStep {
  const { supervisor } = parts
  return {
    id: 'stop',
    title: 'Finish pushes and stop',
    why: 'zot cuts what is under way when it is stopped, so it is waited for.',
    check: async ({ memory }) => memory.needless || supervisor.state().kind === 'stopped',
    async apply({ memory: { to } }) {
      // Read while the registry still serves; at the swap it must be the same file, untouched.
      const same = to ? await parts.verifyAgain(to.path, to.sha256) : undefined
      if (same && !same.ok) return asStep(same)
      return asStep(await supervisor.stop())
    },
    async undo(context) {
      const { memory } = context
      const command = await programBefore(memory)
      if (parts.current().command !== command) parts.use(parts.engine(command, memory.from.version))
      // It served before: a slow computer is no reason to give it up.
      const served = await serveWithin(parts, Math.max(60_000, limitOf(memory, parts)))
      if (served.ok) await settleKeys(parts, context, snapshotFolder(parts, memory))
      return served
    },
  }
}

export function snapshotStep(parts: UpgradeParts): UpgradeStep {
  return {
    id: 'snapshot',
    title: 'Take a snapshot',
    why: 'A version that fails may have changed them; only then the copies come back.',
    check: async ({ memory }) => memory.needless,
    async apply({ memory }) {
      const roots = await parts.roots()
      if (roots === undefined) return failed('config-missing', 'The data folder is not known.')
      const needed = await databaseBytes(roots)
      const space = await parts.freeSpace(parts.home)
      if (space && space.freeBytes < needed)
        return failed(
          'no-space',
          'There is too little space to copy the databases.',
          `${needed} bytes are needed.`,
        )
      await takeSnapshot(snapshotFolder(parts, memory), parts.configFile, roots)
      memory.snapshotAt = parts.clock.now()
      return done
    },
  }
}

export const upgradeInventoryStep = (parts: UpgradeParts): UpgradeStep =>
  inventoryStep<UpgradeMemory>({
    ...parts,
    now: () => parts.clock.now(),
    needless: ({ memory }) => memory.needless,
  })

/**
 * The file is looked at once more, then the link is turned: the one change that decides which version every later start
 * takes. Where config.json changes with it, it changes first: until the link is turned nothing starts.
 */
export function swapStep(parts: UpgradeParts): UpgradeStep {
  const { library } = parts
  return {
    id: 'swap',
    title: 'Swap',
    why: 'From here on every start takes it.',
    check: async ({ memory }) => memory.needless,
    async apply({ memory }) {
      const { to } = memory
      if (!to) return failed('unexpected', 'The new version is not known.')
      // Only after a kill can something be running here.
      const stopped = await parts.supervisor.stop()
      if (!stopped.ok) return asStep(stopped)
      const same = await parts.verifyAgain(to.path, to.sha256)
      if (!same.ok) return asStep(same)
      const edited = await editConfig(memory, parts)
      if (!edited.ok) return edited
      await library.turn(to.name)
      parts.use(parts.engine(to.path, to.version))
      return done
    },
    undo: context => goBack(parts, context, snapshotFolder(parts, context.memory)),
  }
}

async function editConfig(memory: UpgradeMemory, parts: UpgradeParts): Promise<StepResult> {
  const edit = await readEdit(memory)
  return edit && memory.to ? asStep(await parts.applyEdit(edit, memory.to.version)) : done
}

export function startStep(parts: UpgradeParts): UpgradeStep {
  const { supervisor } = parts
  return {
    id: 'start',
    title: 'Start the new version',
    why: 'It has to answer within its time.',
    check: async ({ memory }) =>
      memory.needless ||
      (supervisor.state().kind === 'serving' && parts.current().command === memory.to?.path),
    async apply(context) {
      const { memory } = context
      for (;;) {
        const served = await serveWithin(parts, limitOf(memory, parts))
        if (served.ok) return served
        if (memory.undo && (await tryAgain(context, served.error.words))) continue
        await blame(parts, memory, served)
        return served
      }
    },
    undo: async () => asStep(await supervisor.stop({ withinMs: 5000 })),
  }
}

/** An older version that cannot start on what is there now: nothing is put back for it, so a person decides. */
async function tryAgain({ memory, ask }: Context, why: string): Promise<boolean> {
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

const notItsFault = new Set([
  'cancelled',
  'quitting',
  'port-in-use',
  'root-in-use',
  'data-volume-missing',
  'data-unreadable',
  'data-read-only',
  'census-missing',
  'config-missing',
  'busy',
])

/** A version that failed here is not taken again unless it is named. */
export async function blame(parts: UpgradeParts, memory: UpgradeMemory, result: StepResult): Promise<void> {
  const { to } = memory
  if (result.ok || !to || memory.undo || notItsFault.has(result.error.code)) return
  const space = await parts.freeSpace(dirname(parts.configFile)).catch(() => undefined)
  if (space && space.freeBytes < 1024 * 1024) return
  const { words } = result.error
  await parts.library
    .markBad(to.version, { at: parts.clock.now(), reason: words, sha256: to.sha256 })
    .catch((error: unknown) => parts.log('a bad version cannot be written down', { error: String(error) }))
}
