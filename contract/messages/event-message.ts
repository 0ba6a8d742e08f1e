import type { PushEvent, Snapshot } from '../snapshot.ts'
import { capital, timeOfDay, when } from './format.ts'
import { type JournalMessage, journalMessage } from './journal-message.ts'

/** Something that happened, newest first: a start, an end, a push. `at` is ms since the epoch. */
export interface EventMessage extends JournalMessage {
  id: string
  at: number
  /** Title and detail without the time, for lists that have a column for it. */
  what: string
  why: string
  kind: 'process' | 'push'
}

/** What happened last, from the journal and the pushes. `now` in ms since the epoch. */
export function lastEvents(
  snapshot: Pick<Snapshot, 'journal' | 'pushes'>,
  now: number,
  most: number,
): EventMessage[] {
  const starts = snapshot.journal.map((entry): EventMessage => {
    const words = journalMessage(entry, now)
    const time = ` ${when(entry.at, now)}`
    const what = words.title.endsWith(time) ? words.title.slice(0, -time.length) : words.title
    return { ...words, what, why: words.detail, id: entry.id, at: entry.at, kind: 'process' }
  })
  const pushes = snapshot.pushes.map((push, index): EventMessage => {
    const what = `Pushed ${imageName(push)}`
    const by = push.by === undefined ? '' : `By ${push.by}`
    const time = when(push.at, now)
    return {
      id: `push ${push.at} ${index}`,
      at: push.at,
      kind: 'push',
      what,
      why: by,
      title: what,
      detail: by === '' ? capital(time) : `${by}, ${time}`,
    }
  })
  return [...starts, ...pushes].sort((a, b) => b.at - a.at).slice(0, most)
}

/** "app:1.2", or "app, sha256:0123456789ab…" for a push by digest. */
export function imageName(push: Pick<PushEvent, 'repository' | 'reference'>): string {
  return push.reference.includes(':')
    ? `${push.repository}, ${push.reference.slice(0, 19)}…`
    : `${push.repository}:${push.reference}`
}

/** A time that fits a narrow column: "13:47" today, else "28 Feb". */
export const columnTime = (at: number, now: number): string =>
  new Date(at).toDateString() === new Date(now).toDateString()
    ? timeOfDay(at)
    : new Date(at).toLocaleDateString('en-GB', { day: 'numeric', month: 'short' })
