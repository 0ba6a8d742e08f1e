import { realpath } from 'node:fs/promises'
import { join } from 'node:path'
import * as v from 'valibot'
import { fail, ok, type Result } from '../../contract/result.ts'
import type { EngineChoice } from '../../contract/undecided.ts'
import { reasonOf } from '../../lib/error-code.ts'
import { readJsonFile, type SetAside, writeJsonFile } from '../platform/json-file.ts'
import { serialQueue } from '../platform/serial-queue.ts'

const choice = v.object({
  /** The data folder behind links. */
  folder: v.string(),
  engine: v.picklist(['zotbar-registry', 'zot']),
  program: v.exactOptional(v.string()),
  by: v.string(),
  at: v.pipe(v.number(), v.integer(), v.minValue(0)),
  why: v.picklist(['asked', 'first-run', 'served-before']),
})
const shape = v.object({ format: v.literal(1), choices: v.array(choice) })

/** `engines.json` of a home: the engine that was chosen for each data folder. */
export interface EngineChoices {
  /** The home was made before there were choices, or is new: nothing was written down yet. */
  isNew(): boolean
  /** Also for a folder that is not there. */
  forFolder(folder: string): Promise<EngineChoice | undefined>
  /** Durable when it answers. Errors: home-unusable. */
  choose(folder: string, choice: EngineChoice): Promise<Result<null>>
  /** From now on the home has choices, if only none. */
  initialize(): Promise<Result<null>>
}

/** More than anybody has: the oldest are forgotten. */
const most = 100

/** A file that cannot be understood is set aside, and then nothing is known to be chosen. */
export async function openEngineChoices(
  home: string,
  options: { now(): number; report(what: SetAside): void },
): Promise<EngineChoices> {
  const file = join(home, 'engines.json')
  let damaged = false
  const read = await readJsonFile(file, shape, {
    now: options.now,
    report(what) {
      damaged = true
      options.report(what)
    },
  })
  let choices = read?.choices ?? []
  let isNew = read === undefined && !damaged

  /** One after the other: the last one written has all of them. */
  const queue = serialQueue()
  const write = (): Promise<Result<null>> => queue.run(() => keep(choices))

  /** What could not be written was not chosen. */
  async function keep(next: typeof choices): Promise<Result<null>> {
    try {
      await writeJsonFile(file, { format: 1, choices: next })
      choices = next
      isNew = false
      return ok(null)
    } catch (error) {
      return fail({ code: 'home-unusable', path: file, reason: reasonOf(error) })
    }
  }
  // At once: the next start must not take a home whose file was damaged for one from before.
  if (damaged) await write()

  return {
    isNew: () => isNew,
    async forFolder(folder) {
      const real = await behind(folder)
      const found = choices.find(each => each.folder === real)
      if (found === undefined) return undefined
      const { folder: _, ...chosen } = found
      return chosen
    },
    async choose(folder, next) {
      const real = await behind(folder)
      return queue.run(() =>
        keep([{ folder: real, ...next }, ...choices.filter(each => each.folder !== real)].slice(0, most)),
      )
    },
    initialize: write,
  }
}

const behind = (folder: string): Promise<string> => realpath(folder).catch(() => folder)
