import type { PushEvent, Snapshot } from '../snapshot.ts'
import { capital, isDigest, relativeTime, timeOfDay } from './format.ts'
import { type JournalMessage, journalMessage } from './journal-message.ts'

/** Something that happened, newest first: a start, an end, a push. `at` is ms since the epoch. */
export interface EventMessage extends JournalMessage {
  id: string
  at: number
  /** Title and detail without the time, for lists that have a column for it. */
  shortTitle: string
  shortDetail: string
  kind: 'process' | 'push'
}

/** What happened last, from the journal and the pushes. `now` in ms since the epoch. */
export function lastEvents(
  snapshot: Pick<Snapshot, 'journal' | 'pushes'>,
  now: number,
  limit: number,
): EventMessage[] {
  const starts = snapshot.journal.map((entry): EventMessage => {
    const message = journalMessage(entry, now)
    const time = ` ${relativeTime(entry.at, now)}`
    const title = message.title.endsWith(time) ? message.title.slice(0, -time.length) : message.title
    return {
      ...message,
      shortTitle: title,
      shortDetail: message.detail,
      id: entry.id,
      at: entry.at,
      kind: 'process',
    }
  })
  const pushes = snapshot.pushes.map((push, index): EventMessage => {
    const title = `Pushed ${imageName(push)}`
    const by = push.by === undefined ? '' : `By ${push.by}`
    const time = relativeTime(push.at, now)
    return {
      id: `push ${push.at} ${index}`,
      at: push.at,
      kind: 'push',
      shortTitle: title,
      shortDetail: by,
      title,
      detail: by === '' ? capital(time) : `${by}, ${time}`,
    }
  })
  return [...starts, ...pushes].sort((a, b) => b.at - a.at).slice(0, limit)
}

/** "app:1.2", or "app, sha256:0123456789ab…" for a push by digest. */
export function imageName(push: Pick<PushEvent, 'repository' | 'reference'>): string {
  return isDigest(push.reference)
    ? `${push.repository}, ${push.reference.slice(0, 19)}…`
    : `${push.repository}:${push.reference}`
}

/** A time that fits a narrow column: "13:47" today, else "28 Feb". */
export const columnTime = (at: number, now: number): string =>
  new Date(at).toDateString() === new Date(now).toDateString()
    ? timeOfDay(at)
    : new Date(at).toLocaleDateString('en-GB', { day: 'numeric', month: 'short' })
