import { StringDecoder } from 'node:string_decoder'

export interface Output {
  take(chunk: Buffer): void
  /** Passes on a last line that has no end. */
  end(): void
  /** The last 64 KiB. */
  text(): string
}

/** What is kept of an output, in bytes. */
const kept = 64 * 1024
/** A line without end is passed on in parts of this length, in characters. */
const longest = 8 * 1024

/** Keeps the end of an output and passes it on by lines. A carriage return ends one too: counters redraw with it. */
export function createOutput(onLines?: (lines: string[]) => void): Output {
  const decoder = new StringDecoder('utf8')
  let chunks: Buffer[] = []
  let size = 0
  let rest = ''

  function pass(text: string): void {
    if (!onLines) return
    const lines = (rest + text).split(/[\r\n]+/)
    rest = lines.pop() ?? ''
    while (rest.length >= longest) {
      lines.push(rest.slice(0, longest))
      rest = rest.slice(longest)
    }
    const full = lines.filter(line => line !== '')
    if (full.length > 0) onLines(full)
  }

  return {
    take(chunk) {
      chunks.push(chunk)
      size += chunk.length
      if (size > 2 * kept) {
        chunks = [Buffer.concat(chunks).subarray(-kept)]
        size = kept
      }
      pass(decoder.write(chunk))
    },
    end() {
      pass(`${decoder.end()}\n`)
    },
    text: () => Buffer.concat(chunks).subarray(-kept).toString('utf8'),
  }
}

/** The last lines of a text that say something, for a failure: at most `most`, each cut to 500 characters. */
export function lastLines(text: string, most = 20): string[] {
  return text
    .split(/[\r\n]+/)
    .filter(line => line.trim() !== '')
    .slice(-most)
    .map(line => line.slice(0, 500))
}
