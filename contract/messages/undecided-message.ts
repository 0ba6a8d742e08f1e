import type { Failure } from '../failure.ts'
import { unreachable } from '../result.ts'
import type { FolderFigures, FolderFound, Undecided } from '../undecided.ts'
import { bytes, count, relativeTime } from './format.ts'
import type { FailureMessage } from './message.ts'
import { openEvidence, openInstead, openReason } from './open-message.ts'
import { faultMessage } from './start-message.ts'

/** Headline and reason of an open choice, without its actions. */
export interface UndecidedMessage {
  headline: string
  /** One sentence or fact a line. */
  reason: string
}

/** "58 repositories, 412 tags, 41.2 GB"; undefined where nothing is known. */
export function figureText(figures: FolderFigures & { atLeast?: boolean }): string | undefined {
  const { repositories, tags, bytes: size, atLeast } = figures
  if (repositories === undefined) return size === undefined ? undefined : bytes(size)
  if (repositories === 0) return 'no images'
  const rest = [tags === undefined ? '' : count(tags, 'tag'), size === undefined ? '' : bytes(size)]
  const all = [count(repositories, 'repository', 'repositories'), ...rest].filter(text => text !== '')
  return `${atLeast ? 'at least ' : ''}${all.join(', ')}`
}

/** What lies in a folder, in a few words: "nothing", "58 repositories, 412 tags". */
export function contentText(found: FolderFound): string {
  switch (found.holds) {
    case 'images':
      return figureText(found) ?? 'images'
    case 'nothing':
      return 'nothing'
    case 'other-files':
      return 'no images, but other files'
    case 'missing':
      return 'nothing: it is not there'
    default:
      return unreachable(found.holds)
  }
}

/** What lies in which folder, as half a sentence. */
export const findingText = (found: FolderFound): string =>
  found.holds === 'missing' ? `${found.folder} is not there` : `${contentText(found)} in ${found.folder}`

/** `now` in ms since the epoch; `machine` as `thisMachine` gives it. */
export function undecidedMessage(undecided: Undecided, now: number, machine: string): UndecidedMessage {
  const { why, found } = undecided
  const evidence = undecidedEvidence(undecided, now)
  switch (why) {
    case 'store-of-another-engine': {
      const held = found.holds === 'images' ? figureText(found) : undefined
      return {
        headline: found.databases.length > 0 ? 'A zot wrote these images' : 'A zot served here until now',
        reason: [
          `${held === undefined ? '' : `${held} in `}${found.folder}. Nothing was started and nothing was written. Choose the program that serves them.`,
          ...evidence,
        ].join('\n'),
      }
    }
    case 'config-refused':
      return {
        headline: 'config.json asks for more than zotbar-registry does',
        reason: [
          'Nothing was started. Choose the program that serves it, or change the file.',
          ...evidence,
        ].join('\n'),
      }
    case 'open-registry':
      return {
        headline: 'Nobody is asked who they are',
        reason: [...(undecided.open ? [openReason(undecided.open, machine)] : []), ...evidence].join('\n'),
      }
    case 'other-folder':
      return {
        headline: 'The data folder is not the one it was',
        reason: [
          found.holds === 'images'
            ? 'Nothing was started, so that nobody finds other images. It starts by itself when the one before is back.'
            : 'Nothing was started, so that nobody finds it without images. It starts by itself when the folder is back.',
          ...evidence,
        ].join('\n'),
      }
    default:
      return unreachable(why)
  }
}

/** The lines of the reason that say what was found and what decides it: a page shows them as a table and as buttons. */
export function undecidedEvidence(undecided: Undecided, now: number): string[] {
  const { why, found, config, was } = undecided
  const commands = undecided.commands.map(command => `On the command line: ${command}`)
  switch (why) {
    case 'store-of-another-engine':
      return commands
    case 'open-registry':
      return [
        config.file,
        ...(undecided.open ? openEvidence(undecided.open) : []),
        ...commands,
        ...openInstead,
      ]
    case 'config-refused':
      return [config.file, ...[...config.refused, ...config.withoutEffect].map(faultMessage), ...commands]
    case 'other-folder': {
      const before = was && figureText(was)
      const since = was?.asOf === undefined ? '' : `, as of ${relativeTime(was.asOf, now)}`
      return [
        `Before: ${before ?? 'images'}${was?.folder === undefined ? '' : ` in ${was.folder}`}${since}.`,
        `Now: ${findingText(found)}.`,
        ...commands,
      ]
    }
    default:
      return unreachable(why)
  }
}

type FolderFailure = Extract<
  Failure,
  { code: 'undecided' | 'other-folder' | 'data-denied' | 'nothing-to-accept' | 'data-folder-missing' }
>

/** The message for a data folder that nothing is started on. */
export function folderFailureMessage(error: FolderFailure): FailureMessage {
  switch (error.code) {
    case 'undecided': {
      const decide = error.commands.map(command => `Decide it: ${command}`)
      switch (error.why) {
        case 'store-of-another-engine':
          return {
            title: 'Nobody has chosen yet which program serves these images',
            steps: [`A zot wrote what lies in ${error.folder}; nothing was started on it.`, ...decide],
          }
        case 'config-refused':
          return {
            title: 'Nobody has chosen yet which program serves this config.json',
            steps: ['It asks for what zotbar-registry does not do; nothing was started.', ...decide],
          }
        case 'open-registry':
          return {
            title: 'Nobody has agreed that everybody is served',
            steps: [
              'config.json opens the registry to other machines, and nobody is asked who they are.',
              ...error.commands.map(command => `Agree to it: ${command}`),
              ...openInstead,
              'A registry that serves goes on as it is until it is stopped: zotbar stop',
            ],
          }
        case 'other-folder':
          return {
            title: 'The data folder is not the one it was',
            steps: [
              `${error.folder} is not the folder that was served before; nothing was started on it.`,
              'See both, side by side: zotbar data show',
              error.commands.includes('zotbar data accept')
                ? 'To begin with it: zotbar data accept'
                : 'It is not there: attach or mount its volume, and it starts by itself.',
            ],
          }
        default:
          return unreachable(error.why)
      }
    }
    case 'other-folder':
      return {
        title: 'The data folder is not the one it was',
        steps: [
          `${error.path} became another folder while the registry served. It was stopped, so that no push lands there.`,
          'It starts by itself when the folder is back. If this is the one from now on: zotbar data accept',
        ],
      }
    case 'data-denied':
      return error.by === 'macos'
        ? {
            title: 'macOS does not let Zotbar read the data folder',
            steps: [
              `${error.path} is protected.`,
              'Allow it in System Settings > Privacy & Security > Files and Folders, or Full Disk Access. Then look again.',
            ],
          }
        : {
            title: 'The data folder cannot be read',
            steps: [
              `Your user has no access to ${error.path}.`,
              'Give your user access to it: it starts by itself then.',
            ],
          }
    case 'nothing-to-accept':
      return {
        title: 'There is nothing to accept',
        steps: [
          `${error.folder} is the data folder that it was. See: zotbar data show`,
          ...(error.commands ?? []).map(command => `What is open is which program serves it: ${command}`),
        ],
      }
    case 'data-folder-missing':
      return {
        title: 'The data folder is not there',
        steps: [
          `${error.path} does not exist. Nothing was accepted, and nothing was made in its place.`,
          'Attach or mount its volume: it starts by itself then.',
          `To begin there without images, make the folder first: mkdir ${quoted(error.path)}`,
          'Then: zotbar data accept',
        ],
      }
    default:
      return unreachable(error)
  }
}

/** A path as a shell takes it. */
export const quoted = (path: string): string =>
  /^[\w./@%+=:,-]+$/.test(path) ? path : `'${path.replaceAll("'", `'\\''`)}'`
