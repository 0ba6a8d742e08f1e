export interface Box {
  x: number
  y: number
  width: number
  height: number
}

const gap = 6
const edge = 8
export const popoverWidth = 360
const heights = { least: 120, most: 760 }

/**
 * The popover's height for what its page says it needs: between 120 and 760 points, and within the screen.
 * The page is not trusted with more than that.
 */
export function popoverHeight(wanted: number, area: Box): number {
  const most = Math.max(heights.least, Math.min(heights.most, area.height - 2 * edge))
  return Number.isFinite(wanted) ? Math.round(Math.min(most, Math.max(heights.least, wanted))) : heights.least
}

/**
 * Where the popover stands: centred under the tray icon, or above it where the bar is at the bottom, and
 * within the display's work area. An icon of no size (some Linux trays tell nothing) puts it top right.
 */
export function popoverBounds(icon: Box, area: Box, height: number): Box {
  const width = popoverWidth
  const known = icon.width > 0 && icon.height > 0
  const wantedX = known ? icon.x + icon.width / 2 - width / 2 : area.x + area.width - width - edge
  const x = clamp(wantedX, area.x + edge, area.x + area.width - width - edge)
  const below = !known || icon.y + icon.height / 2 < area.y + area.height / 2
  const wantedY = !known ? area.y + edge : below ? icon.y + icon.height + gap : icon.y - gap - height
  const y = clamp(wantedY, area.y, area.y + area.height - height)
  return { x: Math.round(x), y: Math.round(y), width, height }
}

const clamp = (value: number, least: number, most: number): number =>
  Math.max(least, Math.min(Math.max(least, most), value))
