// A PNG of RGBA pixels, eight bits each. https://www.w3.org/TR/png-3/
import { crc32, deflateSync } from 'node:zlib'

function chunk(type, data) {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data])
  const framed = Buffer.alloc(body.length + 8)
  framed.writeUInt32BE(data.length, 0)
  body.copy(framed, 4)
  framed.writeUInt32BE(crc32(body), body.length + 4)
  return framed
}

/** Encodes square RGBA pixels as a PNG at `dpi` dots per inch. */
export function png(pixels, size, dpi) {
  const header = Buffer.alloc(13)
  header.writeUInt32BE(size, 0)
  header.writeUInt32BE(size, 4)
  header.set([8, 6, 0, 0, 0], 8)
  const perMetre = Math.round(dpi / 0.0254)
  const density = Buffer.alloc(9)
  density.writeUInt32BE(perMetre, 0)
  density.writeUInt32BE(perMetre, 4)
  density[8] = 1
  // Each row starts with its filter (0, none).
  const rows = Buffer.alloc(size * (size * 4 + 1))
  for (let row = 0; row < size; row++)
    rows.set(pixels.subarray(row * size * 4, (row + 1) * size * 4), row * (size * 4 + 1) + 1)
  return Buffer.concat([
    Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]),
    chunk('IHDR', header),
    chunk('pHYs', density),
    chunk('IDAT', deflateSync(rows, { level: 9 })),
    chunk('IEND', Buffer.alloc(0)),
  ])
}

/** Black pixels with the mask as alpha: all that a macOS template image may hold. */
export function black(mask) {
  const pixels = new Uint8Array(mask.length * 4)
  mask.forEach((alpha, i) => {
    pixels[i * 4 + 3] = alpha
  })
  return pixels
}
