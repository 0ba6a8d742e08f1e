import { describe, expect, it } from 'vitest'
import { columnTime, imageName, lastEvents } from '../../../contract/messages/event-message.ts'
import { plainText } from '../../../contract/messages/format.ts'
import { noticeMessage } from '../../../contract/messages/notice-message.ts'
import {
  barText,
  daysToFullText,
  growthText,
  historyText,
  storageTitle,
} from '../../../contract/messages/storage-message.ts'
import { scale } from '../../../renderer/ui/sparkline.tsx'
import { address, uptime } from '../../../renderer/views/snapshot-text.ts'
import { empty, snapshotOf, states } from '../../e2e/snapshots.ts'

const now = Date.parse('2026-03-12T14:02:00')
const full = snapshotOf(states.serving(now), now)
const words = (text: string | undefined): string | undefined => (text === undefined ? text : plainText(text))

describe('events', () => {
  it('are the newest of both kinds, with and without their time', () => {
    const events = lastEvents(full, now, 10)
    expect(events.map(event => event.shortTitle)).toEqual([
      'Pushed shipyard/app:2026.03.12',
      'Restarted',
      'Crashed and restarted',
    ])
    expect(words(events[0]?.detail)).toBe('By zot-ci, 15 min ago')
    expect(events[0]?.shortDetail).toBe('By zot-ci')
    expect(lastEvents(full, now, 1)).toHaveLength(1)
  })

  it('name a push by digest with the digest cut', () => {
    expect(imageName({ repository: 'app', reference: `sha256:${'a'.repeat(64)}` })).toBe(
      'app, sha256:aaaaaaaaaaaa…',
    )
  })

  it('have a time that fits a column', () => {
    expect(columnTime(now - 60_000, now)).toBe('14:01')
    expect(columnTime(now - 12 * 86_400_000, now)).toBe('28 Feb')
  })
})

describe('storage', () => {
  it('is told in numbers and units', () => {
    expect(words(storageTitle(full.storage))).toBe('41.2 GB in 58 repositories')
    expect(words(growthText(full.storage))).toBe('19.0 GB more in the last 30 days')
    expect(words(daysToFullText(full.storage))).toBe('Full in about 11 months')
    expect(words(barText(full.storage))).toBe('Images 41.2 GB, free 212 GB')
    expect(words(historyText(full.storage))).toMatch(/^Growth over 30 days, from 22\.2 GB to 40\.9 GB$/)
  })

  it('says nothing that was not measured', () => {
    const { growth: _, daysToFull: __, bytes: ___, ...unknown } = full.storage
    expect(storageTitle(unknown)).toBeUndefined()
    expect(growthText(unknown)).toBeUndefined()
    expect(daysToFullText(unknown)).toBeUndefined()
    expect(storageTitle(empty(now).storage)).toBe('No images yet')
  })

  it('tells shrinking and standing still', () => {
    expect(words(growthText({ ...full.storage, growth: { bytes: -2e9, days: 1.2 } }))).toBe(
      '2.0 GB less in the last day',
    )
    expect(words(growthText({ ...full.storage, growth: { bytes: 0, days: 7 } }))).toBe(
      'No change in the last 7 days',
    )
  })
})

describe('small things', () => {
  it('fit a line into its box', () => {
    const points = scale(
      [
        [0, 5],
        [10, 15],
        [20, 10],
      ],
      88,
      24,
    )
    expect(points).toEqual([
      [3, 21],
      [44, 3],
      [85, 12],
    ])
    expect(
      scale(
        [
          [0, 5],
          [10, 5],
        ],
        88,
        24,
      ).map(([, y]) => y),
    ).toEqual([12, 12])
  })

  it('count whole seconds at first', () => {
    expect(plainText(uptime(now - 400, now))).toBe('1 s')
    expect(plainText(uptime(now - 9_900, now))).toBe('9 s')
    expect(plainText(uptime(now - 76 * 3_600_000, now))).toBe('3 d 4 h')
  })

  it('write an IPv6 address as docker takes it', () => {
    expect(address({ registry: { ...full.registry, url: 'http://[::1]:5050' } })).toBe('[::1]:5050')
  })

  it('have words for every notice', () => {
    const told = noticeMessage({
      id: 'a',
      at: now,
      kind: 'file-set-aside',
      file: '/h/journal.json',
      keptAs: '/h/x.bad',
    })
    expect(told).toMatchObject({ title: 'journal.json could not be read', needsAttention: true })
    expect(told.detail).toContain('x.bad')
  })
})
