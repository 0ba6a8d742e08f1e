import { type ParseError, visit } from 'jsonc-parser'

export interface TextFault {
  offset: number
  message: string
}

/** What keeps a text from being JSON as Go reads it, and where; undefined where it is JSON. */
export function jsonFault(text: string): TextFault | undefined {
  try {
    JSON.parse(text)
    return undefined
  } catch (error) {
    const offset = offsetOf(error, text)
    return { offset, message: whatIsWrong(text, offset) }
  }
}

function offsetOf(error: unknown, text: string): number {
  const message = error instanceof Error ? error.message : ''
  const position = /at position (\d+)/.exec(message)?.[1]
  if (position !== undefined) return Number(position)
  if (message.includes('end of JSON input')) return text.length
  return firstError(text)?.offset ?? text.length
}

/** For the faults of which the engine does not say where they are. */
function firstError(text: string): Pick<ParseError, 'offset'> | undefined {
  let first: Pick<ParseError, 'offset'> | undefined
  visit(text, { onError: (_, offset) => (first ??= { offset }) }, { disallowComments: true })
  return first
}

function whatIsWrong(text: string, offset: number): string {
  const found = text.codePointAt(offset)
  if (found === undefined) return 'the file ends in the middle of a value'
  const character = String.fromCodePoint(found)
  const before = text.slice(0, offset).trimEnd()
  if (offset === 0 && found === 0xfeff)
    return 'the file begins with a byte order mark, which JSON does not allow'
  if (character === '/' || character === '#') return 'comments are not allowed in JSON'
  if (before === '' && /^[\w-]+:(\s|$)/m.test(text))
    return 'this looks like YAML, and a file with this ending is read as JSON: name it .yaml or .yml'
  if (/[}\]]/.test(character) && before.endsWith(',')) return `a comma before the closing '${character}'`
  if (character === '"' && /["}\]\w]$/.test(before)) return 'a comma or colon is missing before this'
  if (character === "'") return "unexpected ''': JSON takes double quotes only"
  if (/[{,]$/.test(before) && /[\p{L}_$]/u.test(character)) return 'a key must stand in double quotes'
  if (found < 0x20) return 'a line break or control character inside a string must be escaped'
  return `unexpected '${character}'`
}
