/** Answers whether a repository name matches. */
export type Glob = (name: string) => boolean

/** More alternatives than this from nested braces are refused. */
const maxAlternatives = 256
const maxLength = 1024

/** One position of a path component. */
type Step = { kind: 'one'; is: (character: string) => boolean } | { kind: 'many' }
type Part = 'any-depth' | readonly Step[]

/**
 * Compiles a pattern of zot's accessControl: `*` and `?` within a path component, `**` as a whole component
 * for any number of them, `[a-z]`, `[^a]`, `{a,b}`, `\` before a character that is meant itself.
 * Undefined: not a pattern. Not a regular expression, because people write these patterns into the scopes
 * of their keys, and the time a match takes must stay proportional to the lengths.
 * https://github.com/bmatcuk/doublestar#patterns
 */
export function compileGlob(pattern: string): Glob | undefined {
  if (pattern === '' || pattern.length > maxLength) return undefined
  const plain = expandBraces(pattern)
  if (!plain) return undefined
  const alternatives: Part[][] = []
  for (const text of plain) {
    const parts = parse(text)
    if (!parts) return undefined
    alternatives.push(parts)
  }
  return name => {
    const segments = name.split('/')
    return alternatives.some(parts => matchParts(parts, segments))
  }
}

/** `a{b,c}` -> `ab`, `ac`. Undefined: a brace without its partner, or too many. */
function expandBraces(pattern: string): string[] | undefined {
  const opened = findOpen(pattern)
  if (opened === 'broken') return undefined
  if (opened === undefined) return [pattern]
  const { start, end, cuts } = opened
  const found: string[] = []
  for (let at = 0; at < cuts.length; at++) {
    const from = (cuts[at - 1] ?? start) + 1
    const tails = expandBraces(
      pattern.slice(0, start) + pattern.slice(from, cuts[at]) + pattern.slice(end + 1),
    )
    if (!tails || found.length + tails.length > maxAlternatives) return undefined
    found.push(...tails)
  }
  return found
}

interface Braces {
  start: number
  end: number
  /** Where each alternative ends. */
  cuts: number[]
}

function findOpen(pattern: string): Braces | 'broken' | undefined {
  let start = -1
  let depth = 0
  let inClass = false
  const cuts: number[] = []
  for (let at = 0; at < pattern.length; at++) {
    const character = pattern[at]
    if (character === '\\') at++
    else if (inClass) inClass = character !== ']'
    else if (character === '[') inClass = true
    else if (character === '{') {
      if (depth++ === 0) start = at
    } else if (character === ',' && depth === 1) cuts.push(at)
    else if (character === '}') {
      if (depth === 0) return 'broken'
      if (--depth === 0) return { start, end: at, cuts: [...cuts, at] }
    }
  }
  return depth > 0 ? 'broken' : undefined
}

function parse(text: string): Part[] | undefined {
  const parts: Part[] = []
  let steps: Step[] = []
  let written = ''
  const close = (): void => {
    parts.push(written === '**' ? 'any-depth' : steps)
    steps = []
    written = ''
  }
  for (let at = 0; at < text.length; at++) {
    const character = text.charAt(at)
    if (character === '/') {
      close()
      continue
    }
    written += character
    if (character === '*') {
      if (steps.at(-1)?.kind !== 'many') steps.push({ kind: 'many' })
    } else if (character === '?') steps.push({ kind: 'one', is: () => true })
    else if (character === '[') {
      const end = endOfClass(text, at)
      const is = end === undefined ? undefined : classOf(text.slice(at + 1, end))
      if (end === undefined || !is) return undefined
      steps.push({ kind: 'one', is })
      at = end
    } else {
      // An escaped star is no globstar: the backslash is part of `written`.
      const meant = character === '\\' ? text.charAt(++at) : character
      if (meant === '') return undefined
      steps.push({ kind: 'one', is: other => other === meant })
    }
  }
  close()
  return parts
}

function endOfClass(text: string, start: number): number | undefined {
  for (let at = start + 1; at < text.length; at++) {
    if (text[at] === '\\') at++
    else if (text[at] === ']') return at
  }
  return undefined
}

function classOf(inner: string): ((character: string) => boolean) | undefined {
  const negated = inner.startsWith('^') || inner.startsWith('!')
  const ranges: [string, string][] = []
  const characters: { text: string; escaped: boolean }[] = []
  for (let at = negated ? 1 : 0; at < inner.length; at++) {
    const escaped = inner[at] === '\\'
    if (escaped) at++
    characters.push({ text: inner.charAt(at), escaped })
  }
  for (let at = 0; at < characters.length; at++) {
    const from = characters[at]
    const dash = characters[at + 1]
    const to = characters[at + 2]
    if (!from) return undefined
    if (dash?.text === '-' && !dash.escaped && to) {
      if (from.text > to.text) return undefined
      ranges.push([from.text, to.text])
      at += 2
    } else ranges.push([from.text, from.text])
  }
  if (ranges.length === 0) return undefined
  return character => ranges.some(([from, to]) => from <= character && character <= to) !== negated
}

/** Which parts may come next, kept as a set: each segment is looked at once per part. */
function matchParts(parts: readonly Part[], segments: readonly string[]): boolean {
  let open = reach(parts, new Set([0]))
  for (const segment of segments) {
    const next = new Set<number>()
    for (const at of open) {
      const part = parts[at]
      if (part === 'any-depth') next.add(at)
      else if (part !== undefined && matchSegment(part, segment)) next.add(at + 1)
    }
    if (next.size === 0) return false
    open = reach(parts, next)
  }
  return open.has(parts.length)
}

/** `**` may stand for nothing. */
function reach(parts: readonly Part[], open: Set<number>): Set<number> {
  for (const at of open) if (parts[at] === 'any-depth') open.add(at + 1)
  return open
}

/** The usual two pointers: only the last star is ever tried again. */
function matchSegment(steps: readonly Step[], segment: string): boolean {
  let step = 0
  let star = -1
  let resume = 0
  let at = 0
  while (at < segment.length) {
    const current = steps[step]
    if (current?.kind === 'many') {
      star = step++
      resume = at
    } else if (current?.kind === 'one' && current.is(segment.charAt(at))) {
      step++
      at++
    } else if (star >= 0) {
      step = star + 1
      at = ++resume
    } else return false
  }
  while (steps[step]?.kind === 'many') step++
  return step === steps.length
}
