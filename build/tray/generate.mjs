// Writes the tray's template images beside this file: node build/tray/generate.mjs
// The PNGs are committed; a test draws the glyphs again and compares the pixels.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { glyphs } from './glyphs.mjs'
import { black, png } from './png.mjs'
import { mask } from './raster.mjs'

for (const [name, glyph] of Object.entries(glyphs)) {
  for (const [suffix, scale] of [
    ['', 1],
    ['@2x', 2],
  ]) {
    const size = 18 * scale
    // The name ending in "Template" is what makes macOS colour it for a light or dark menu bar.
    writeFileSync(
      join(import.meta.dirname, `${name}Template${suffix}.png`),
      png(black(mask(glyph, size)), size, 72 * scale),
    )
  }
}
