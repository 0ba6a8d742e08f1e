/** Byte positions, both inclusive. */
export interface ByteRange {
  readonly start: number
  readonly end: number
}

/**
 * One range of an HTTP Range header over `size` bytes. `ignore` means: answer 200 with everything
 * (absent, another unit, not understood, or several ranges, which the server may decline to split).
 * https://www.rfc-editor.org/rfc/rfc9110#section-14.1.2
 */
export function parseRange(header: string | undefined, size: number): ByteRange | 'ignore' | 'unsatisfiable' {
  if (header === undefined) return 'ignore'
  const match = /^bytes=\s*(\d*)-(\d*)\s*$/i.exec(header)
  if (!match) return 'ignore'
  const [, first = '', last = ''] = match
  if (first === '' && last === '') return 'ignore'
  if (first === '') {
    const suffix = Number(last)
    if (suffix === 0 || size === 0) return 'unsatisfiable'
    return { start: Math.max(0, size - suffix), end: size - 1 }
  }
  const start = Number(first)
  if (last !== '' && Number(last) < start) return 'ignore'
  if (start >= size) return 'unsatisfiable'
  return { start, end: last === '' ? size - 1 : Math.min(Number(last), size - 1) }
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
