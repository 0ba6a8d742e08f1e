import type { Failure } from '../failure.ts'
import { unreachable } from '../result.ts'
import { capital } from './format.ts'
import type { FailureMessage } from './message.ts'

const codes = [
  'core-ended',
  'service-not-started',
  'home-newer',
  'home-damaged',
  'hand-over-refused',
  'hand-over-failed',
  'other-contract',
  'core-older',
] as const

/** Failures of a core that is to be started, or is of another build than whoever asks it. */
type CoreFailure = Extract<Failure, { code: (typeof codes)[number] }>

export const isCoreFailure = (error: Failure): error is CoreFailure => codes.some(code => code === error.code)

/** The message for a core that could not be started, or is another one than was expected. */
export function coreFailureMessage(error: CoreFailure): FailureMessage {
  switch (error.code) {
    case 'core-ended':
      return {
        title: 'Zotbar ended as soon as it was started',
        steps: [`It ended with ${error.how}.`, `What it said: logs/core.log in ${error.home}.`],
      }
    case 'service-not-started':
      return {
        title: "Zotbar's service could not be started",
        steps: [
          `The system says of ${error.service}: ${error.reason}.`,
          'Or start Zotbar yourself: zotbar start',
        ],
      }
    case 'hand-over-refused':
      return {
        title: 'The Zotbar that runs does not hand over',
        steps: [`${capital(error.reason)}.`, 'It goes on as before.'],
      }
    case 'hand-over-failed':
      return {
        title: 'The new Zotbar did not come up, and the one from before goes on',
        steps: [`${capital(error.reason)}.`, 'More is in logs/app.log. The registry was not touched.'],
      }
    case 'home-newer':
      return {
        title: "Zotbar's folder was changed by a newer Zotbar",
        steps: [
          `${error.home} has format ${error.format}, and this Zotbar knows formats up to ${error.known}. Nothing was touched.`,
          'Start the newer Zotbar. What it changed lies in backup/ in that folder as it was before.',
        ],
      }
    case 'home-damaged':
      return {
        title: 'Zotbar cannot read which format its folder has',
        steps: [
          `${error.file}: ${error.reason}. Nothing was touched.`,
          `If no newer Zotbar ever used that folder, write this into the file: {"format":${error.known}}`,
        ],
      }
    case 'other-contract':
      return {
        title: 'Two versions of Zotbar do not understand each other',
        steps: [
          `What runs is ${error.version} (process ${error.pid}), of contract ${error.ours}; what asks is of contract ${error.theirs}.`,
          `Its state and its logs can be read. For anything else end it, in its own menu or terminal or by: kill ${error.pid}`,
          'Then start the version that is installed: zotbar start',
        ],
      }
    case 'core-older':
      return {
        title: 'An older Zotbar is running',
        steps: [
          `Quit the older Zotbar first${error.pid === undefined ? '' : ` (process ${error.pid})`}: it runs with ${error.home}.`,
          `It ends in its own menu or terminal${error.pid === undefined ? '' : `, or by: kill ${error.pid}`}`,
          'Its state and its logs can be read meanwhile.',
        ],
      }
    default:
      return unreachable(error)
  }
}
