import type { Failure } from '../failure.ts'
import { unreachable } from '../result.ts'
import { duration } from './format.ts'
import type { FailureMessage } from './message.ts'

/** What can go wrong on another host, and with a build there or here. */
type HostFailure = Extract<
  Failure,
  {
    code:
      | 'host-unreachable'
      | 'host-key-unknown'
      | 'host-key-changed'
      | 'host-key-revoked'
      | 'host-denied'
      | 'host-no-shell'
      | 'host-lost'
      | 'host-too-slow'
      | 'host-file-unusable'
      | 'build-failed'
      | 'build-too-slow'
      | 'build-without-program'
      | 'bad-recipe'
  }
>

/** The words for what can go wrong on another host, and with a build. */
export function hostFailureMessage(error: HostFailure): FailureMessage {
  switch (error.code) {
    case 'host-unreachable':
      return {
        title: `${error.host} cannot be reached`,
        steps: [`${error.reason}.`, 'Look at its name, its port and the network, then try again.'],
      }
    case 'host-key-unknown':
      return {
        title: `${error.host} is not known yet`,
        steps: [
          `It shows ${error.presented}. Known for it: none, in ${error.files.join(', ')}.`,
          'Nothing was sent to it: it could be another host under this name.',
          `Run "ssh ${error.target}" once, compare the fingerprint and accept it; or add the line of ssh-keyscan to one of these files.`,
        ],
      }
    case 'host-key-changed':
      return {
        title: `${error.host} shows another key than before`,
        steps: [
          `Known: ${error.known.map(onlyLine => `${onlyLine.fingerprint} (${onlyLine.file}, line ${onlyLine.line})`).join(', ')}.`,
          `Shown: ${error.presented}.`,
          'Nothing was sent to it: it could be another host under this name.',
          `If the host was set up anew, compare the fingerprint there, then: ssh-keygen -R '${error.host}', and once ssh ${error.target}.`,
        ],
      }
    case 'host-key-revoked':
      return {
        title: `The key of ${error.host} was revoked`,
        steps: [
          `It shows ${error.presented}, which ${error.file} revokes in line ${error.line}. Nothing was sent to it.`,
          'Ask whoever keeps the host for its present key.',
        ],
      }
    case 'host-denied':
      return {
        title: `${error.host} does not let ${error.user} in`,
        steps: [
          `Tried: ${error.tried.length === 0 ? 'nothing, as there is no key' : error.tried.join(', ')}.`,
          ...error.skipped.map(skipped => `Left out: ${skipped}.`),
          ...(error.reason === undefined ? [] : [`The host says: ${error.reason}.`]),
          'Load the key into the ssh-agent (ssh-add), or add its public half to authorized_keys there.',
        ],
      }
    case 'host-no-shell':
      return {
        title: `${error.host} runs no commands`,
        steps: [`${error.reason}.`, 'The account needs a login shell, and no forced command.'],
      }
    case 'host-lost':
      return {
        title: `The connection to ${error.host} broke`,
        steps: [`${error.reason}.`, 'Whether the command there finished is not known. Try again.'],
      }
    case 'host-too-slow':
      return {
        title: `${error.host} is too slow`,
        steps: [`It took longer than ${duration(error.limitMs)} to ${error.what}.`, 'Try again.'],
      }
    case 'host-file-unusable':
      return {
        title: `${error.path} cannot be fetched`,
        steps: [`On ${error.host}: ${error.reason}.`],
      }
    case 'build-failed':
      return {
        title: 'The build failed',
        steps: [
          `On ${error.host}, "${error.line}" ended with exit code ${error.exit}.`,
          ...error.lastLines,
          'The recipe is the setting build.recipe.',
        ],
      }
    case 'build-too-slow':
      return {
        title: 'The build took too long',
        steps: [
          `On ${error.host}, "${error.line}" was ended after ${duration(error.limitMs)}.`,
          ...error.lastLines,
          'The limit is the setting build.minutes.',
        ],
      }
    case 'build-without-program':
      return {
        title: 'The build left no program',
        steps: [
          `On ${error.host}, ${error.path} is not there after the last line of the recipe.`,
          error.found.length === 0 ? 'Nothing lies beside it.' : `Beside it: ${error.found.join(', ')}.`,
          'Correct the setting build.output, or the recipe.',
        ],
      }
    case 'bad-recipe':
      return {
        title: 'The recipe cannot be used',
        steps: [
          `${error.reason}.`,
          'Correct the setting build.recipe, or go back: zotbar settings set build.recipe',
        ],
      }
    default:
      return unreachable(error)
  }
}
