/** Whether a position takes a UTF-16 code unit and lets the next position go on. */
type Takes = (code: number) => boolean

export const slash = 47

/** More alternatives than this from the braces of one pattern are refused. */
const maxAlternatives = 256
const maxLength = 1024

/**
 * Positions of one pattern, in the order of its text. A name is read with a slash behind it, so that every
 * component of a pattern ends with one.
 */
export interface Layout {
  /** By position; undefined: nothing is taken here. */
  readonly takes: readonly (Takes | undefined)[]
  /** Positions that outlast any character but a slash (`*`). */
  readonly within: readonly number[]
  /** Positions that outlast any character (`**` as a whole component). */
  readonly anywhere: readonly number[]
  /** What is reached from a position without a character. */
  readonly jumps: ReadonlyMap<number, readonly number[]>
  readonly end: number
  /** Whether all that is not ASCII is alike to it. */
  readonly isAscii: boolean
}

const takesSlash: Takes = code => code === slash

/** Undefined: not a pattern. Braces are a fork in the automaton: nothing is multiplied out. */
export function layOut(pattern: string): Layout | undefined {
  if (pattern === '' || pattern.length > maxLength) return undefined
  const takes: (Takes | undefined)[] = [undefined]
  const stars = new Map<number, number>()
  const jumps = new Map<number, number[]>()
  const starts = [0]
  const addPosition = (): number => takes.push(undefined) - 1
  const jump = (from: number, to: number): void => void jumps.set(from, [...(jumps.get(from) ?? []), to])
  const take = (what: Takes): number => {
    takes[takes.length - 1] = what
    return addPosition()
  }
  const star = (here: number): void => {
    // The beginning of a component is left with the first character, however many stars take it.
    const at = starts.at(-1) === here ? addPosition() : here
    if (at !== here) jump(here, at)
    stars.set(at, (stars.get(at) ?? 0) + 1)
  }

  /** From `at` to the comma or brace that ends it; answers where that is, and how many alternatives it has. */
  const sequence = (from: number, depth: number): { at: number; count: number } | undefined => {
    let count = 1
    for (let at = from; ; at++) {
      const character = pattern.charAt(at)
      if (character === '' || (depth > 0 && (character === ',' || character === '}'))) return { at, count }
      const here = takes.length - 1
      if (character === '}') return undefined
      if (character === '*') star(here)
      else if (character === '?') take(code => code !== slash)
      else if (character === '/') starts.push(take(takesSlash))
      else if (character === '{') {
        const group = alternatives(at, here, depth + 1)
        if (!group || count * group.count > maxAlternatives) return undefined
        count *= group.count
        at = group.at
      } else if (character === '[') {
        const end = endOfClass(pattern, at)
        const test = end === undefined ? undefined : classOf(pattern.slice(at + 1, end))
        if (end === undefined || !test) return undefined
        take(test)
        at = end
      } else {
        const meant = character === '\\' ? pattern.charCodeAt(++at) : character.charCodeAt(0)
        if (Number.isNaN(meant)) return undefined
        take(code => code === meant && code !== slash)
      }
    }
  }

  function alternatives(from: number, fork: number, depth: number) {
    const ends: number[] = []
    let count = 0
    for (let at = from; ; ) {
      jump(fork, addPosition())
      const read = sequence(at + 1, depth)
      if (!read || pattern[read.at] === undefined) return undefined
      ends.push(takes.length - 1)
      count += read.count
      at = read.at
      if (pattern[at] === ',') continue
      const after = addPosition()
      for (const end of ends) jump(end, after)
      return { at, count }
    }
  }

  if (!sequence(0, 0)) return undefined
  const end = take(takesSlash)

  /** The slashes that follow a component which is `**` and nothing else. */
  const afterTwoStars = (start: number): number[] => {
    const found = new Set<number>()
    const seen = new Set<number>()
    const visit = (position: number, before: number): void => {
      const read = before + (stars.get(position) ?? 0)
      if (read > 2 || seen.has(position * 3 + read)) return
      seen.add(position * 3 + read)
      if (takes[position] === takesSlash && read === 2) found.add(position)
      if (takes[position] === undefined) for (const next of jumps.get(position) ?? []) visit(next, read)
    }
    visit(start, 0)
    return [...found]
  }
  const anywhere = new Map<number, number>()
  for (const start of starts) {
    for (const position of afterTwoStars(start)) {
      // Any number of components, each with its slash; or none, and no slash.
      let deep = anywhere.get(position)
      if (deep === undefined) {
        deep = addPosition()
        anywhere.set(position, deep)
        jump(take(takesSlash), position + 1)
      }
      jump(start, deep)
      jump(start, position + 1)
    }
  }
  // biome-ignore lint/suspicious/noControlCharactersInRegex: this is where ASCII ends
  const isAscii = /^[\x00-\x7f]*$/.test(pattern)
  return { takes, within: [...stars.keys()], anywhere: [...anywhere.values()], jumps, end, isAscii }
}

function endOfClass(text: string, start: number): number | undefined {
  for (let at = start + 1; at < text.length; at++) {
    if (text[at] === '\\') at++
    else if (text[at] === ']') return at
  }
  return undefined
}

function classOf(inner: string): Takes | undefined {
  const negated = inner.startsWith('^') || inner.startsWith('!')
  const characters = [...inner.slice(negated ? 1 : 0).matchAll(/(\\?)([\s\S])/g)]
  const ranges: [number, number][] = []
  for (let at = 0; at < characters.length; at++) {
    const [from, dash, to] = characters.slice(at, at + 3).map(one => one[2]?.charCodeAt(0) ?? 0)
    if (from === undefined) return undefined
    const isRange = characters[at + 1]?.[0] === '-' && dash !== undefined && to !== undefined
    if (isRange && from > to) return undefined
    ranges.push([from, isRange ? to : from])
    if (isRange) at += 2
  }
  if (ranges.length === 0) return undefined
  return code => code !== slash && ranges.some(([from, to]) => from <= code && code <= to) !== negated
}
