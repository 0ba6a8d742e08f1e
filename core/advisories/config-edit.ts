import { createTwoFilesPatch, FILE_HEADERS_ONLY } from 'diff'
import { compareVersions, versionOf } from '../platform/zot-version.ts'
import type { AdvisorySet } from './advisory-schema.ts'
import { type ConfigText, type ConfigView, keyOf, property, viewConfig } from './config-view.ts'
import {
  type EditOffer,
  type EditPart,
  inSequence,
  metricsBack,
  metricsForward,
  withoutFirst,
} from './edit-parts.ts'
import { insertChild } from './json-edit.ts'
import { shippedAdvisories } from './shipped-advisories.ts'

/** A change of config.json that belongs to a change of the version. Plain data, fit for a journal. */
export interface ConfigEdit {
  ids: string[]
  why: string
  /** Some part of it is no matter of taste: the version would refuse the file, or an answer would be lost. */
  required: boolean
  file: string
  before: string
  after: string
  /** Unified, three lines of context. */
  diff: string
  /** As the file spells them, before the edit where they were there. */
  keyPaths: string[]
  /** What has to be done elsewhere. */
  note: string
}

export interface EditAnswer {
  offers: EditOffer[]
  /** The required offers and the accepted ones together; absent where there are none. */
  edit?: ConfigEdit
  /** The file cannot be edited here: why, and what to do by hand. */
  byHand?: string
}

export interface EditRequest {
  /** Versions as zot reports them; an unknown running one may be any. */
  running?: string | undefined
  to: string
  config: ConfigText
  /** Ids of offers that are not required. */
  accepted?: readonly string[]
  advisorySet?: AdvisorySet
}

/** Keys that can go without anybody being let in, locked out or mixed up, and the one that has a form from before. */
export const editableKeys: ReadonlySet<string> = new Set([
  'http.readTimeout',
  'http.writeTimeout',
  'http.accessControl.metrics.anonymousPolicy',
  'storage.maxRepos',
  'storage.subPaths.*.maxRepos',
  'storage.fastRestart',
  'storage.subPaths.*.fastRestart',
  'storage.gcTimeWindow',
  'storage.subPaths.*.gcTimeWindow',
  'extensions.sync.registries[*].maxRetryDelay',
])

/** Long enough for any layer, and still an end for a client that fell silent. */
const timeLimit = '1h'
const anonymousPolicy = 'http.accessControl.metrics.anonymousPolicy'

const templateNote =
  'Where this file is written from a template, such as config.json.j2 of a playbook, change the template too: its next run would take this back.'

/** What has to change, or better changes, in config.json together with the version. Pure. */
export function editFor({
  running: reported,
  to: wanted,
  config,
  accepted = [],
  advisorySet = shippedAdvisories,
}: EditRequest): EditAnswer {
  const running = versionOf(reported)
  const to = versionOf(wanted)
  if (to === undefined || to === running) return { offers: [] }
  const view = viewConfig(config)
  if ('reason' in view) return adviseByHand(view.reason, running, to, advisorySet)
  const parts = partsFor(view, running, to, advisorySet)
  const offers = parts.map(({ change: _, ...offer }) => offer)
  const chosen = parts.filter(({ id, required }) => required || accepted.includes(id))
  if (chosen.length === 0) return { offers }
  if (view.isYaml) return { offers, byHand: byHand('it is YAML', chosen, view) }
  if (view.duplicate !== undefined)
    return { offers, byHand: byHand(`it has the key ${view.duplicate} twice`, chosen) }
  const after = chosen.reduce((text, part) => part.change(text), config.text)
  const remaining = viewConfig({ ...config, text: after })
  if (
    'reason' in remaining ||
    partsFor(remaining, running, to, advisorySet).some(({ id }) => chosen.some(part => part.id === id))
  )
    return { offers, byHand: byHand('it is written in a way that Zotbar does not know', chosen) }
  return { offers, edit: editOf(config, after, chosen) }
}

function editOf({ file, text }: ConfigText, after: string, parts: EditPart[]): ConfigEdit {
  return {
    ids: parts.map(({ id }) => id),
    why: parts.map(({ why }) => why).join('\n'),
    required: parts.some(({ required }) => required),
    file,
    before: text,
    after,
    diff: createTwoFilesPatch(file, file, text, after, 'before', 'after', {
      context: 3,
      headerOptions: FILE_HEADERS_ONLY,
    }),
    keyPaths: parts.flatMap(({ keyPaths }) => keyPaths),
    note: templateNote,
  }
}

const byHand = (reason: string, parts: EditPart[], view?: ConfigView): string => {
  const places = view && parts.flatMap(({ keyPaths }) => keyPaths.map(keyPath => placeOf(view, keyPath)))
  return [
    `Zotbar does not edit the file: ${reason}.`,
    `Change it by hand: ${parts.map(({ why }) => why).join(' ')}`,
    ...(places === undefined ? [] : [`It concerns ${places.join(', ')}.`]),
    templateNote,
  ].join(' ')
}

/** Where a key stands, or where it belongs. */
function placeOf(view: ConfigView, keyPath: string): string {
  const lines = view.lines()
  const line = lines.get(keyPath)
  if (line !== undefined) return `${keyPath} (line ${line})`
  const block = lines.get(keyPath.replace(/\.[^.]*$/, ''))
  return block === undefined ? keyPath : `${keyPath} (not there yet: in the block of line ${block})`
}

function adviseByHand(
  reason: string,
  running: string | undefined,
  to: string,
  advisorySet: AdvisorySet,
): EditAnswer {
  const lower = running === undefined || compareVersions(running, to) < 0 ? running : to
  const upper = lower === to ? running : to
  const concerned = advisorySet.changes.filter(
    ({ id, since }) =>
      (id === 'anonymous-metrics' || id === 'request-time-limits') &&
      (lower === undefined || compareVersions(lower, since) < 0) &&
      (upper === undefined || compareVersions(upper, since) >= 0),
  )
  if (concerned.length === 0) return { offers: [] }
  const words = concerned.map(({ words: problem, advice }) => `${problem} ${advice}`).join(' ')
  return {
    offers: [],
    byHand: `Zotbar does not edit the file: ${reason}. Look yourself whether this concerns it: ${words}`,
  }
}

function partsFor(
  view: ConfigView,
  running: string | undefined,
  to: string,
  advisorySet: AdvisorySet,
): EditPart[] {
  const comesWith = (id: string): boolean => {
    const since = advisorySet.changes.find(change => change.id === id)?.since
    return (
      since !== undefined &&
      compareVersions(to, since) >= 0 &&
      (running === undefined || compareVersions(running, since) < 0)
    )
  }
  return [
    ...(comesWith('anonymous-metrics') ? metricsForward(view) : []),
    ...(comesWith('request-time-limits') ? timeLimits(view) : []),
    ...advisorySet.keys
      .filter(({ path, since }) => editableKeys.has(path) && compareVersions(to, since) < 0)
      .flatMap(({ path, without }) =>
        path === anonymousPolicy ? metricsBack(view, to) : withoutKey(view, path, without, to),
      ),
  ]
}

function timeLimits(view: ConfigView): EditPart[] {
  const [http] = view.find('http')
  if (http?.node.type !== 'object') return []
  const missing = ['readTimeout', 'writeTimeout'].filter(name => !property(http.node, name))
  if (missing.length === 0) return []
  return [
    {
      id: 'request-time-limits',
      why: `From v2.1.17 on a request is cut off after 60 s where ${missing.map(name => `http.${name}`).join(' and ')} ${missing.length === 1 ? 'does' : 'do'} not say otherwise. ${timeLimit} leaves slow pushes their time; "0s" means no limit.`,
      required: false,
      keyPaths: missing.map(name => `${http.keyPath}.${name}`),
      change: inSequence(...missing.map(name => (now: ConfigView) => withLimit(now, name))),
    },
  ]
}

/** Beside the port, where a person looks for it; else at the end of the block. */
function withLimit(view: ConfigView, name: string): string | undefined {
  const [http] = view.find('http')
  if (!http) return undefined
  const children = http.node.children ?? []
  const index = children.findIndex(child => keyOf(child).toLowerCase() === 'port')
  const first = children.findIndex(child => keyOf(child).toLowerCase() === 'readtimeout')
  return insertChild(view.text, http.node, `"${name}": "${timeLimit}"`, Math.max(index, first))
}

function withoutKey(view: ConfigView, path: string, without: string, to: string): EditPart[] {
  const hits = view.find(path)
  if (hits.length === 0) return []
  return [
    {
      id: `without-${path}`,
      why: `${to} does not know ${hits.map(({ keyPath }) => keyPath).join(', ')} and does not start with it. Without it, ${without}.`,
      required: true,
      keyPaths: hits.map(({ keyPath }) => keyPath),
      change: inSequence(...hits.map(() => (now: ConfigView) => withoutFirst(now, path))),
    },
  ]
}
