import type { Failure } from '../failure.ts'
import { unreachable } from '../result.ts'
import type { FailureMessage } from './message.ts'

type DataFailure = Extract<
  Failure,
  { code: 'data-volume-missing' | 'data-unreadable' | 'data-read-only' | 'data-not-a-folder' }
>

/** The message for a data folder that cannot be served from. */
export function dataFailureMessage(error: DataFailure): FailureMessage {
  switch (error.code) {
    case 'data-volume-missing':
      return {
        title: 'The data volume is missing',
        steps: [
          error.path === error.parent
            ? `${error.path} is not there.`
            : `${error.path} cannot be opened, because ${error.parent} is not there.`,
          'Attach or mount the volume. The registry starts when it is back; nothing was created in its place.',
          ...(error.path === error.parent
            ? []
            : [`If no volume belongs there, make the folder ${error.parent} yourself.`]),
        ],
      }
    case 'data-unreadable':
      return {
        title: 'The data folder cannot be read',
        steps: [`${error.path}: ${error.reason}.`, 'Give your user access to it, then start again.'],
      }
    case 'data-read-only':
      return {
        title: 'The data folder is read-only',
        steps: [
          `Nothing can be written in ${error.path}.`,
          'Mount the volume for writing, then start again.',
        ],
      }
    case 'data-not-a-folder':
      return {
        title: 'The data folder is not a folder',
        steps: [
          `${error.path} is a file, or lies below one.`,
          'Correct storage.rootDirectory in config.json, then start again.',
        ],
      }
    default:
      return unreachable(error)
  }
}
