// Writes the app's icon beside this file: node build/package/draw-icon.mjs
// The serving glyph, white on a tile of the accent colour, on Apple's grid: 824 of 1024 points, corners of 185.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { glyphs } from '../tray/glyphs.mjs'
import { png } from '../tray/png.mjs'
import { mask } from '../tray/raster.mjs'

const size = 1024
const accent = [0x10, 0x70, 0x8f]
const corner = 185
const [low, high] = [100 + corner, 924 - corner]
const square = [
  [low, low],
  [high, low],
  [high, high],
  [low, high],
  [low, low],
]
const tile = {
  strength: 1,
  shapes: [
    { kind: 'area', points: square },
    { kind: 'line', points: square, width: 2 * corner },
  ],
}

const scale = 30
const placed = ([x, y]) => [512 + (x - 9) * scale, 512 + (y - 9.15) * scale]
const glyph = {
  strength: 1,
  shapes: glyphs.fine.shapes.map(shape => ({
    ...shape,
    points: shape.points.map(placed),
    ...(shape.width ? { width: shape.width * scale } : {}),
  })),
}

const under = mask(tile, size, size, 2)
const over = mask(glyph, size, size, 2)
const pixels = new Uint8Array(size * size * 4)
for (let i = 0; i < size * size; i++) {
  for (const [c, value] of accent.entries()) pixels[i * 4 + c] = value + ((255 - value) * over[i]) / 255
  pixels[i * 4 + 3] = under[i]
}
writeFileSync(join(import.meta.dirname, 'icon.png'), png(pixels, size, 144))
