import { isObject } from '../../lib/json.ts'
import { type Config, parseConfig } from '../config/config.ts'
import { formatOf } from '../config/format.ts'
import type { ConfigCheck } from '../config/open-consent.ts'
import { describeProblem } from '../config/problem.ts'
import type { Logger } from '../log/logger.ts'

/**
 * Where two configurations differ: dotted key paths, the deepest ones that still name the difference. Lists
 * are compared as a whole. Pure.
 */
export function changedKeys(before: unknown, after: unknown, path = ''): string[] {
  // An absent block is like an empty one, so that the keys within are what is named.
  if (isObject(before ?? {}) && isObject(after ?? {}) && (isObject(before) || isObject(after))) {
    return changedWithin(isObject(before) ? before : {}, isObject(after) ? after : {}, path)
  }
  return JSON.stringify(before) === JSON.stringify(after) ? [] : [path]
}

function changedWithin(
  before: Record<string, unknown>,
  after: Record<string, unknown>,
  path: string,
): string[] {
  const keys = new Set([...Object.keys(before), ...Object.keys(after)])
  return [...keys].flatMap(key => changedKeys(before[key], after[key], path === '' ? key : `${path}.${key}`))
}

/** Whether a key path is one of these, or below one of them. */
const isWithin = (path: string, keys: readonly string[]): boolean =>
  keys.some(key => path === key || path.startsWith(`${key}.`))

/** A part of the registry that can follow a changed configuration while it serves. */
export interface Reloadable {
  /** Key paths it takes, with everything below them: "http.accessControl". */
  readonly keys: readonly string[]
  /** What is wrong with the new values, in words; asked of every reloadable before any applies. Optional. */
  check?(next: Config): Promise<readonly string[]> | readonly string[]
  apply(next: Config): Promise<void> | void
}

/** What a change comes to. Key paths are dotted. */
export interface Reload {
  readonly apply: readonly string[]
  readonly needsRestart: readonly string[]
}

/** Read and checked, but nothing here does anything with them: a change is no news. */
const withoutEffect = [
  'distSpecVersion',
  'scheduler',
  'storage.commit',
  'storage.fastRestart',
  'http.compat',
  'extensions.ui',
  'extensions.lint',
  'extensions.trust',
  'extensions.events',
  'extensions.sync',
]

/**
 * Which changed keys can be applied now, and which wait for a restart.
 * @param started what the process began with: it is what the keys that cannot change still are
 * @param current what was applied last
 */
export function reload(
  started: Config,
  current: Config,
  next: Config,
  reloadable: readonly string[],
): Reload {
  return {
    apply: changedKeys(current, next).filter(key => isWithin(key, reloadable)),
    needsRestart: changedKeys(started, next).filter(
      key => !isWithin(key, reloadable) && !isWithin(key, withoutEffect),
    ),
  }
}

export interface Reloader {
  current(): Config
  /** Takes the text of a changed file; says in the log what became of it. Never throws. */
  take(text: string): Promise<void>
}

export function createReloader(
  { file, check }: { file: string; check: ConfigCheck },
  started: Config,
  logger: Logger,
  reloadables: readonly Reloadable[],
): Reloader {
  let current = started
  const reloadableKeys = reloadables.flatMap(({ keys }) => keys)
  /** What could be brought neither to the new configuration nor back; tried again with the next change. */
  const unsettled = new Set<Reloadable>()

  const refuse = (problems: readonly string[]): void =>
    logger.log('error', 'failed to reload config, the old one stays', {
      config: file,
      error: problems.join('\n'),
    })

  const goBack = async (reloadable: Reloadable): Promise<void> => {
    try {
      await reloadable.apply(current)
      unsettled.delete(reloadable)
    } catch (error) {
      unsettled.add(reloadable)
      logger.log(
        'error',
        'a part of the config could not go back to the old one; a restart brings it there',
        {
          config: file,
          keys: reloadable.keys,
          error: errorText(error),
        },
      )
    }
  }

  /** All or none: where one reloadable fails, those before it and it itself go back. Answers what failed. */
  const applyAll = async (touched: readonly Reloadable[], next: Config): Promise<string | undefined> => {
    const begun: Reloadable[] = []
    try {
      for (const reloadable of touched) {
        begun.push(reloadable)
        await reloadable.apply(next)
        unsettled.delete(reloadable)
      }
      return undefined
    } catch (error) {
      for (const reloadable of begun.reverse()) await goBack(reloadable)
      return errorText(error)
    }
  }

  const take = async (text: string): Promise<void> => {
    const parsed = parseConfig(text, { format: formatOf(file) ?? 'json' })
    if (!parsed.ok) return refuse(parsed.problems.map(problem => describeProblem(file, problem)))
    const refused = check(parsed)
    if (refused.length > 0) return refuse(refused.map(problem => describeProblem(file, problem)))
    const next = parsed.config
    const plan = reload(started, current, next, reloadableKeys)
    const touched = reloadables.filter(
      reloadable => unsettled.has(reloadable) || plan.apply.some(key => isWithin(key, reloadable.keys)),
    )
    const problems = await Promise.all(touched.map(reloadable => reloadable.check?.(next) ?? []))
    if (problems.flat().length > 0) return refuse(problems.flat())
    const failed = await applyAll(touched, next)
    if (failed !== undefined) return refuse([failed])
    current = next
    if (plan.needsRestart.length > 0)
      logger.log('warn', 'some changes of the config need a restart', {
        config: file,
        keys: plan.needsRestart,
      })
    logger.log('info', 'config reloaded', { config: file, keys: plan.apply })
  }

  return {
    current: () => current,
    take: text => take(text).catch((error: unknown) => refuse([errorText(error)])),
  }
}

const errorText = (error: unknown): string => (error instanceof Error ? error.message : String(error))
