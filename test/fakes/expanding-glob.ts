/**
 * The slow and plain way to match a pattern: every alternative is written out and turned into a regular
 * expression. What it does not understand is undefined.
 */
export function expandingGlob(pattern: string): ((name: string) => boolean) | undefined {
  const tokens = pattern.match(token)
  if (!tokens || tokens.join('') !== pattern) return undefined
  const written = alternatives(tokens)
  if (!written || written.length > most) return undefined
  const wanted = written.map(regexOf)
  return name => wanted.some(regex => regex.test(`${name}/`))
}

/** More alternatives than the registry takes. */
const most = 256

const token = /\\[\s\S]|\[[!^]?[^\]\\]+\]|[^\\[\]]/g

/** `a{b,c}` -> `ab`, `ac`; undefined: a brace without its partner. */
function alternatives(tokens: readonly string[]): string[][] | undefined {
  const start = tokens.indexOf('{')
  if (start < 0) return tokens.includes('}') ? undefined : [[...tokens]]
  let depth = 0
  const cuts = [start]
  for (let at = start; at < tokens.length; at++) {
    if (tokens[at] === '{') depth++
    if (tokens[at] === '}') depth--
    if (tokens[at] === ',' && depth === 1) cuts.push(at)
    if (depth > 0) continue
    const before = tokens.slice(0, start)
    const after = tokens.slice(at + 1)
    const ends = [...cuts.slice(1), at]
    const found = ends.map((end, index) =>
      alternatives([...before, ...tokens.slice((cuts[index] ?? 0) + 1, end), ...after]),
    )
    return before.includes('}') || found.includes(undefined) ? undefined : found.flatMap(one => one ?? [])
  }
  return undefined
}

/** Names are given with a slash behind them. */
function regexOf(tokens: readonly string[]): RegExp {
  const components = tokens
    .reduce<string[][]>(
      (parts, one) => {
        if (one === '/') parts.push([])
        else parts.at(-1)?.push(one)
        return parts
      },
      [[]],
    )
    .map(part => (part.join('|') === '*|*' ? '(?:[^/]*/)*' : `${part.map(sourceOf).join('')}/`))
  return new RegExp(`^${components.join('')}$`)
}

function sourceOf(one: string): string {
  if (one === '*') return '[^/]*'
  if (one === '?') return '[^/]'
  if (one.startsWith('[')) return `(?!/)${one.replace('[!', '[^')}`
  return one.replace(/^\\/, '').replace(/[^a-z0-9]/g, '\\$&')
}
