import { realpath } from 'node:fs/promises'
import { join } from 'node:path'
import * as v from 'valibot'
import { fail, ok, type Result } from '../../contract/result.ts'
import type { EngineChoice } from '../../contract/undecided.ts'
import { reasonOf } from '../../lib/error-code.ts'
import { serialQueue } from '../../lib/serial-queue.ts'
import { readJsonFile, type SetAside, writeJsonFile } from '../platform/json-file.ts'

const choice = v.object({
  /** The data folder behind links. */
  folder: v.string(),
  engine: v.picklist(['zotbar-registry', 'zot']),
  program: v.exactOptional(v.string()),
  by: v.string(),
  at: v.pipe(v.number(), v.integer(), v.minValue(0)),
  why: v.picklist(['asked', 'first-run', 'served-before']),
  lastZot: v.exactOptional(v.object({ program: v.string(), version: v.exactOptional(v.string()) })),
})
const shape = v.object({ format: v.literal(1), choices: v.array(choice) })

/** `engines.json` of a home: the engine that was chosen for each data folder, named by its real path. */
export interface EngineChoices {
  /** The home has no engines.json yet: it is new, or from before there were choices. */
  isNew(): boolean
  /** The folder may be missing. */
  forFolder(folder: string): Promise<EngineChoice | undefined>
  /** Durable when it answers. What is known of the zot before stays known. Errors: home-unusable. */
  choose(folder: string, choice: EngineChoice): Promise<Result<null>>
  /** Writes engines.json, so that the home is not new any more. */
  initialize(): Promise<Result<null>>
}

/** More than anybody has; the oldest are dropped. */
const maxChoices = 100

/** A file that cannot be parsed is set aside, and then nothing counts as chosen. */
export async function openEngineChoices(
  home: string,
  options: { now(): number; report(setAside: SetAside): void },
): Promise<EngineChoices> {
  const file = join(home, 'engines.json')
  let isDamaged = false
  const stored = await readJsonFile(file, shape, {
    now: options.now,
    report(setAside) {
      isDamaged = true
      options.report(setAside)
    },
  })
  let choices = stored?.choices ?? []
  let isNew = stored === undefined && !isDamaged

  /** Changes are made one after the other, so that none is lost. */
  const queue = serialQueue()
  const rewrite = (): Promise<Result<null>> => queue.run(() => write(choices))

  /** A choice that cannot be written is not made. */
  async function write(next: typeof choices): Promise<Result<null>> {
    try {
      await writeJsonFile(file, { format: 1, choices: next })
      choices = next
      isNew = false
      return ok(null)
    } catch (error) {
      return fail({ code: 'home-unusable', path: file, reason: reasonOf(error) })
    }
  }
  // Written at once, because a home without the file would count as new at the next start.
  if (isDamaged) await rewrite()

  return {
    isNew: () => isNew,
    async forFolder(folder) {
      const resolved = await realPath(folder)
      const choice = choices.find(({ folder }) => folder === resolved)
      if (choice === undefined) return undefined
      const { folder: _, ...chosen } = choice
      return chosen
    },
    async choose(folder, next) {
      const resolved = await realPath(folder)
      return queue.run(() => {
        const before = choices.find(({ folder }) => folder === resolved)
        const lastZot = next.engine === 'zot' ? undefined : (next.lastZot ?? zotBefore(before))
        const chosen = { folder: resolved, ...next, ...(lastZot === undefined ? {} : { lastZot }) }
        return write([chosen, ...choices.filter(choice => choice !== before)].slice(0, maxChoices))
      })
    },
    initialize: rewrite,
  }
}

const zotBefore = (before: EngineChoice | undefined): EngineChoice['lastZot'] =>
  before?.engine === 'zot' && before.program !== undefined ? { program: before.program } : before?.lastZot

const realPath = (folder: string): Promise<string> => realpath(folder).catch(() => folder)
