import type { Exit, OpenChoice } from '../failure.ts'
import type { ProcessState, StateName } from '../registry-state.ts'
import { unreachable } from '../result.ts'
import type { RunbookProgress } from '../runbook.ts'
import type { Snapshot } from '../snapshot.ts'
import { givenAddress, thisMachine } from './address-message.ts'
import { engineQuestion } from './choice-message.ts'
import { failureMessage } from './failure-message.ts'
import {
  capital,
  count,
  duration,
  exactTime,
  holder,
  numberWord,
  programName,
  relativeTime,
  secondsUntil,
  timeOfDay,
} from './format.ts'
import { keptByMessage } from './kept-by-message.ts'
import { lastConfigAction, lastConfigHint } from './last-config-message.ts'
import { progressText } from './runbook-message.ts'
import { isDegraded, servingSummary } from './serving-summary.ts'
import { endMessage, openChoiceMessage, startingHeadline, startingReason } from './start-message.ts'
import type { StatusAction, StatusSummary } from './summary.ts'
import { undecidedMessage } from './undecided-message.ts'
import { isWaiting, waitingSummary } from './waiting-message.ts'

const startNow: StatusAction = { verb: 'start', label: 'Start now', kind: 'fill' }
const stopTrying: StatusAction = { verb: 'stop', label: 'Stop trying', kind: 'plain' }

/** Folds the two axes into the contract's one state name. */
export const stateName = (snapshot: Pick<Snapshot, 'process' | 'service'>): StateName =>
  isDegraded(snapshot) ? 'degraded' : snapshot.process.kind

/** `now` in ms since the epoch: relative times count from it. */
export function statusSummary(snapshot: Snapshot, now: number): StatusSummary {
  const process = snapshot.process
  const state = stateName(snapshot)
  if (snapshot.runbook && !snapshot.quitting) return runbookSummary(snapshot.runbook, state)
  switch (process.kind) {
    case 'serving':
      return servingSummary(snapshot, now)
    case 'starting':
      if (isWaiting(process)) {
        const next = `; this try began ${relativeTime(process.since, now)}`
        return { ...waitingSummary(process, next, now), state, actions: [stopTrying] }
      }
      return {
        class: 'working',
        state,
        headline: startingHeadline(process, now),
        reason: startingReason(process, now),
        actions: [],
      }
    case 'draining':
      return drainingSummary(process)
    case 'stopping':
      return {
        class: 'working',
        state,
        headline: thenText(process.then),
        reason: `It was asked to stop at ${exactTime(process.since)} and is cut off in ${secondsUntil(process.killAt, now)} at the latest.`,
        actions: [],
      }
    case 'backing-off':
      if (isWaiting(process)) {
        const next = `, and tries again in ${secondsUntil(process.until, now)}`
        return withLastConfig(process, {
          ...waitingSummary(process, next, now),
          state,
          actions: [startNow, stopTrying],
        })
      }
      return withLastConfig(process, {
        class: 'working',
        state,
        headline: `${endedWell(process.exit) ? 'Ended by itself' : 'Crashed'}; starts again in ${secondsUntil(process.until, now)}`,
        reason: `At ${exactTime(process.since)} the registry ${endMessage(process)}. Start number ${process.attempt + 1} follows by itself. The images are not touched.`,
        actions: [startNow, stopTrying],
      })
    case 'crash-looping':
      return withLastConfig(process, {
        class: 'down',
        state,
        headline: 'Does not stay up',
        reason: `${count(process.exits, 'exit')} in ${duration(process.windowMs)}; the last time it ${endMessage(process)}. The images are not touched. It tries again at ${timeOfDay(process.retryAt)}, and when the computer wakes.`,
        actions: [{ verb: 'try-again', label: 'Try again now', kind: 'fill' }],
      })
    case 'foreign':
      return {
        class: 'down',
        state,
        headline: `Port ${process.port} is taken`,
        reason: [
          `${holder({ ...process, command: process.command && programName(process.command) })} has it; it was left alone, and this registry was not started. ${whenFree(process.open)}`,
          ...keptByMessage(process.keptBy),
        ].join('\n'),
        actions: [{ verb: 'check-again', label: 'Check again', kind: 'plain' }],
      }
    case 'undecided':
      return {
        class: 'asks',
        state,
        ...undecidedMessage(process, now, thisMachine(snapshot)),
        actions: choiceActions(process),
      }
    case 'failed': {
      const message = failureMessage(process.error)
      return withLastConfig(process, {
        class: 'down',
        state,
        headline: message.title,
        reason: message.steps.join('\n'),
        actions: [{ verb: 'try-again', label: 'Start again', kind: 'fill' }],
      })
    }
    case 'stopped':
      return {
        class: 'off',
        state,
        headline: 'Not running',
        reason: `${process.why === 'asked' ? `You stopped it ${relativeTime(process.since, now)}. ` : ''}Zotbar serves nothing at ${givenAddress(snapshot).name}.`,
        actions: [{ verb: 'start', label: 'Start', kind: 'fill' }],
      }
    default:
      return unreachable(process)
  }
}

/** Where config.json was changed since the registry last started, that is said and can be taken back. */
function withLastConfig(
  { lastConfig }: Of<'backing-off' | 'crash-looping' | 'failed'>,
  summary: StatusSummary,
): StatusSummary {
  if (lastConfig === undefined) return summary
  return {
    ...summary,
    reason: `${summary.reason}\n${lastConfigHint}`,
    actions: [...summary.actions, lastConfigAction(lastConfig)],
  }
}

/** What happens when the port, which another program has, is free again. */
const whenFree = (open: OpenChoice | undefined): string =>
  open === undefined ? 'It starts when the port is free.' : openChoiceMessage(open).join('\n')

/** The actions that decide an open choice. Another data folder, and a registry open to all, are accepted only by a native dialog or the command line. */
function choiceActions(process: Extract<ProcessState, { kind: 'undecided' }>): StatusAction[] {
  const { why, config } = process
  const checkAgain: StatusAction = { verb: 'look-again', label: 'Look again', kind: 'plain' }
  if (why === 'other-folder' || why === 'open-registry') return [checkAgain]
  const zot: StatusAction = { verb: 'use-zot', label: 'Use zot', kind: 'fill' }
  const zotbarRegistry: StatusAction = {
    verb: 'use-zotbar-registry',
    label: 'Use zotbar-registry…',
    kind: 'plain',
    question: engineQuestion('zotbar-registry', process),
  }
  return config.refused.length > 0 ? [zot, checkAgain] : [zot, zotbarRegistry, checkAgain]
}

/** While a runbook runs, its progress is shown instead of the state of the process. */
function runbookSummary(
  { title, step, question, undoing }: RunbookProgress,
  state: StateName,
): StatusSummary {
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

/** True for an exit without an error that nobody asked for. */
const endedWell = (exit: Exit): boolean => exit.kind === 'code' && exit.code === 0
type Of<K extends ProcessState['kind']> = Extract<ProcessState, { kind: K }>

function drainingSummary(state: Of<'draining'>): StatusSummary {
  const pushes = state.pushes.length
  const waitText =
    pushes === 0
      ? 'Pushes that are under way are being finished first; pulls still work.'
      : `${capital(numberWord(pushes))} ${pushes === 1 ? 'push is' : 'pushes are'} being finished first; pulls still work.`
  const now: StatusAction = {
    verb: 'restart-now',
    label: state.then === 'restart' ? 'Restart now…' : 'Stop now…',
    kind: 'danger',
    question: {
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
  const restartNow = state.then === 'restart' ? [now] : []
  return {
    class: 'working',
    state: 'draining',
    headline: thenText(state.then),
    reason: `You asked at ${exactTime(state.since)}. ${waitText}`,
    actions: state.cancellable ? [cancel, ...restartNow] : restartNow,
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
