import type { Finding } from '../../contract/runbook.ts'
import type { Config } from '../../registry/config/config.ts'
import type { Position } from '../../registry/config/problem.ts'
import { compareVersions, isComparable } from '../platform/zot-version.ts'

/** What decides what a switch between the engines means. */
export interface SwitchFacts {
  configFile: string
  config: Config
  /** Where each key of the file stands, by key path. */
  positions: Readonly<Record<string, Position>>
  /** The zot that is left, or that takes over. Both are absent where it does not say. */
  zot: { version?: string; features?: readonly string[] }
}

interface SwitchOutcome {
  severity: Finding['severity']
  /** The key that proves it; the first of the rule's where absent. */
  keyPath?: string
  advice: string
}

/** Stands in the place of a key where the engines alone decide. */
export const anyFile = 'whatever it says'

/** One thing that begins, ends or changes with the other engine. */
export interface SwitchRule {
  id: string
  /** Keys of config.json, with all below them, whose effect this is about; none: it holds for any file. */
  keys: readonly string[]
  /** What it means to leave zot for zotbar-registry; undefined: nothing, with this file. */
  toOwn?(facts: SwitchFacts): SwitchOutcome | undefined
  /** What it means to leave zotbar-registry for this zot. */
  toZot?(facts: SwitchFacts): SwitchOutcome | undefined
}

/** Whether the zot is of `since` or later; undefined where its version is not known. */
export const isSince = ({ zot: { version } }: SwitchFacts, since: string): boolean | undefined =>
  version === undefined || !isComparable(version) ? undefined : compareVersions(version, since) >= 0

/** Whether a feature is not in this build of zot, so that it has no effect with it either. */
export const lacks = ({ zot: { features } }: SwitchFacts, feature: string): boolean =>
  features !== undefined && !features.includes(feature)

/** Every list of actions of the file: whose it is, and what they may do. */
export function actionLists({ config }: SwitchFacts): { keyPath: string; actions: readonly string[] }[] {
  const { repositories = {}, adminPolicy } = config.http.accessControl ?? {}
  const lists = Object.entries(repositories).flatMap(([pattern, rules]) => {
    const keyPath = `http.accessControl.repositories[${JSON.stringify(pattern)}]`
    return [
      ...rules.policies.map(({ actions }, index) => ({ keyPath: `${keyPath}.policies[${index}]`, actions })),
      { keyPath: `${keyPath}.defaultPolicy`, actions: rules.defaultPolicy },
      { keyPath: `${keyPath}.anonymousPolicy`, actions: rules.anonymousPolicy },
    ]
  })
  return [
    ...lists,
    ...(adminPolicy === undefined
      ? []
      : [{ keyPath: 'http.accessControl.adminPolicy', actions: adminPolicy.actions }]),
  ]
}
