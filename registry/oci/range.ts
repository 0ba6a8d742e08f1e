/** Byte positions, both inclusive. */
export interface ByteRange {
  readonly start: number
  readonly end: number
}

/** Apache's bound; what pulls lazily asks for some dozens at a time. */
const maxRanges = 200

/**
 * The ranges of an HTTP Range header over `size` bytes, in the order of the request. Those that overlap or touch are
 * one, so together they are never more than the content. `all`: answer 200 with everything, as the header is absent,
 * has another unit, is not understood, or asks for more parts than is good for anybody.
 * https://www.rfc-editor.org/rfc/rfc9110#section-14.2
 */
export function parseRanges(
  header: string | undefined,
  size: number,
): readonly ByteRange[] | 'all' | 'unsatisfiable' {
  const set = header === undefined ? undefined : /^bytes=(.*)$/i.exec(header)?.[1]
  if (set === undefined) return 'all'
  // Lists may have empty elements.
  const specs = set.split(',').filter(spec => spec.trim() !== '')
  if (specs.length === 0 || specs.length > maxRanges) return 'all'
  const ranges = specs.map(spec => parseSpec(spec.trim(), size))
  if (ranges.includes('unreadable')) return 'all'
  if (ranges.includes('reversed')) return 'unsatisfiable'
  // Nothing can be cut out of an empty blob, and some clients ask for parts of everything.
  if (size === 0) return 'all'
  const found = ranges.filter(range => typeof range === 'object')
  return found.length === 0 ? 'unsatisfiable' : merged(found)
}

function parseSpec(spec: string, size: number): ByteRange | 'unreadable' | 'reversed' | 'outside' {
  const match = /^(\d*)-(\d*)$/.exec(spec)
  const [, first = '', last = ''] = match ?? []
  if (first === '' && last === '') return 'unreadable'
  if (first === '') {
    const suffix = Number(last)
    return suffix === 0 ? 'outside' : { start: Math.max(0, size - suffix), end: size - 1 }
  }
  const start = Number(first)
  if (last !== '' && Number(last) < start) return 'reversed'
  if (start >= size) return 'outside'
  return { start, end: last === '' ? size - 1 : Math.min(Number(last), size - 1) }
}

/** A merged range stands where the first of its parts stood. */
function merged(ranges: readonly ByteRange[]): readonly ByteRange[] {
  if (ranges.length === 1) return ranges
  const sorted = ranges.map(({ start, end }, at) => ({ start, end, at })).sort((a, b) => a.start - b.start)
  const result: { start: number; end: number; at: number }[] = []
  for (const range of sorted) {
    const before = result.at(-1)
    if (before && range.start <= before.end + 1) {
      before.end = Math.max(before.end, range.end)
      before.at = Math.min(before.at, range.at)
    } else result.push(range)
  }
  return result.sort((a, b) => a.at - b.at).map(({ start, end }) => ({ start, end }))
}

/**
 * Content-Range of a chunked upload: `<start>-<end>`; the HTTP form `bytes <start>-<end>/<size>` is taken too.
 * https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#pushing-a-blob-in-chunks
 */
export function parseContentRange(header: string): ByteRange | undefined {
  const match = /^(?:bytes[ =])?\s*(\d{1,15})-(\d{1,15})(?:\/(?:\d+|\*))?$/.exec(header.trim())
  if (!match) return undefined
  const start = Number(match[1])
  const end = Number(match[2])
  return end < start ? undefined : { start, end }
}

/** What clients send with a chunk of no bytes: an end just before the start, `0--1` for an empty blob. */
export function parseEmptyRange(header: string): ByteRange | undefined {
  const match = /^(\d{1,15})-(-1|\d{1,15})$/.exec(header.trim())
  if (!match) return undefined
  const start = Number(match[1])
  const end = Number(match[2])
  return end === start - 1 ? { start, end } : undefined
}
