import type { Silence } from '../registry-state.ts'
import type { ProbeResult, Snapshot } from '../snapshot.ts'
import { thisMachine } from './address-message.ts'
import { aboutDays, bytes, count, duration, numberWord, relativeTime } from './format.ts'
import { keyReason, type ShownKey, unlistedKeys, urgentKeys } from './key-message.ts'
import { openText } from './open-message.ts'
import { advisoryMessage } from './release-message.ts'
import { isFull, unreadableMessage } from './storage-message.ts'
import type { StatusAction, StatusSummary } from './summary.ts'

const failedProbes = (snapshot: Pick<Snapshot, 'service'>): ProbeResult[] =>
  snapshot.service.probes.filter(probe => probe.outcome === 'failed')

/** True while the process runs and does not answer, or a probe fails. */
export const isDegraded = (snapshot: Pick<Snapshot, 'process' | 'service'>): boolean =>
  snapshot.process.kind === 'serving' &&
  (snapshot.process.silence !== undefined || failedProbes(snapshot).length > 0)

/** The summary of a registry whose process runs. */
export function servingSummary(snapshot: Snapshot, now: number): StatusSummary {
  const summary = isDegraded(snapshot) ? degraded(snapshot, now) : serving(snapshot, now)
  const { open } = snapshot.registry
  if (open === undefined) return summary
  return { ...summary, reason: `${summary.reason}\n${openText(open, thisMachine(snapshot))}.` }
}

function serving(snapshot: Snapshot, now: number): StatusSummary {
  const { storage, service } = snapshot
  const tight = snapshot.notices.find(notice => notice.kind === 'storage-nearly-full')
  const keys = urgentKeys(snapshot, now)
  const keysToDo = keys.length + unlistedKeys(snapshot)
  const damaged = unreadableMessage(storage.unreadable, 1)
  const unread = damaged && `${damaged.title}. ${damaged.lines.join(', ')}.`
  const unsettled = unsettledFolder(snapshot)
  const more = [unsettled, unread].filter(line => line !== undefined)
  const also = [keys.length === 0 ? undefined : keyReason(snapshot, now), ...more]
    .map(line => (line === undefined ? '' : `\n${line}`))
    .join('')
  if (tight && isFull(tight.freeBytes))
    return {
      class: 'attention',
      state: 'serving',
      headline: 'Serving, but the disk is full',
      reason: `Pulls work; pushes fail. The disk has ${bytes(tight.freeBytes)} left of ${bytes(tight.volumeBytes)}. Free some space, then push again.${also}`,
      actions: keyActions(keys),
    }
  if (tight)
    return {
      class: 'attention',
      state: 'serving',
      headline: toDo(1 + keysToDo),
      reason: `Pulls and pushes work. The disk has ${bytes(tight.freeBytes)} left${storage.daysToFull === undefined ? '' : ` and is full in ${aboutDays(storage.daysToFull)}`}. Free some space while there still is room to do it.${also}`,
      actions: keyActions(keys),
    }
  const held =
    storage.repositories === undefined
      ? ''
      : storage.repositories === 0
        ? 'No images yet. '
        : `${count(storage.repositories, 'repository', 'repositories')}, ${count(storage.tags ?? 0, 'tag')}. `
  const pull = service.probes.find(probe => probe.id === 'manifest')
  const proof =
    service.checkedAt === undefined
      ? 'It answers; the first check is under way.'
      : pull?.outcome === 'passed'
        ? `A test pull matched its digest ${relativeTime(service.checkedAt, now)}.`
        : `It answered ${relativeTime(service.checkedAt, now)}.`
  const advisory = advisoryMessage(snapshot)
  if (keys.length > 0)
    return {
      class: 'attention',
      state: 'serving',
      headline: toDo(keysToDo + (advisory ? 1 : 0)),
      reason: `Pulls and pushes work. ${keyReason(snapshot, now)}${advisory ? ` ${advisory.title}.` : ''}${more.map(line => `\n${line}`).join('')}`,
      actions: keyActions(keys),
    }
  return {
    class: advisory || more.length > 0 ? 'attention' : 'fine',
    state: 'serving',
    headline: 'Serving',
    reason: `${advisory ? `${advisory.title}. ` : ''}${held}${proof}${more.map(line => `\n${line}`).join('')}`,
    actions: [],
  }
}

/** Each key counts: "Serving, three things to do". */
const toDo = (n: number): string => `Serving, ${numberWord(n)} ${n === 1 ? 'thing' : 'things'} to do`

/** config.json names another data folder than the one that is served: the next start would wait for a decision. */
function unsettledFolder({ registry }: Snapshot): string | undefined {
  const { undecidedFolder, dataFolder } = registry
  if (undecidedFolder === undefined) return undefined
  const served = dataFolder === undefined ? 'the folder before' : dataFolder
  return `config.json names another data folder by now, ${undecidedFolder}. ${served} is served until you decide: zotbar data show, zotbar data accept, or put the line back.`
}

/** Offers the rotation from day 75 of 90 on, else the keys where one of them does not work or nobody rotates it. */
function keyActions(keys: readonly ShownKey[]): StatusAction[] {
  if (keys.some(key => key.shouldRotate)) return [{ verb: 'show-keys', label: 'Rotate…', kind: 'fill' }]
  return keys.some(key => key.trouble !== undefined || !key.managed)
    ? [{ verb: 'show-keys', label: 'Show keys', kind: 'plain' }]
    : []
}

const probeProblems: Record<ProbeResult['id'], string> = {
  port: 'Its port does not answer',
  ready: 'It says that it is not ready',
  catalog: 'Its list of repositories cannot be read',
  manifest: 'A test pull failed',
}

function degraded(snapshot: Snapshot, now: number): StatusSummary {
  const { process } = snapshot
  if (process.kind === 'serving' && process.silence !== undefined) return silent(process.silence, now)
  const first = failedProbes(snapshot)[0]
  const reason = first?.outcome === 'failed' ? first.reason : undefined
  const problem = first ? `${probeProblems[first.id]}: ${sentence(reason ?? first.detail)}` : ''
  // Where the registry names a reason, a restart does not remove it.
  const advice =
    reason === undefined ? 'The process runs; a restart may help, the log says more.' : 'The process runs.'
  const checked = snapshot.service.checkedAt
  return {
    class: 'attention',
    state: 'degraded',
    headline: 'Degraded',
    reason: `${problem}${checked === undefined ? '' : ` Checked ${relativeTime(checked, now)}.`} ${advice}`,
    actions: [{ verb: 'restart', label: 'Restart', kind: 'plain' }],
  }
}

/** The text as a sentence: the registry's own reason may already end with a mark. */
const sentence = (text: string): string => (/[.?!]$/.test(text) ? text : `${text}.`)

/** The process does not answer: it is overloaded, stopped or hung, and the supervisor acts on that by itself. */
const silent = ({ since, overloaded }: Silence, now: number): StatusSummary => ({
  class: 'attention',
  state: 'degraded',
  headline: 'Degraded',
  reason: `It has not answered for ${duration(Math.max(0, now - since))}. ${
    overloaded
      ? 'It lives: it has more to do than it can, or too many connections are open. A restart would cut what is under way and cure nothing.'
      : 'If it stays silent it is ended and started again; the images are not touched.'
  }`,
  actions: [{ verb: 'restart', label: 'Restart', kind: 'plain' }],
})
