import type { Notice } from '../snapshot.ts'
import { count, longDate, timeOfDay } from './format.ts'
import type { NoticeMessage } from './message.ts'
import { endsWhen } from './remaining-time.ts'

type KeyExpiring = Extract<Notice, { kind: 'key-expiring' }>

/** What people call a key that is not managed: its label where it has one, as a user may have many. */
export const labelled = (user: string, label: string): string => (label === '' ? user : `${user} (${label})`)

/** How a key that is not managed is replaced: half a sentence that ends in a command. */
export const replaceHint = (user: string): string =>
  `Create another and put it where this one is used: zotbar keys create --user ${user}`

/** The notice that a key ends soon, or has ended, as of the moment when it was given. */
export function keyEndMessage(notice: KeyExpiring): NoticeMessage {
  const { user, registry, expiresAt, at, unmanaged } = notice
  const hasEnded = expiresAt <= at
  const key = `The key of ${unmanaged ? labelled(user, unmanaged.label) : user} for ${registry}`
  const consequence = hasEnded
    ? 'What still uses it is refused.'
    : `It ends ${longDate(expiresAt)} at ${timeOfDay(expiresAt)}; what uses it is then refused.`
  const more = unmanaged?.more ?? 0
  const others =
    more === 0
      ? ''
      : ` ${count(more, 'other key')} of ${user} ${more === 1 ? 'ends' : 'end'} soon or ${more === 1 ? 'has' : 'have'} ended too.`
  return {
    title: hasEnded ? `${key} has ended` : `${key} ends ${endsWhen(expiresAt, at)}`,
    detail: `${consequence}${others} ${unmanaged ? replaceHint(user) : `Rotate it: zotbar keys rotate ${user}`}`,
    needsAttention: true,
  }
}
