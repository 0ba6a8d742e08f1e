import { StringDecoder } from 'node:string_decoder'

/** Cuts bytes into lines, across the borders of chunks and of UTF-8 sequences. Lines have no end-of-line. */
export interface LineSplitter {
  push(chunk: Uint8Array): string[]
  /** Forgets what is not yet a whole line; what follows up to the next end-of-line is dropped if `skipping`. */
  reset(skipping: boolean): void
}

/** `limit`: longest line in characters; the rest of a longer one is dropped and marked with an ellipsis. */
export function createLineSplitter(limit: number): LineSplitter {
  let decoder = new StringDecoder('utf8')
  let open = ''
  let skipping = false

  function close(piece: string): string[] {
    const line = truncateLine(open + piece, limit)
    open = ''
    if (!skipping) return [line]
    skipping = false
    return []
  }
  return {
    push(chunk) {
      const pieces = decoder.write(chunk).split('\n')
      const last = pieces.pop() ?? ''
      const lines = pieces.flatMap(close)
      // One character more than the limit is kept, so that `bounded` knows that there was more.
      if (open.length <= limit) open = (open + last).slice(0, limit + 1)
      return lines
    },
    reset(skip) {
      decoder = new StringDecoder('utf8')
      open = ''
      skipping = skip
    },
  }
}

export function truncateLine(line: string, limit: number): string {
  const text = line.endsWith('\r') ? line.slice(0, -1) : line
  return text.length <= limit ? text : `${text.slice(0, limit)}…`
}
