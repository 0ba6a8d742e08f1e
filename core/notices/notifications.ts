import { bytes } from '../../contract/messages/format.ts'
import { noticeMessage } from '../../contract/messages/notice-message.ts'
import { statusSummary } from '../../contract/messages/status-summary.ts'
import type { Snapshot } from '../../contract/snapshot.ts'

/** What deserves a native notification, besides being seen when one looks. */
export type NotificationKind =
  | 'crash-looping'
  | 'failed'
  | 'foreign'
  | 'undecided'
  | 'storage-nearly-full'
  | 'came-back'
  | 'key-expiring'

export interface Notification {
  kind: NotificationKind
  title: string
  body: string
  /** What it offers to do at once, as a button. */
  offers?: 'rotate'
}

/**
 * What was told already. A trouble lasts until the registry serves or is stopped: its retries in between
 * are the same occurrence. `key` tells two troubles apart.
 */
export interface NotifiedState {
  trouble?: { kind: 'crash-looping' | 'failed' | 'foreign' | 'undecided'; key: string }
  /** True from the first crash loop until it serves again or is stopped, whatever else happens in between. */
  crashLooped: boolean
  /** Ids of the storage notices that were told and still stand. */
  storage: string[]
  /** Ids of the notices about keys that were told. */
  keys: string[]
}

/** Before the first snapshot. */
export const nothingNotified: NotifiedState = { crashLooped: false, storage: [], keys: [] }

type Service = Omit<NotifiedState, 'storage' | 'keys'>

/** Compares what was told with what is now. Pure; `now` in ms since the epoch. */
export function notificationsFor(
  previous: NotifiedState,
  next: Snapshot,
  now: number,
): { watch: NotifiedState; tell: Notification[] } {
  const service = ofProcess(previous, next, now)
  const tight = next.notices.filter(notice => notice.kind === 'storage-nearly-full')
  const fresh = tight.filter(notice => !previous.storage.includes(notice.id))
  const expiring = next.notices.filter(notice => notice.kind === 'key-expiring')
  return {
    watch: {
      ...service.watch,
      storage: tight.map(notice => notice.id),
      keys: [...new Set([...previous.keys, ...expiring.map(notice => notice.id)])].slice(-100),
    },
    tell: [
      ...service.tell,
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
): { watch: Service; tell: Notification[] } {
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
        watch: { crashLooped: false },
        tell: previous.crashLooped
          ? [
              {
                kind: 'came-back',
                title: 'Serving again',
                body: `The registry answers at ${next.registry.url} after it had not stayed up.`,
              },
            ]
          : [],
      }
    case 'stopped':
      return { watch: { crashLooped: false }, tell: [] }
    default:
      // On the way somewhere: neither news nor the end of a trouble.
      return { watch: kept(previous), tell: [] }
  }
}

function trouble(
  previous: NotifiedState,
  next: Snapshot,
  now: number,
  kind: 'crash-looping' | 'failed' | 'foreign' | 'undecided',
  key: string,
): { watch: Service; tell: Notification[] } {
  const same = previous.trouble?.kind === kind && previous.trouble.key === key
  const { headline, reason } = statusSummary(next, now)
  return {
    watch: {
      trouble: { kind, key },
      crashLooped: previous.crashLooped || kind === 'crash-looping',
    },
    tell: same || next.quitting ? [] : [{ kind, title: headline, body: reason }],
  }
}

const kept = (previous: NotifiedState): Service => ({
  crashLooped: previous.crashLooped,
  ...(previous.trouble ? { trouble: previous.trouble } : {}),
})
