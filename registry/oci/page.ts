/** A slice of a sorted list as a client asked for it. */
export interface PageQuery {
  /** At most so many; undefined: all. */
  readonly n: number | undefined
  /** Continue after this one. */
  readonly last: string | undefined
}

export interface Page {
  readonly items: readonly string[]
  /** Where the next page continues, when there is one. */
  readonly next: string | undefined
}

/** Reads `n`: digits only. `bad` for anything else, negative included. */
export function parseCount(text: string | null): number | undefined | 'bad' {
  if (text === null) return undefined
  return /^\d{1,15}$/.test(text) ? Number(text) : 'bad'
}

/** `sorted` is in byte order. Items after `last` (which need not be in the list), at most `n`. */
export function pageOf(sorted: readonly string[], query: PageQuery): Page {
  const from = query.last === undefined ? 0 : firstAfter(sorted, query.last)
  if (query.n === undefined) return { items: from === 0 ? sorted : sorted.slice(from), next: undefined }
  const items = sorted.slice(from, from + query.n)
  const more = from + items.length < sorted.length && items.length > 0
  return { items, next: more ? items.at(-1) : undefined }
}

function firstAfter(sorted: readonly string[], last: string): number {
  let low = 0
  let high = sorted.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((sorted[middle] ?? '') <= last) low = middle + 1
    else high = middle
  }
  return low
}
