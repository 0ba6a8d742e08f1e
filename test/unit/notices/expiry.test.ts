import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { dueMilestones, type LastNotice, levelAt, nextMilestone } from '../../../core/notices/notice-times.ts'

const day = 86_400_000
const end = Date.UTC(2026, 5, 30, 12)
const daysBefore = (days: number): number => end - days * day

describe('milestones before a key ends', () => {
  it.each([
    [daysBefore(31), undefined],
    [daysBefore(30), 30],
    [daysBefore(14) - 1, 30],
    [daysBefore(14), 14],
    [daysBefore(2), 3],
    [daysBefore(0.5), 1],
    [end, 0],
    [end + day - 1, 0],
    [end + day, -1],
    [end + 9.5 * day, -9],
  ])('at %d it is %s', (now, level) => {
    expect(levelAt(end, now)).toBe(level)
  })

  it('covers with one notice what a week switched off has missed', () => {
    const told: LastNotice = { level: 14, at: daysBefore(14) }
    expect(dueMilestones(end, told, daysBefore(2.5))).toEqual([7, 3])
    expect(dueMilestones(end, undefined, end + 2 * day)).toEqual([30, 14, 7, 3, 1, 0, -1, -2])
  })

  it('gives nothing again when the clock goes back', () => {
    expect(dueMilestones(end, { level: 7, at: daysBefore(7) }, daysBefore(8))).toEqual([])
    expect(dueMilestones(end, { level: 7, at: daysBefore(7) }, daysBefore(29))).toEqual([])
  })

  it('forgets what a clock that was years ahead told', () => {
    expect(dueMilestones(end, { level: -700, at: end + 700 * day }, daysBefore(7))).toEqual([30, 14, 7])
  })

  it('gives each milestone once, however time passes', () => {
    const steps = fc.array(fc.integer({ min: -6 * 3_600_000, max: 20 * day }), { maxLength: 40 })
    fc.assert(
      fc.property(steps, passes => {
        let now = daysBefore(100)
        let told: LastNotice | undefined
        const covered: number[] = []
        for (const pass of passes) {
          now += pass
          const due = dueMilestones(end, told, now)
          covered.push(...due)
          if (due.length > 0) told = { level: Math.min(...due), at: now }
        }
        expect(new Set(covered).size).toBe(covered.length)
        expect([...covered].sort((a, b) => b - a)).toEqual(covered)
      }),
      { numRuns: 500 },
    )
  })

  it('knows when the next one comes', () => {
    expect(nextMilestone(end, daysBefore(40))).toBe(daysBefore(30))
    expect(nextMilestone(end, daysBefore(7))).toBe(daysBefore(3))
    expect(nextMilestone(end, daysBefore(0.1))).toBe(end)
    expect(nextMilestone(end, end)).toBe(end + day)
    expect(nextMilestone(end, end + 3.5 * day)).toBe(end + 4 * day)
  })
})
