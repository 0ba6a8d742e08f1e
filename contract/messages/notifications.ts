import type { Snapshot } from '../snapshot.ts'
import { givenAddress } from './address-message.ts'
import { bytes } from './format.ts'
import { noticeMessage } from './notice-message.ts'
import { statusSummary } from './status-summary.ts'
import { isWaiting } from './waiting-message.ts'

/** What deserves a native notification. */
export type NotificationKind =
  | 'crash-looping'
  | 'failed'
  | 'foreign'
  | 'undecided'
  /** It waits for something outside, and that takes long. */
  | 'waiting'
  | 'storage-nearly-full'
  | 'came-back'
  | 'key-expiring'

export interface Notification {
  kind: NotificationKind
  title: string
  body: string
  /** The action of its button. */
  offers?: 'rotate'
}

type TroubleKind = Extract<NotificationKind, 'crash-looping' | 'failed' | 'foreign' | 'undecided' | 'waiting'>

/**
 * What was notified already. A trouble lasts until the registry serves or is stopped: retries in between belong to it.
 * `key` distinguishes two troubles.
 */
export interface NotifiedState {
  trouble?: { kind: TroubleKind; key: string }
  /** True from the first crash loop, or long wait, until the registry serves again or is stopped. */
  crashLooped: boolean
  /** Ids of the storage notices that were notified and still apply. */
  storage: string[]
  /** Ids of the key notices that were notified. */
  keys: string[]
}

/** Before the first snapshot. */
export const nothingNotified: NotifiedState = { crashLooped: false, storage: [], keys: [] }

type ServiceState = Omit<NotifiedState, 'storage' | 'keys'>

/** Compares what was notified with the snapshot. Pure; `now` in ms since the epoch. */
export function notificationsFor(
  previous: NotifiedState,
  next: Snapshot,
  now: number,
): { state: NotifiedState; notifications: Notification[] } {
  const service = ofProcess(previous, next, now)
  const tight = next.notices.filter(notice => notice.kind === 'storage-nearly-full')
  const fresh = tight.filter(notice => !previous.storage.includes(notice.id))
  const expiring = next.notices.filter(notice => notice.kind === 'key-expiring')
  return {
    state: {
      ...service.state,
      storage: tight.map(notice => notice.id),
      keys: [...new Set([...previous.keys, ...expiring.map(notice => notice.id)])].slice(-100),
    },
    notifications: [
      ...service.notifications,
      ...fresh.map(
        (notice): Notification => ({
          kind: 'storage-nearly-full',
          title: 'The disk is nearly full',
          body: `${bytes(notice.freeBytes)} of ${bytes(notice.volumeBytes)} left where the images are. Pushes fail when it is full.`,
        }),
      ),
      ...expiring
        .filter(notice => !previous.keys.includes(notice.id))
        .map((notice): Notification => {
          const { title, detail } = noticeMessage(notice)
          return { kind: 'key-expiring', title, body: detail, offers: 'rotate' }
        }),
    ],
  }
}

function ofProcess(
  previous: NotifiedState,
  next: Snapshot,
  now: number,
): { state: ServiceState; notifications: Notification[] } {
  const { process } = next
  switch (process.kind) {
    case 'crash-looping':
      return trouble(previous, next, now, 'crash-looping', 'crash-looping')
    case 'failed':
      return trouble(previous, next, now, 'failed', process.error.code)
    case 'foreign':
      return trouble(previous, next, now, 'foreign', `${process.port}/${process.pid ?? ''}`)
    case 'undecided':
      return trouble(previous, next, now, 'undecided', process.why)
    case 'serving':
      return {
        state: { crashLooped: false },
        notifications: previous.crashLooped
          ? [
              {
                kind: 'came-back',
                title: 'Serving again',
                body: `The registry answers at ${givenAddress(next).url} after it had not stayed up.`,
              },
            ]
          : [],
      }
    case 'stopped':
      return { state: { crashLooped: false }, notifications: [] }
    case 'starting':
    case 'backing-off':
      return isWaiting(process) && statusSummary(next, now).class === 'down'
        ? trouble(previous, next, now, 'waiting', process.waitsFor)
        : { state: unchanged(previous), notifications: [] }
    default:
      // A transition is neither news nor the end of a trouble.
      return { state: unchanged(previous), notifications: [] }
  }
}

function trouble(
  previous: NotifiedState,
  next: Snapshot,
  now: number,
  kind: TroubleKind,
  key: string,
): { state: ServiceState; notifications: Notification[] } {
  const same = previous.trouble?.kind === kind && previous.trouble.key === key
  const { headline, reason } = statusSummary(next, now)
  return {
    state: {
      trouble: { kind, key },
      crashLooped: previous.crashLooped || kind === 'crash-looping' || kind === 'waiting',
    },
    notifications: same || next.quitting ? [] : [{ kind, title: headline, body: reason }],
  }
}

const unchanged = (previous: NotifiedState): ServiceState => ({
  crashLooped: previous.crashLooped,
  ...(previous.trouble ? { trouble: previous.trouble } : {}),
})
