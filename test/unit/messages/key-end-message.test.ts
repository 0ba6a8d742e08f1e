import { describe, expect, it } from 'vitest'
import { plainText } from '../../../contract/messages/format.ts'
import { keyEndMessage } from '../../../contract/messages/key-end-message.ts'
import { noticesBesideKeys } from '../../../contract/messages/notice-message.ts'
import { nothingNotified, notificationsFor } from '../../../contract/messages/notifications.ts'
import type { Notice } from '../../../contract/snapshot.ts'
import { aSnapshot, servingState } from '../../fakes/host.ts'

const at = new Date(2026, 10, 30, 18, 5).getTime()
const day = 86_400_000

type KeyExpiring = Extract<Notice, { kind: 'key-expiring' }>
const notice = (expiresAt: number, part: Partial<KeyExpiring> = {}): KeyExpiring => ({
  kind: 'key-expiring',
  id: 'key-expiring:u1:1',
  at,
  user: 'ci',
  registry: '127.0.0.1:5050',
  uuid: 'u1',
  expiresAt,
  daysLeft: 0,
  ...part,
})

describe('the notice that a key ends', () => {
  it.each([
    [9 * day, 'The key of ci for 127.0.0.1:5050 ends in 9 days'],
    [day, 'The key of ci for 127.0.0.1:5050 ends tomorrow 18:05'],
    [60_000, 'The key of ci for 127.0.0.1:5050 ends today 18:06'],
    [0, 'The key of ci for 127.0.0.1:5050 has ended'],
  ])('after %i ms', (ms, title) => expect(plainText(keyEndMessage(notice(at + ms)).title)).toBe(title))

  it('names the rotation for a managed key, and for another its label and the command that creates one', () => {
    expect(keyEndMessage(notice(at + day)).detail).toMatch(/Rotate it: zotbar keys rotate ci$/)
    const other = keyEndMessage(notice(at + day, { unmanaged: { label: 'nightly', more: 2 } }))
    expect(other.title).toBe('The key of ci (nightly) for 127.0.0.1:5050 ends tomorrow 18:05')
    expect(plainText(other.detail)).toBe(
      'It ends Tuesday 1 December 2026 at 18:05; what uses it is then refused. 2 other keys of ci end soon or have ended too. Create another and put it where this one is used: zotbar keys create --user ci',
    )
  })

  it('offers the rotation of a managed key alone', () => {
    const offersOf = (one: KeyExpiring) =>
      notificationsFor(
        nothingNotified,
        aSnapshot({ process: servingState, notices: [one] }),
        at,
      ).notifications.map(({ offers }) => offers)
    expect(offersOf(notice(at + day))).toEqual(['rotate'])
    expect(offersOf(notice(at + day, { unmanaged: { label: '', more: 0 } }))).toEqual([undefined])
  })

  it('is not repeated beside a row about the key', () => {
    const notices = [notice(at + day)]
    const keys = [{ user: 'ci', label: '', uuid: 'u1', createdAt: '', expirationDate: '', lastUsed: null }]
    expect(noticesBesideKeys({ notices })).toEqual(notices)
    expect(noticesBesideKeys({ notices, endingKeys: { count: 1, keys } })).toEqual([])
  })
})
