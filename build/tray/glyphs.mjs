// The six menu-bar glyphs as geometry on an 18 by 18 grid, in points: a lid on two layers.
// The lid says whether the registry answers (filled) or not (hollow); what is below it says the rest.

const lid = [
  [9, 1.9],
  [16, 5.6],
  [9, 9.3],
  [2, 5.6],
  [9, 1.9],
]
const layers = [
  [
    [2, 9.6],
    [9, 13],
    [16, 9.6],
  ],
  [
    [2, 13],
    [9, 16.4],
    [16, 13],
  ],
]
/** The layers stopped short on the right, so that a badge has room. */
const shortLayers = [
  [
    [2, 9.6],
    [9, 13],
    [10.2, 12.4],
  ],
  [
    [2, 13],
    [9, 16.4],
    [10.2, 15.8],
  ],
]

const line = (points, width) => ({ kind: 'line', points, width })
const lines = (all, width) => all.map(points => line(points, width))
const disc = (x, y, radius) => ({ kind: 'disc', x, y, radius })
const filledLid = [{ kind: 'area', points: lid }, line(lid, 1.5)]
const hollowLid = [line(lid, 1.5)]
/** An exclamation mark in the room of the badge. */
const mark = [
  line(
    [
      [14.4, 10.4],
      [14.4, 13.3],
    ],
    2,
  ),
  disc(14.4, 16.4, 1.15),
]

/** One glyph per status class: its shapes, and how strong it is drawn (0 to 1). */
export const glyphs = {
  fine: { strength: 1, shapes: [...filledLid, ...lines(layers, 1.5)] },
  attention: { strength: 1, shapes: [...filledLid, ...lines(shortLayers, 1.5), ...mark] },
  asks: { strength: 1, shapes: [...hollowLid, ...lines(shortLayers, 1.5), ...mark] },
  working: { strength: 1, shapes: [...hollowLid, disc(3.6, 14, 1.5), disc(9, 14, 1.5), disc(14.4, 14, 1.5)] },
  down: {
    strength: 1,
    shapes: [
      ...hollowLid,
      ...lines(shortLayers, 1.5),
      line(
        [
          [12.4, 11.6],
          [16.6, 16.2],
        ],
        1.9,
      ),
      line(
        [
          [16.6, 11.6],
          [12.4, 16.2],
        ],
        1.9,
      ),
    ],
  },
  // Hollow and half as strong, as macOS draws a disabled status item.
  off: { strength: 0.5, shapes: [...hollowLid, ...lines(layers, 1.5)] },
}
