import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { popoverBounds, popoverHeight } from '../../../main/popover.ts'

const screen = { x: 0, y: 25, width: 1440, height: 875 }

describe('where the popover stands', () => {
  it('is centred under an icon in the menu bar', () => {
    expect(popoverBounds({ x: 700, y: 0, width: 24, height: 24 }, screen, 400)).toEqual({
      x: 532,
      y: 30,
      width: 360,
      height: 400,
    })
  })

  it('is within the display beside its right edge', () => {
    expect(popoverBounds({ x: 1420, y: 0, width: 20, height: 24 }, screen, 400).x).toBe(1440 - 360 - 8)
  })

  it('is above an icon at the bottom', () => {
    const area = { x: 0, y: 0, width: 1440, height: 860 }
    expect(popoverBounds({ x: 1200, y: 870, width: 24, height: 24 }, area, 400).y).toBe(460)
  })

  it('is at the top right where the tray does not tell the place of its icon', () => {
    expect(popoverBounds({ x: 0, y: 0, width: 0, height: 0 }, screen, 400)).toMatchObject({ x: 1072, y: 33 })
  })

  it('never leaves the work area, whatever the icon, the display and the page say', () => {
    const side = fc.integer({ min: 500, max: 4000 })
    const place = fc.integer({ min: -4000, max: 4000 })
    fc.assert(
      fc.property(place, place, side, side, place, place, fc.double(), (x, y, w, h, ix, iy, wanted) => {
        const area = { x, y, width: w, height: h }
        const box = popoverBounds({ x: ix, y: iy, width: 24, height: 24 }, area, popoverHeight(wanted, area))
        expect(box.x).toBeGreaterThanOrEqual(x)
        expect(box.y).toBeGreaterThanOrEqual(y)
        expect(box.x + box.width).toBeLessThanOrEqual(x + w)
        expect(box.y + box.height).toBeLessThanOrEqual(y + h)
      }),
    )
  })

  it('takes a height from the page only within limits', () => {
    expect(popoverHeight(431.4, screen)).toBe(431)
    expect(popoverHeight(5, screen)).toBe(120)
    expect(popoverHeight(1e9, screen)).toBe(760)
    expect(popoverHeight(1e9, { ...screen, height: 500 })).toBe(484)
    expect(popoverHeight(Number.NaN, screen)).toBe(120)
  })
})
