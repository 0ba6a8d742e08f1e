import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { inflateSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { glyphs } from '../../../build/tray/glyphs.mjs'
import { mask } from '../../../build/tray/raster.mjs'

const folder = join(import.meta.dirname, '../../../build/tray')
const classes = ['fine', 'attention', 'working', 'down', 'off', 'asks'] as const
const scales = [
  { suffix: '', size: 18 },
  { suffix: '@2x', size: 36 },
]

/** Reads an 8-bit RGBA PNG without filters, which is what the generator writes. */
function pixelsOf(file: string): { width: number; height: number; rgba: Buffer } {
  const data = readFileSync(join(folder, file))
  let at = 8
  let header = Buffer.alloc(0)
  const parts: Buffer[] = []
  while (at < data.length) {
    const length = data.readUInt32BE(at)
    const type = data.toString('latin1', at + 4, at + 8)
    const body = data.subarray(at + 8, at + 8 + length)
    if (type === 'IHDR') header = Buffer.from(body)
    if (type === 'IDAT') parts.push(body)
    at += 12 + length
  }
  const [width, height] = [header.readUInt32BE(0), header.readUInt32BE(4)]
  expect([...header.subarray(8, 10)]).toEqual([8, 6])
  const rows = inflateSync(Buffer.concat(parts))
  const line = width * 4 + 1
  const rgba = Buffer.concat(
    Array.from({ length: height }, (_, row) => {
      expect(rows[row * line]).toBe(0)
      return rows.subarray(row * line + 1, (row + 1) * line)
    }),
  )
  return { width, height, rgba }
}

const alphaOf = (rgba: Buffer): number[] => [...rgba].filter((_, i) => i % 4 === 3)

/** Which pixels are drawn, however strongly: what is left when strength and colour are taken away. */
const shapeOf = (alpha: number[]): boolean[] => alpha.map(a => a > Math.max(...alpha) / 2)

describe.each(scales)('tray images of $size pixels', ({ suffix, size }) => {
  const images = classes.map(name => ({ name, ...pixelsOf(`${name}Template${suffix}.png`) }))

  it.each(images)('$name is black with an alpha channel', ({ width, height, rgba }) => {
    expect([width, height]).toEqual([size, size])
    expect([...rgba].every((value, i) => i % 4 === 3 || value === 0)).toBe(true)
    expect(alphaOf(rgba).some(a => a > 0) && alphaOf(rgba).some(a => a === 0)).toBe(true)
  })

  it.each(images)('$name is what its glyph draws', ({ name, rgba }) => {
    expect(alphaOf(rgba)).toEqual([...mask(glyphs[name], size)])
  })

  it('differ from each other in shape, not only in strength', () => {
    const least = (size * size) / 40
    for (const [i, one] of images.entries())
      for (const other of images.slice(i + 1)) {
        const [a, b] = [shapeOf(alphaOf(one.rgba)), shapeOf(alphaOf(other.rgba))]
        const apart = a.filter((drawn, pixel) => drawn !== b[pixel]).length
        expect(apart, `${one.name} and ${other.name}`).toBeGreaterThan(least)
      }
  })
})

it('there is one pair of images per class and no other', () => {
  const expected = classes.flatMap(name => scales.map(({ suffix }) => `${name}Template${suffix}.png`)).sort()
  expect(
    readdirSync(folder)
      .filter(name => name.endsWith('.png'))
      .sort(),
  ).toEqual(expected)
})
