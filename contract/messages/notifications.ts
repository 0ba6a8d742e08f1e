import type { Notice, Snapshot } from '../snapshot.ts'
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
  | 'run-unproven'

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
  /** Ids of the notices of keys and runs that were notified. */
  notices: string[]
}

/** Before the first snapshot. */
export const nothingNotified: NotifiedState = { crashLooped: false, storage: [], notices: [] }

type ServiceState = Omit<NotifiedState, 'storage' | 'notices'>

/** Compares what was notified with the snapshot. Pure; `now` in ms since the epoch. */
export function notificationsFor(
  previous: NotifiedState,
  next: Snapshot,
  now: number,
): { state: NotifiedState; notifications: Notification[] } {
  const service = ofProcess(previous, next, now)
  const tight = next.notices.filter(notice => notice.kind === 'storage-nearly-full')
  const fresh = tight.filter(notice => !previous.storage.includes(notice.id))
  const lasting = next.notices.flatMap(notice => ofNotice(notice, now) ?? [])
  return {
    state: {
      ...service.state,
      storage: tight.map(notice => notice.id),
      notices: [...new Set([...previous.notices, ...lasting.map(({ id }) => id)])].slice(-100),
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
      ...lasting.filter(({ id }) => !previous.notices.includes(id)).map(({ notification }) => notification),
    ],
  }
}

/** The end of a run is news for so long, ms: an app that is started later does not announce it again. */
const newsMs = 10 * 60_000

/** What a notice is notified as; undefined for one that stands on the pages alone. */
function ofNotice(notice: Notice, now: number): { id: string; notification: Notification } | undefined {
  const { id, kind, at } = notice
  if (kind !== 'key-expiring' && (kind !== 'run-unproven' || now - at > newsMs)) return undefined
  const { title, detail } = noticeMessage(notice)
  const offers = kind === 'key-expiring' && !notice.unmanaged ? { offers: 'rotate' as const } : {}
  return { id, notification: { kind, title, body: detail, ...offers } }
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
