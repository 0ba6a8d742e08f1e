import type { Failure } from '../failure.ts'
import { unreachable } from '../result.ts'
import type { FailureMessage } from './message.ts'

/** Failures of an app or a service manager that is to have the core run. */
type CoreFailure = Extract<Failure, { code: 'core-ended' | 'service-not-started' }>

/** The message for a core that could not be started. */
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
    default:
      return unreachable(error)
  }
}
