import type { Notice, Snapshot } from '../snapshot.ts'
import { dashboardNoticeMessage } from './dashboard-message.ts'
import { failureMessage } from './failure-message.ts'
import { bytes, capital } from './format.ts'
import { keyEndMessage } from './key-end-message.ts'
import { type NoticeMessage, unknownMessage } from './message.ts'
import { mirrorMessage } from './mirror-message.ts'
import { runNoticeMessage } from './run-notice-message.ts'
import { unknownKeysMessage } from './unknown-keys-message.ts'

/** The notices that no row about a key repeats. */
export function noticesBesideKeys({
  notices,
  managedKeys = [],
  endingKeys,
}: Pick<Snapshot, 'notices' | 'managedKeys' | 'endingKeys'>): Notice[] {
  const shown = new Set([...managedKeys, ...(endingKeys?.keys ?? [])].map(({ uuid }) => uuid))
  return notices.filter(notice => notice.kind !== 'key-expiring' || !shown.has(notice.uuid))
}

/** A notice as a person reads it. */
export function noticeMessage(notice: Notice): NoticeMessage {
  switch (notice.kind) {
    case 'file-set-aside':
      return {
        title: `${lastSegment(notice.file)} could not be read`,
        detail: `It was kept as ${lastSegment(notice.keptAs)} beside it, and Zotbar goes on with the defaults.`,
        needsAttention: true,
      }
    case 'socket-elsewhere':
      return {
        title: 'The control socket is elsewhere',
        detail: `The path in Zotbar's folder is too long for a socket, so it is at ${notice.path}. The command line finds it by itself.`,
        needsAttention: false,
      }
    case 'data-restored':
      return {
        title: 'The data folder was restored or moved',
        detail: `${notice.folder} holds what it held before, and is another folder on the disk: it serves.`,
        needsAttention: false,
      }
    case 'storage-nearly-full':
      return {
        title: `The disk has ${bytes(notice.freeBytes)} left of ${bytes(notice.volumeBytes)}`,
        detail: 'When it is full, pushes fail; what is stored stays readable.',
        needsAttention: true,
      }
    case 'config-written':
      return {
        title: 'A first config.json was written',
        detail: `It is ${notice.file}; the images go to ${notice.data}. Both are yours to change.`,
        needsAttention: false,
      }
    case 'admin-created':
      return {
        title: `${notice.user} may push, with a generated password`,
        detail: [
          'Everybody here may pull. Its password: zotbar admin show. To sign in:',
          ...signInCommands(notice.host, notice.user),
        ].join('\n'),
        needsAttention: false,
      }
    case 'secret-in-file':
      return {
        title: 'The admin password is in a file',
        detail: `There is no keychain to use here (${notice.why}), so it is in ${notice.file}, which only your user can read.`,
        needsAttention: false,
      }
    case 'password-not-stored': {
      const { title, steps } = failureMessage(notice.error)
      return {
        title: 'The admin password is not stored yet',
        detail: [`${title}.`, ...steps, 'It is tried again with: zotbar admin show'].join('\n'),
        needsAttention: true,
      }
    }
    case 'keychain-asks':
      return {
        title: notice.macos ? 'macOS asks for your keychain' : 'Your keychain asks to be unlocked',
        detail: notice.macos
          ? 'Answer it on the screen of this Mac; what needs a secret waits until then. The registry goes on.'
          : 'Answer it on the screen of this computer; what needs a secret waits until then. The registry goes on.',
        needsAttention: true,
      }
    case 'key-expiring':
      return keyEndMessage(notice)
    case 'keys-after-rollback':
      return {
        title: 'Look at the keys of the last minutes',
        detail: [
          'An upgrade was taken back, and with it what zot knew of its keys.',
          ...notice.made.map(key => `Made meanwhile, and gone: ${key}.`),
          ...notice.toRevoke.map(key => `Revoke again: ${key}.`),
        ].join('\n'),
        needsAttention: true,
      }
    case 'run-overtaken':
    case 'run-unproven':
      return runNoticeMessage(notice)
    case 'databases-stay':
      return {
        title: 'The databases were not put back',
        detail: `An upgrade was taken back, and meta.db and cache.db stay as they are now. ${notice.why} The copies from before the upgrade, as far as there are any, are in ${notice.snapshot}.`,
        needsAttention: true,
      }
    case 'no-dashboard':
    case 'session-replayed':
    case 'sessions-unsaved':
      return dashboardNoticeMessage(notice)
    case 'mirror-passed-by':
      return mirrorMessage(notice)
    case 'config-keys-unknown':
      return unknownKeysMessage(notice)
    case 'webhook-waits':
      return {
        title: 'A message to the webhook waits',
        detail: `${capital(notice.reason)}. It is tried again; the address is in the setting notices.webhook.`,
        needsAttention: true,
      }
    case 'engine-in-package':
      return {
        title: 'The registry program could not be copied',
        detail: [
          notice.why.kind === 'failed'
            ? `${capital(notice.why.reason)}.`
            : `The disk of ${notice.home} has ${bytes(notice.why.freeBytes)} left, and ${bytes(notice.why.neededBytes)} are needed.`,
          'The registry is started from where Zotbar is installed: while that is replaced, it goes on, and cannot be started again.',
        ].join(' '),
        needsAttention: true,
      }
    default:
      return unknownNotice(notice)
  }
}

function unknownNotice(notice: never): NoticeMessage {
  const { title, steps } = unknownMessage(notice)
  return { title, detail: steps.join(' '), needsAttention: false }
}

/** How a client signs in without the password on a command line. */
export const signInCommands = (host: string, user: string): string[] => [
  `zotbar admin show --password | docker login ${host} -u ${user} --password-stdin`,
  `zotbar admin show --password | skopeo login ${host} --tls-verify=false -u ${user} --password-stdin`,
]

const lastSegment = (path: string): string => path.slice(path.lastIndexOf('/') + 1)
