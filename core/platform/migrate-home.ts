import { cp, lstat, mkdir, readdir, rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fail, ok, type Result } from '../../contract/result.ts'
import { errorCode, reasonOf } from '../../lib/error-code.ts'
import { type HomeFile, homeFormat, readHomeFile, writeHomeFile } from '../../lib/home-format.ts'
import { syncFile, trySyncFolder } from '../../lib/sync-file.ts'

/** One step from a format of the home to the next. */
export interface Migration {
  /** The format that it makes; it begins with the one before. */
  to: number
  /** What it writes, moves or removes: paths of files and folders within the home. They are copied before it begins. */
  changes: readonly string[]
  /** After a kill in its middle it is called again, on what the first call left. */
  apply(home: string): Promise<void>
}

/** Every format that there ever was. The first one added `home.json` alone. */
const migrations: readonly Migration[] = [{ to: 1, changes: [], apply: async () => {} }]

/**
 * Whether a core that knows formats up to `known` may use a home. Reads alone, so it can come before the first change.
 * Errors: `home-newer` with both numbers, `home-damaged`, `home-unusable`.
 */
export async function checkHomeFormat(home: string, known = homeFormat): Promise<Result<HomeFile>> {
  try {
    const read = await readHomeFile(home)
    if (read.kind === 'none') return ok({ format: 0 })
    if (read.kind === 'damaged')
      return fail({ code: 'home-damaged', file: join(home, 'home.json'), reason: read.reason, known })
    const { format, changingTo = format } = read.file
    const newest = Math.max(format, changingTo)
    return newest > known ? fail({ code: 'home-newer', home, format: newest, known }) : ok(read.file)
  } catch (error) {
    const path = errorCode(error) === 'ENOTDIR' ? home : join(home, 'home.json')
    return fail({ code: 'home-unusable', path, reason: reasonOf(error) })
  }
}

interface Options {
  home: string
  /** Each from the format before; by default those of this build. */
  steps?: readonly Migration[]
  log(message: string, data?: Record<string, unknown>): void
}

/**
 * Brings a home to the newest format, with the lock held. What a step changes is copied to `backup/FORMAT` (the format
 * before it) and synced first, then `home.json` says what is under way, then it is changed, and the new number is
 * written last: whenever this is killed, the next call goes on, and an older core refuses the home meanwhile.
 * Errors: those of `checkHomeFormat`, and `home-unusable` where a step fails; the copy stays.
 */
export async function migrateHome({ home, steps = migrations, log }: Options): Promise<Result<null>> {
  const checked = await checkHomeFormat(home, steps.at(-1)?.to)
  if (!checked.ok) return checked
  let file = checked.value
  for (const step of steps.filter(({ to }) => to > file.format)) {
    try {
      file = await migrate(home, file, step)
    } catch (error) {
      const reason = reasonOf(error)
      // Nothing but the number is missing, and a full disk must not keep a registry from its supervision.
      if (step.changes.length === 0) {
        log('the format of the home could not be written down', { format: step.to, reason })
        return ok(null)
      }
      return fail({
        code: 'home-unusable',
        path: home,
        reason: `format ${step.to} was not reached: ${reason}`,
      })
    }
    log('the home has another format', { format: step.to })
  }
  return ok(null)
}

async function migrate(home: string, file: HomeFile, step: Migration): Promise<HomeFile> {
  const { changingTo, ...before } = file
  if (step.changes.length > 0 && changingTo !== step.to) {
    await backUp(home, file.format, step.changes)
    await writeHomeFile(home, { ...before, changingTo: step.to })
  }
  await step.apply(home)
  const after = { ...before, format: step.to }
  await writeHomeFile(home, after)
  return after
}

/** Copies whole and durably, under another name first. A copy from an earlier change of the same format is retained. */
async function backUp(home: string, format: number, paths: readonly string[]): Promise<void> {
  const folder = join(home, 'backup')
  const staged = join(folder, `.${format}.new`)
  await rm(staged, { recursive: true, force: true })
  await mkdir(staged, { recursive: true, mode: 0o700 })
  for (const path of paths) {
    const source = join(home, path)
    if (!(await isThere(source))) continue
    const target = join(staged, path)
    await mkdir(dirname(target), { recursive: true, mode: 0o700 })
    await cp(source, target, { recursive: true, preserveTimestamps: true, verbatimSymlinks: true })
  }
  await syncTree(staged)
  const name = join(folder, String(format))
  if (await isThere(name)) await rename(name, await freeName(name))
  await rename(staged, name)
  await trySyncFolder(folder)
  await trySyncFolder(home)
}

async function freeName(name: string): Promise<string> {
  for (let number = 1; ; number += 1) {
    const candidate = `${name}.${number}`
    if (!(await isThere(candidate))) return candidate
  }
}

async function syncTree(folder: string): Promise<void> {
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) await syncTree(path)
    else if (entry.isFile()) await syncFile(path)
  }
  await trySyncFolder(folder)
}

async function isThere(path: string): Promise<boolean> {
  try {
    await lstat(path)
    return true
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return false
    throw error
  }
}
