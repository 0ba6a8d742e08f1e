// Draws shapes into a mask: 0 (clear) to 255 (full) per pixel. Small enough to own, so that the icons need no tool.

/** Distance from a point to the segment a-b; its ends are round. */
function distance(x, y, [ax, ay], [bx, by]) {
  const dx = bx - ax
  const dy = by - ay
  const along = Math.max(0, Math.min(1, ((x - ax) * dx + (y - ay) * dy) / (dx * dx + dy * dy)))
  return Math.hypot(x - ax - along * dx, y - ay - along * dy)
}

/** Even-odd rule: counts the edges to the right of the point. */
function within(x, y, points) {
  let inside = false
  for (let i = 1; i < points.length; i++) {
    const [ax, ay] = points[i - 1]
    const [bx, by] = points[i]
    if (ay > y !== by > y && x < ax + ((y - ay) / (by - ay)) * (bx - ax)) inside = !inside
  }
  return inside
}

function covers(shape, x, y) {
  if (shape.kind === 'disc') return Math.hypot(x - shape.x, y - shape.y) <= shape.radius
  if (shape.kind === 'area') return within(x, y, shape.points)
  return shape.points.some(
    (point, i) => i > 0 && distance(x, y, shape.points[i - 1], point) <= shape.width / 2,
  )
}

/** The mask of a glyph, `size` by `size` pixels, from shapes on a grid of `grid` units; `samples` squared per pixel. */
export function mask(glyph, size, grid = 18, samples = 8) {
  const pixels = new Uint8Array(size * size)
  const step = grid / size
  for (let row = 0; row < size; row++) {
    for (let column = 0; column < size; column++) {
      let hits = 0
      for (let i = 0; i < samples * samples; i++) {
        const x = (column + ((i % samples) + 0.5) / samples) * step
        const y = (row + (Math.floor(i / samples) + 0.5) / samples) * step
        if (glyph.shapes.some(shape => covers(shape, x, y))) hits++
      }
      pixels[row * size + column] = Math.round((hits / samples / samples) * 255 * glyph.strength)
    }
  }
  return pixels
}
