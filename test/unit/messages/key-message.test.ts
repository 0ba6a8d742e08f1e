import { describe, expect, it } from 'vitest'
import { statusText } from '../../../cli/status.ts'
import type { EndingKey, ManagedKeySummary } from '../../../contract/key.ts'
import { plainText } from '../../../contract/messages/format.ts'
import { keyBadge, keyLines } from '../../../contract/messages/key-message.ts'
import { statusSummary } from '../../../contract/messages/status-summary.ts'
import { coreView } from '../../../main/core-view.ts'
import { menuFor } from '../../../main/menu.ts'
import { aSnapshot, servingState } from '../../fakes/host.ts'

const now = new Date(2026, 2, 12, 14, 2, 0).getTime()
const day = 86_400_000

const key = (
  user: string,
  daysLeft: number | null,
  part: Partial<ManagedKeySummary> = {},
): ManagedKeySummary => ({
  user,
  registry: '127.0.0.1:5050',
  uuid: `uuid-${user}`,
  expirationDate: daysLeft === null ? null : new Date(now + daysLeft * day + 1000).toISOString(),
  daysLeft,
  shouldRotate: daysLeft !== null && daysLeft <= 15,
  ...part,
})
const snapshotWith = (...managedKeys: ManagedKeySummary[]) =>
  aSnapshot({ process: servingState, managedKeys })
const seen = (...keys: ManagedKeySummary[]) => statusSummary(snapshotWith(...keys), now)

describe('managed keys in the status summary', () => {
  it('say nothing while they have time', () => {
    expect(seen(key('zot-ci', 31), key('admin', null))).toMatchObject({
      class: 'fine',
      headline: 'Serving',
      actions: [],
    })
    expect(keyBadge(snapshotWith(key('zot-ci', 31)), now)).toBeUndefined()
  })

  it('want attention from 30 days on, and offer Rotate from the last sixth on', () => {
    const near = seen(key('zot-ci', 30))
    expect(near).toMatchObject({
      class: 'attention',
      state: 'serving',
      headline: 'Serving, one thing to do',
      actions: [],
    })
    expect(plainText(near.reason)).toBe(
      'Pulls and pushes work. What uses the key of zot-ci is refused in 30 days if it is not rotated.',
    )
    expect(seen(key('zot-ci', 15)).actions).toEqual([{ verb: 'show-keys', label: 'Rotate…', kind: 'fill' }])
  })

  it.each([
    [key('zot-ci', 0), 'What uses the key of zot-ci is refused today 14:02 if it is not rotated.', 'today'],
    [key('zot-ci', -3), 'The key of zot-ci has ended; what uses it is refused.', '!'],
    [
      key('zot-ci', 60, { trouble: 'it was revoked elsewhere' }),
      'What signs in with the key of zot-ci is refused: it was revoked elsewhere.',
      '!',
    ],
  ])('%# say what follows', (one, words, badge) => {
    expect(plainText(seen(one).reason)).toContain(words)
    expect(plainText(keyBadge(snapshotWith(one), now)?.text ?? '')).toBe(badge)
  })

  it('name the most urgent, count the others, and an advisory beside them', () => {
    const keys = [key('slow', 29), key('zot-ci', 9), key('gone', 80, { trouble: 'its secret is gone' })]
    const found = seen(...keys)
    expect(plainText(found.reason)).toContain(
      'with the key of gone is refused: its secret is gone. 2 other keys want',
    )
    expect(plainText(seen(...keys.slice(0, 2)).reason)).toContain('1 other key wants something too.')
    expect(found.headline).toBe('Serving, three things to do')
    const advisory = { id: 'CVE-1', severity: 'warning' as const, evidence: 'e', advice: 'a' }
    const both = aSnapshot({
      process: servingState,
      managedKeys: [key('zot-ci', 9)],
      upgrade: { advisories: [advisory] },
    })
    expect(statusSummary(both, now).headline).toBe('Serving, two things to do')
    expect(plainText(statusSummary(both, now).reason)).toMatch(/1 advisory affects \S+( \S+)?\.$/)
  })

  it('stay in sight when the disk is nearly full', () => {
    const tight = {
      id: 't',
      at: now,
      kind: 'storage-nearly-full' as const,
      freeBytes: 2e9,
      volumeBytes: 5e11,
    }
    const found = statusSummary(
      aSnapshot({ process: servingState, managedKeys: [key('zot-ci', 9)], notices: [tight] }),
      now,
    )
    expect(found.headline).toBe('Serving, two things to do')
    expect(found.reason).toContain('zot-ci')
    expect(found.actions).toHaveLength(1)
  })

  it('are in the menu of the tray and in zotbar status', () => {
    const snapshot = snapshotWith(key('zot-ci', 9), key('renovate', 69))
    const rows = menuFor(coreView({ kind: 'live' }, snapshot, now), { kind: 'unavailable' })
    expect(rows).toContainEqual({
      type: 'item',
      label: 'Rotate…',
      command: { do: 'registry', verb: 'show-keys' },
    })
    expect(keyLines(snapshot, now)[0]).toMatch(
      /^zot-ci: 9 days left, 2026-03-21 14:02\. Rotate it: zotbar keys rotate zot-ci$/,
    )
    expect(statusText(snapshot, now)).toMatch(/^Keys {7}zot-ci: 9 days left/m)
    expect(statusText(snapshot, now)).toMatch(/^ {11}renovate: 69 days left, 2026-05-20 1[45]:02$/m)
  })
})

describe('keys that nobody rotates', () => {
  const ending = (label: string, ms: number): EndingKey => ({
    user: 'ci',
    label,
    uuid: `uuid-${label}`,
    createdAt: new Date(now - day).toISOString(),
    expirationDate: new Date(now + ms).toISOString(),
    lastUsed: null,
  })
  const snapshot = aSnapshot({
    process: servingState,
    managedKeys: [key('zot-ci', 9)],
    endingKeys: { count: 23, keys: [ending('pipeline', day / 2), ending('', 20 * day)] },
  })

  it('are in headline, reason and badge, the most urgent first, and all are counted', () => {
    const found = statusSummary(snapshot, now)
    expect(found).toMatchObject({ class: 'attention', headline: 'Serving, 24 things to do' })
    expect(plainText(found.reason)).toBe(
      'Pulls and pushes work. What uses the key of ci (pipeline) is refused tomorrow 02:02 if no other key takes its place. 23 other keys want something too.',
    )
    expect(plainText(keyBadge(snapshot, now)?.text ?? '')).toBe('1 d')
    expect(keyBadge(snapshot, now)?.description).toBe('the key of ci (pipeline): ends tomorrow 02:02')
  })

  it('offer the keys where no managed one is to be rotated', () => {
    const alone = aSnapshot({ process: servingState, endingKeys: { count: 1, keys: [ending('', day)] } })
    expect(statusSummary(alone, now)).toMatchObject({
      headline: 'Serving, one thing to do',
      actions: [{ verb: 'show-keys', label: 'Show keys' }],
    })
  })

  it('say in zotbar status what to do', () => {
    expect(keyLines(snapshot, now)).toEqual([
      'ci (pipeline): ends tomorrow 02:02. Create another and put it where this one is used: zotbar keys create --user ci; then zotbar keys revoke uuid-pipeline',
      expect.stringMatching(/^zot-ci: 9 days left/),
      expect.stringMatching(/^ci: 20 days left/),
      'and 21 more keys: zotbar keys list',
    ])
  })

  it('have ended', () => {
    const gone = aSnapshot({ process: servingState, endingKeys: { count: 1, keys: [ending('x', -1)] } })
    expect(statusSummary(gone, now).reason).toContain('The key of ci (x) has ended; what uses it is refused.')
    expect(keyBadge(gone, now)?.text).toBe('!')
  })
})
