import { chmod, constants, copyFile, mkdir, readFile, realpath, rename } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import * as v from 'valibot'
import { writeAtomic } from '../../lib/atomic-file.ts'
import { sha256Of } from '../../lib/hash-file.ts'
import { syncFile, trySyncFolder } from '../../lib/sync-file.ts'
import { asStep, done, failed, type Step, type StepResult } from '../runbook/step.ts'
import type { Context, UpgradeDeps } from './deps.ts'
import { isFile } from './library.ts'
import type { InstalledZot, UpgradeMemory } from './memory.ts'
import { refusalFor, removeWork, verifyStagedProgram } from './obtain-steps.ts'
import { programBefore } from './rollback.ts'

/**
 * Puts the program beside the one that runs, and the running one there too, so that it stays. The link and the setting
 * are made to name the running one first: a setting that names nothing takes the newest program there is, which must not
 * become the new one by that alone.
 */
export function stageStep(deps: UpgradeDeps): Step<UpgradeMemory> {
  const { library } = deps

  async function apply(context: Context): Promise<StepResult> {
    const { memory } = context
    const { from, got } = memory
    await recordInstalled(memory, deps)
    if (memory.undo) return stageEarlier(context)
    if (!got) return failed('unexpected', 'Nothing was fetched.')
    const staged = await moveToStaged(got.file, memory)
    const verified = await verifyStagedProgram(staged, got, deps, context)
    if (!verified.ok) return verified
    const { version } = verified
    const refused = await refusalFor(version, memory, deps)
    if (refused) return refused
    if (version === from.version && got.sha256 === (await sha256Of(from.command).catch(() => ''))) {
      memory.needless = true
      await removeWork(memory)
      return { ok: true, words: `${version} is what runs already` }
    }
    const linked = await preserveRunning(context, deps)
    if (!linked.ok) return linked
    const at = deps.clock.now()
    memory.to = await library.add(dirname(staged), { version, sha256: got.sha256, from: got.from, at })
    return { ok: true, words: memory.to.path }
  }

  /** Going back: the version is here, and has only to be the one that it was. */
  async function stageEarlier(context: Context): Promise<StepResult> {
    const { memory } = context
    if (memory.to === undefined) return failed('unexpected', 'No version to go back to is known.')
    const same = await deps.verifyAgain(memory.to.path, memory.to.sha256)
    return same.ok ? preserveRunning(context, deps) : asStep(same)
  }

  return {
    id: 'stage',
    title: 'Place beside the one that runs',
    why: 'Both versions are there, so that going back needs no network.',
    check: async ({ memory }) => memory.needless,
    apply,
    async undo({ memory }) {
      const { settingPath, command } = memory.from
      const before = await installedBefore(memory)
      const added = (await library.list()).filter(({ name }) => before && !before.includes(name))
      // Before the setting names nothing again; the copy of the running one after it.
      for (const { path, name } of added) if (path !== memory.old?.path) await library.remove(name)
      const isCopied = added.some(({ path }) => path === memory.old?.path)
      if (isCopied && (await programBefore(memory)) !== command) {
        await removeWork(memory)
        return { ok: true, words: `${command} is not there any more as it ran: its copy is used from now on` }
      }
      const named = await deps.setEnginePath(settingPath)
      if (!named.ok) return asStep(named)
      for (const { name } of added) await library.remove(name)
      await removeWork(memory)
      return done
    },
  }
}

/** A copy of the program that runs, under the link that the setting names from now on. */
async function preserveRunning(context: Context, deps: UpgradeDeps): Promise<StepResult> {
  const { memory } = context
  const { library, setEnginePath: namePath } = deps
  const { command } = memory.from
  memory.old = await library.preserve(command, await versionOf(command, context, deps), deps.clock.now())
  await library.activate(memory.old.name)
  return asStep(await namePath(library.program))
}

/**
 * A package manager may have put another program into the place of the one that runs: it is preserved as what it is, not as
 * what runs.
 */
async function versionOf(
  command: string,
  { memory: { from }, signal }: Context,
  { library, releases }: UpgradeDeps,
): Promise<string | undefined> {
  const resolved = await realpath(command)
  if (resolved.startsWith(await realpath(library.folder).catch(() => library.folder))) return from.version
  const reported = await releases.verifyStaged(resolved, await sha256Of(resolved), undefined, {
    from: command,
    signal,
  })
  return reported.ok ? reported.value.version : from.version
}

/** The programs that were there, so that an undo knows what was added, also after a kill. */
async function recordInstalled(memory: UpgradeMemory, { library }: UpgradeDeps): Promise<void> {
  if ((await installedBefore(memory)) !== undefined) return
  await mkdir(memory.work, { recursive: true, mode: 0o700 })
  const names = (await library.list()).map(({ name }: InstalledZot) => name)
  await writeAtomic(join(memory.work, 'before.json'), JSON.stringify(names))
}

async function installedBefore({ work }: UpgradeMemory): Promise<string[] | undefined> {
  try {
    return v.parse(v.array(v.string()), JSON.parse(await readFile(join(work, 'before.json'), 'utf8')))
  } catch {
    return undefined
  }
}

/** The program as it can be run: no longer where it was fetched, 0700, synced. */
async function moveToStaged(fetched: string, memory: UpgradeMemory): Promise<string> {
  const folder = join(memory.work, 'staged')
  const staged = join(folder, 'zot')
  if (await isFile(staged)) return staged
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const moving = join(memory.work, 'moving')
  await rename(fetched, moving).catch(() => copyFile(fetched, moving, constants.COPYFILE_FICLONE))
  await chmod(moving, 0o700)
  await syncFile(moving)
  await rename(moving, staged)
  await trySyncFolder(folder)
  return staged
}
