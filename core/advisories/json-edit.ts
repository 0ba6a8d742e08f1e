import { applyEdits, createScanner, type Edit, type Node } from 'jsonc-parser'

/** Small changes of a JSON text that leave every other byte as it is: comments, order, indentation, line ends. */

const before = (text: string, offset: number): string =>
  text.slice(Math.max(text.lastIndexOf('\n', offset - 1), text.lastIndexOf('\r', offset - 1)) + 1, offset)

/** The rest of the line from `offset` on, without its end. */
const restOfLine = (text: string, offset: number): string => /^[^\r\n]*/.exec(text.slice(offset))?.[0] ?? ''

const endOf = (node: Node): number => node.offset + node.length

const lineEnd = (text: string): string => /\r\n|\n|\r/.exec(text)?.[0] ?? '\n'

/** Nothing but white space stands before it in its line. */
const beginsLine = (text: string, node: Node): boolean => /^[ \t]*$/.test(before(text, node.offset))

/** Where the comma after `from` stands, comments passed over. */
function commaAfter(text: string, from: number): number | undefined {
  const scanner = createScanner(text, true)
  scanner.setPosition(from)
  scanner.scan()
  const at = scanner.getTokenOffset()
  return text[at] === ',' ? at : undefined
}

/** Puts `item` (`"key": value`, or an element) after the child at `index`; -1: the last one. */
export function insertChild(text: string, parent: Node, item: string, index = -1): string {
  const children = parent.children ?? []
  const child = children.at(index)
  if (child === undefined) return applyEdits(text, [{ offset: parent.offset + 1, length: 0, content: item }])
  const isLast = child === children.at(-1)
  const comma = commaAfter(text, endOf(child))
  const edits: Edit[] = []
  if (isLast && comma === undefined) edits.push({ offset: endOf(child), length: 0, content: ',' })
  let at = comma === undefined ? endOf(child) : comma + 1
  const indent = before(text, child.offset)
  const ownComma = isLast && comma === undefined ? '' : ','
  if (!beginsLine(text, child)) {
    edits.push({ offset: at, length: 0, content: ` ${item}${ownComma}` })
    return applyEdits(text, edits)
  }
  // A comment at the end of the line belongs to what stands there.
  const rest = restOfLine(text, at)
  if (/^[ \t]*(\/\/.*|\/\*[^*]*\*\/[ \t]*)$/.test(rest)) at += rest.length
  edits.push({ offset: at, length: 0, content: `${lineEnd(text)}${indent}${item}${ownComma}` })
  return applyEdits(text, edits)
}

/** Takes a property or an element out, with its comma; with its line where it has one of its own. */
export function removeChild(text: string, parent: Node, child: Node): string {
  const children = parent.children ?? []
  const index = children.indexOf(child)
  const previous = children[index - 1]
  const next = children[index + 1]
  const comma = commaAfter(text, endOf(child))
  const end = comma === undefined ? endOf(child) : comma + 1
  const edits: Edit[] = []
  if (comma === undefined && previous !== undefined) {
    const earlier = commaAfter(text, endOf(previous))
    if (earlier !== undefined) edits.push({ offset: earlier, length: 1, content: '' })
  }
  const rest = restOfLine(text, end)
  const lead = before(text, child.offset)
  const hasOwnLines = beginsLine(text, child) && /^[ \t]*(\/\/.*)?$/.test(rest)
  const start = child.offset - lead.length
  if (hasOwnLines && start > 0) {
    const stop = end + rest.length
    const after = /^(\r\n|\n|\r)/.exec(text.slice(stop))?.[0] ?? ''
    edits.push({ offset: start, length: stop + after.length - start, content: '' })
  } else if (next !== undefined && !beginsLine(text, next)) {
    edits.push({ offset: child.offset, length: next.offset - child.offset, content: '' })
  } else {
    const from =
      previous !== undefined && !beginsLine(text, child)
        ? Math.max(endOf(previous), lastComma(edits) + 1)
        : child.offset
    edits.push({ offset: from, length: end - from, content: '' })
  }
  return applyEdits(text, edits)
}

const lastComma = (edits: Edit[]): number => edits[0]?.offset ?? -1

/** Puts other tokens in place of nodes, all at once. */
export const replaceNodes = (text: string, replaced: [Node, string][]): string =>
  applyEdits(
    text,
    replaced.map(([node, content]) => ({ offset: node.offset, length: node.length, content })),
  )
