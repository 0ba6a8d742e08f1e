import type { Position } from './problem.ts'

/** Finds lines and columns of offsets in a text. Line ends are LF, CR or CRLF. */
export function positionsIn(text: string): (offset: number) => Position {
  let starts: number[] | undefined
  return offset => {
    starts ??= [0, ...Array.from(text.matchAll(/\r\n|\r|\n/g), end => end.index + end[0].length)]
    let low = 0
    let high = starts.length - 1
    while (low < high) {
      const middle = Math.ceil((low + high) / 2)
      if ((starts[middle] ?? 0) <= offset) low = middle
      else high = middle - 1
    }
    return { line: low + 1, column: offset - (starts[low] ?? 0) + 1 }
  }
}
