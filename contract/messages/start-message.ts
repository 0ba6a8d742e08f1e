import type { ConfigFault, Exit, Failure, OpenChoice, WaitsFor } from '../failure.ts'
import type { LastEnd, ProcessState } from '../registry-state.ts'
import { unreachable } from '../result.ts'
import { atTime, capital, count, duration, holder } from './format.ts'
import { keptByMessage } from './kept-by-message.ts'
import type { FailureMessage } from './message.ts'

/** What can prevent the registry from starting, running or ending. */
type StartFailure = Extract<
  Failure,
  {
    code:
      | 'config-missing'
      | 'config-invalid'
      | 'named-file-unusable'
      | 'engine-missing'
      | 'port-in-use'
      | 'start-failed'
      | 'start-too-slow'
      | 'root-in-use'
      | 'stop-failed'
  }
>

/** "ended with exit code 2", "ended by signal SIGKILL". */
function exitMessage(exit: Exit): string {
  switch (exit.kind) {
    case 'code':
      return `ended with exit code ${exit.code}`
    case 'signal':
      return `ended by signal ${exit.signal}`
    case 'unknown-adopted':
      return 'ended; its exit code is unknown, as it was adopted'
    case 'not-spawned':
      return `could not be started: ${exit.reason}`
    default:
      return unreachable(exit)
  }
}

/** "ended with exit code 2: no such file": with what it said last, where that is known. */
export function endMessage({ exit, lastWord }: { exit: Exit; lastWord?: string }): string {
  if (lastWord === undefined) return exitMessage(exit)
  return `${exit.kind === 'unknown-adopted' ? 'ended' : exitMessage(exit)}: ${withoutStop(lastWord)}`
}

/** "waits for the identity provider". */
export function waitsForText(waitsFor: WaitsFor): string {
  switch (waitsFor) {
    case 'identity-provider':
      return 'waits for the identity provider'
    case 'lock':
      return 'waits for the lock of the data folder'
    case 'address':
      return 'waits for its network address'
    default:
      return unreachable(waitsFor)
  }
}

/** " The last time it said: no such file.", or nothing. */
export const saidText = ({ lastWord }: LastEnd): string =>
  lastWord === undefined ? '' : ` The last time it said: ${withoutStop(lastWord)}.`

/** For the middle of a sentence, or before its full stop. */
const withoutStop = (text: string): string => text.replace(/[.\s]+$/, '')

/** One fault of config.json on one line: "line 4, column 3, http.port: is 70000; allowed: 0 to 65535". */
export function faultMessage(fault: ConfigFault): string {
  const position = [
    fault.line === undefined
      ? ''
      : `line ${fault.line}${fault.column === undefined ? '' : `, column ${fault.column}`}`,
    fault.keyPath ?? '',
  ].filter(text => text !== '')
  const allowed = fault.allowed === undefined ? '' : `; allowed: ${fault.allowed}`
  return `${position.length === 0 ? '' : `${position.join(', ')}: `}${fault.message}${allowed}`
}

/** The message for what prevents the registry from running. */
export function startFailureMessage(error: StartFailure): FailureMessage {
  switch (error.code) {
    case 'config-missing':
      return {
        title: 'The config file is not there',
        steps: [
          `${error.file} does not exist.`,
          'Put it back, and the registry starts by itself. Or name another with --config FILE.',
        ],
      }
    case 'config-invalid':
      return {
        title: `config.json has ${error.faults.length === 1 ? 'a fault' : count(error.faults.length, 'fault')}`,
        steps: [
          error.file,
          ...error.faults.map(faultMessage),
          error.unfinished === true
            ? 'It is still being written. It is read again by itself.'
            : 'Correct the file. A registry that does not run then starts by itself.',
        ],
      }
    case 'named-file-unusable':
      return {
        title: 'A file that config.json names cannot be read',
        steps: [
          `${error.keyPath} names ${error.path}: ${error.reason}.`,
          'Put it there, or name another. A registry that does not run then starts by itself.',
        ],
      }
    case 'engine-missing':
      if (error.path === 'zot')
        return {
          title: 'There is no zot on this machine',
          steps: [
            "Put it on the PATH, or into Zotbar's folder as engines/zot/VERSION/zot.",
            'Or say where it is: zotbar engine use zot --path FILE',
          ],
        }
      return {
        title: 'The registry program is missing',
        steps: [`${error.path} is not there.`, 'Build or install Zotbar again, then start again.'],
      }
    case 'port-in-use':
      return {
        title: `Port ${error.port} is taken`,
        steps: [
          `${holder(error)} answers there; it was left alone.`,
          ...keptByMessage(error.keptBy),
          ...(error.open === undefined
            ? [
                'End that program, and the registry starts by itself. Or set another http.port in config.json, then start again.',
              ]
            : openChoiceMessage(error.open)),
        ],
      }
    case 'start-failed':
      return {
        title: 'The registry did not start',
        steps: [
          `It ${endMessage(error)}.`,
          ...(error.lastWord === undefined ? error.lastLines.slice(-3) : []),
          error.waitsFor === undefined
            ? 'Read its log, then start again.'
            : `${capital(waitsForText(error.waitsFor))}: it is started again by itself until it serves.`,
        ],
      }
    case 'start-too-slow':
      return {
        title: 'The registry does not become ready',
        steps: [
          `It ran for ${duration(error.limitMs)} without answering.`,
          'Read its log, then start again.',
        ],
      }
    case 'root-in-use':
      return {
        title: 'Another process uses the data folder',
        steps: [
          `${holder(error)} has ${error.path} open. Two registries on one folder would damage it.`,
          ...keptByMessage(error.keptBy),
          'End the other one. A registry that does not run then starts by itself.',
        ],
      }
    case 'stop-failed':
      return {
        title: 'The registry does not end',
        steps: [
          `Process ${error.pid} survived a KILL. It may be waiting for a disk.`,
          'Check the data volume, then try again.',
        ],
      }
    default:
      return unreachable(error)
  }
}

/** Why a free port alone starts nothing, and what does, while somebody else's program has the port. */
export function openChoiceMessage({ why, commands }: OpenChoice): string[] {
  const condition =
    why === 'other-folder'
      ? 'the data folder is the one that it was, or you have accepted this one'
      : why === 'open-registry'
        ? 'you have agreed that everybody is served'
        : 'you have chosen the program that serves this data folder'
  return [
    `When the port is free, nothing is started until ${condition}.`,
    ...commands.map(command => `On the command line, then: ${command}`),
  ]
}

type Starting = Extract<ProcessState, { kind: 'starting' }>

/** "Restarting, for 12 s now". `now` in ms since the epoch. */
export function startingHeadline(state: Starting, now: number): string {
  const verb = state.cause === 'asked-restart' ? 'Restarting' : 'Starting'
  return now - state.since > 10_000 ? `${verb}, for ${duration(now - state.since)} now` : verb
}

/** Why it starts, and its deadline. */
export function startingReason(state: Starting, now: number): string {
  const limit = `It has until ${atTime(state.deadline, now)} to answer.`
  const said = saidText(state)
  switch (state.cause) {
    case 'crashed':
    case 'ended-by-itself':
    case 'start-failed':
      return `The registry ended by itself and is being started again.${said} ${limit}`
    case 'hung':
      return `The registry had stopped answering and is being started again. ${limit}`
    case 'asked-restart':
      return `You asked.${said} ${limit}`
    default:
      return `${said} ${limit}`.trimStart()
  }
}
