import type { Exit, OpenChoice } from '../failure.ts'
import type { ManagedKeySummary } from '../key.ts'
import type { ProcessState, Silence, StateName } from '../registry-state.ts'
import { unreachable } from '../result.ts'
import type { RunbookProgress } from '../runbook.ts'
import type { ProbeResult, Snapshot } from '../snapshot.ts'
import { engineQuestion, type Question } from './choice-message.ts'
import { failureMessage } from './failure-message.ts'
import {
  aboutDays,
  bytes,
  capital,
  count,
  duration,
  exactTime,
  holder,
  inWords,
  programName,
  secondsUntil,
  timeOfDay,
  when,
} from './format.ts'
import { keyReason, urgentKeys } from './key-message.ts'
import { advisoryMessage } from './release-message.ts'
import { progressText } from './runbook-message.ts'
import { exitMessage, openChoiceMessage, startingHeadline, startingReason } from './start-message.ts'
import { isFull, unreadableMessage } from './storage-message.ts'
import { undecidedMessage } from './undecided-message.ts'

/** Whose turn it is: the class decides glyph, colour and tray image. */
export type StatusClass = 'fine' | 'attention' | 'working' | 'down' | 'off' | 'asks'

export type StatusVerb =
  | 'start'
  | 'stop'
  | 'restart'
  | 'restart-now'
  | 'cancel'
  | 'try-again'
  | 'check-again'
  /** Looks whether what kept it from starting is over, and changes nothing. */
  | 'look-again'
  /** Chooses an engine for the data folder: a runbook. */
  | 'use-zot'
  | 'use-zotbar-registry'
  /** Asks nothing of the registry: it shows the keys. */
  | 'show-keys'

export interface StatusAction {
  verb: StatusVerb
  label: string
  kind: 'fill' | 'plain' | 'danger'
  /** Set when the action asks first: what it would do, and the button that repeats the verb. */
  asks?: Question
}

/** What the app asks natively itself before it does it: its windows and its menu do not ask as well. */
export const asksNatively = (verb: StatusVerb): boolean =>
  verb === 'use-zot' || verb === 'use-zotbar-registry'

/** One headline for tray, popover, window and command line. */
export interface StatusSummary {
  class: StatusClass
  state: StateName
  headline: string
  reason: string
  /** What to do about the headline; the everyday buttons (Restart, Stop) are not among them. */
  actions: StatusAction[]
}

const startNow: StatusAction = { verb: 'start', label: 'Start now', kind: 'fill' }

/** Folds the two axes into the contract's one state name. */
export function stateName(snapshot: Pick<Snapshot, 'process' | 'service'>): StateName {
  const { process } = snapshot
  return process.kind === 'serving' && (process.silence !== undefined || failedProbes(snapshot).length > 0)
    ? 'degraded'
    : process.kind
}

const failedProbes = (snapshot: Pick<Snapshot, 'service'>): ProbeResult[] =>
  snapshot.service.probes.filter(probe => probe.outcome === 'failed')

/** `now` in ms since the epoch: relative times are told from it. */
export function statusSummary(snapshot: Snapshot, now: number): StatusSummary {
  const process = snapshot.process
  const state = stateName(snapshot)
  if (snapshot.runbook && !snapshot.quitting) return underWay(snapshot.runbook, state)
  switch (process.kind) {
    case 'serving':
      return state === 'degraded' ? degraded(snapshot, now) : serving(snapshot, now)
    case 'starting':
      return {
        class: 'working',
        state,
        headline: startingHeadline(process, now),
        reason: startingReason(process, now),
        actions: [],
      }
    case 'draining':
      return draining(process)
    case 'stopping':
      return {
        class: 'working',
        state,
        headline: thenText(process.then),
        reason: `It was asked to stop at ${exactTime(process.since)} and is cut off in ${secondsUntil(process.killAt, now)} at the latest.`,
        actions: [],
      }
    case 'backing-off':
      return {
        class: 'working',
        state,
        headline: `${endedWell(process.exit) ? 'Ended by itself' : 'Crashed'}; starts again in ${secondsUntil(process.until, now)}`,
        reason: `The registry ${exitMessage(process.exit)} at ${exactTime(process.since)}. Start number ${process.attempt + 1} follows by itself. The images are not touched.`,
        actions: [startNow, { verb: 'stop', label: 'Stop trying', kind: 'plain' }],
      }
    case 'crash-looping':
      return {
        class: 'down',
        state,
        headline: 'Does not stay up',
        reason: `${count(process.exits, 'exit')} in ${duration(process.windowMs)}; the last time it ${exitMessage(process.exit)}. The images are not touched. It tries again at ${timeOfDay(process.retryAt)}, and when the computer wakes.`,
        actions: [{ verb: 'try-again', label: 'Try again now', kind: 'fill' }],
      }
    case 'foreign':
      return {
        class: 'down',
        state,
        headline: `Port ${process.port} is taken`,
        reason: `${holder({ ...process, command: process.command && programName(process.command) })} has it; it was left alone, and this registry was not started. ${whenFree(process.open)}`,
        actions: [{ verb: 'check-again', label: 'Check again', kind: 'plain' }],
      }
    case 'undecided':
      return { class: 'asks', state, ...undecidedMessage(process, now), actions: choices(process) }
    case 'failed': {
      const words = failureMessage(process.error)
      return {
        class: 'down',
        state,
        headline: words.title,
        reason: words.steps.join('\n'),
        actions: [{ verb: 'try-again', label: 'Start again', kind: 'fill' }],
      }
    }
    case 'stopped':
      return {
        class: 'off',
        state,
        headline: 'Not running',
        reason: `${process.why === 'asked' ? `You stopped it ${when(process.since, now)}. ` : ''}Pulls and pushes to ${snapshot.registry.host}:${snapshot.registry.port} are refused.`,
        actions: [{ verb: 'start', label: 'Start', kind: 'fill' }],
      }
    default:
      return unreachable(process)
  }
}

/** What comes after somebody else's program on the port. */
const whenFree = (open: OpenChoice | undefined): string =>
  open === undefined ? 'It starts when the port is free.' : openChoiceMessage(open).join('\n')

/** What decides an open choice. The folder itself is accepted only where a person can be asked natively. */
function choices(process: Extract<ProcessState, { kind: 'undecided' }>): StatusAction[] {
  const { why, config } = process
  const again: StatusAction = { verb: 'look-again', label: 'Look again', kind: 'plain' }
  if (why === 'other-folder') return [again]
  const zot: StatusAction = { verb: 'use-zot', label: 'Use zot', kind: 'fill' }
  const own: StatusAction = {
    verb: 'use-zotbar-registry',
    label: 'Use zotbar-registry…',
    kind: 'plain',
    asks: engineQuestion('zotbar-registry', process),
  }
  return config.refused.length > 0 ? [zot, again] : [zot, own, again]
}

/** A runbook is under way: what the process does meanwhile is its doing. */
function underWay({ title, step, question, undoing }: RunbookProgress, state: StateName): StatusSummary {
  const at = step === undefined ? 'It begins.' : `${progressText(step.label ?? step.title, step)}.`
  const reason = question ? `It waits for an answer: ${question.title}` : at
  return {
    class: question ? 'attention' : 'working',
    state,
    headline: undoing ? `Taken back: ${title}` : title,
    reason,
    actions: [],
  }
}

/** An exit nobody asked for, but without a fault of its own. */
const endedWell = (exit: Exit): boolean => exit.kind === 'code' && exit.code === 0

function serving(snapshot: Snapshot, now: number): StatusSummary {
  const { storage, service } = snapshot
  const tight = snapshot.notices.find(notice => notice.kind === 'storage-nearly-full')
  const keys = urgentKeys(snapshot)
  const damaged = unreadableMessage(storage.unreadable, 1)
  const unread = damaged && `${damaged.title}. ${damaged.each.join(', ')}.`
  const unsettled = unsettledFolder(snapshot)
  const more = [unsettled, unread].filter(line => line !== undefined)
  const also = [keys.length === 0 ? undefined : keyReason(keys), ...more]
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
      headline: `Serving, ${keys.length > 0 ? 'two things' : 'one thing'} to do`,
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
        ? `A test pull matched its digest ${when(service.checkedAt, now)}.`
        : `It answered ${when(service.checkedAt, now)}.`
  const advisory = advisoryMessage(snapshot)
  if (keys.length > 0)
    return {
      class: 'attention',
      state: 'serving',
      headline: advisory ? 'Serving, two things to do' : 'Serving, one thing to do',
      reason: `Pulls and pushes work. ${keyReason(keys)}${advisory ? ` ${advisory.title}.` : ''}${more.map(line => `\n${line}`).join('')}`,
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

/** config.json was changed while it serves: the next start would ask. */
function unsettledFolder({ registry }: Snapshot): string | undefined {
  const { undecidedFolder, dataFolder } = registry
  if (undecidedFolder === undefined) return undefined
  const served = dataFolder === undefined ? 'the folder before' : dataFolder
  return `config.json names another data folder by now, ${undecidedFolder}. ${served} is served until you decide: zotbar data show, zotbar data accept, or put the line back.`
}

/** From day 75 of 90 on the button is there by itself; a key that does not work is looked at first. */
function keyActions(keys: readonly ManagedKeySummary[]): StatusAction[] {
  if (keys.some(key => key.shouldRotate)) return [{ verb: 'show-keys', label: 'Rotate…', kind: 'fill' }]
  return keys.some(key => key.trouble !== undefined)
    ? [{ verb: 'show-keys', label: 'Show keys', kind: 'plain' }]
    : []
}

const broken: Record<ProbeResult['id'], string> = {
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
  const what = first ? `${broken[first.id]}: ${sentence(reason ?? first.detail)}` : ''
  // What it says itself is what is to be done about; a restart of such a process cures nothing.
  const advice =
    reason === undefined ? 'The process runs; a restart may help, the log says more.' : 'The process runs.'
  const checked = snapshot.service.checkedAt
  return {
    class: 'attention',
    state: 'degraded',
    headline: 'Degraded',
    reason: `${what}${checked === undefined ? '' : ` Checked ${when(checked, now)}.`} ${advice}`,
    actions: [{ verb: 'restart', label: 'Restart', kind: 'plain' }],
  }
}

/** What it says may end as a sentence of its own. */
const sentence = (text: string): string => (/[.?!]$/.test(text) ? text : `${text}.`)

/** It gives no answer: overloaded, held up, or hung. What becomes of it is decided soon, by itself. */
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

type Of<K extends ProcessState['kind']> = Extract<ProcessState, { kind: K }>

function draining(state: Of<'draining'>): StatusSummary {
  const pushes = state.pushes.length
  const waits =
    pushes === 0
      ? 'Pushes that are under way are being finished first; pulls still work.'
      : `${capital(inWords(pushes))} ${pushes === 1 ? 'push is' : 'pushes are'} being finished first; pulls still work.`
  const now: StatusAction = {
    verb: 'restart-now',
    label: state.then === 'restart' ? 'Restart now…' : 'Stop now…',
    kind: 'danger',
    asks: {
      title: state.then === 'restart' ? 'Restart without waiting?' : 'Stop without waiting?',
      body:
        pushes === 0
          ? 'This cuts what is still under way. Clients have to push again; nothing that was acknowledged is lost.'
          : `This cuts ${count(pushes, 'push', 'pushes')}. Clients have to push again; nothing that was acknowledged is lost.`,
      confirm: state.then === 'restart' ? 'Restart now' : 'Stop now',
    },
  }
  const cancel: StatusAction = {
    verb: 'cancel',
    label: state.then === 'restart' ? 'Cancel restart' : 'Cancel stop',
    kind: 'plain',
  }
  const offers = state.then === 'restart' ? [now] : []
  return {
    class: 'working',
    state: 'draining',
    headline: thenText(state.then),
    reason: `You asked at ${exactTime(state.since)}. ${waits}`,
    actions: state.cancellable ? [cancel, ...offers] : offers,
  }
}

function thenText(then: Of<'stopping'>['then']): string {
  switch (then) {
    case 'restart':
      return 'Restarting'
    case 'stopped':
      return 'Stopping'
    case 'quit':
      return 'Quitting'
    default:
      return unreachable(then)
  }
}
