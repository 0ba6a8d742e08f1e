import { getNodeValue, type Node, type ParseError, parseTree, printParseErrorCode } from 'jsonc-parser'

/** A config.json as it stands in the file. */
export interface ConfigText {
  file: string
  text: string
}

/** One key of the file, spelled as the file spells it. */
export interface Hit {
  /** "http.accessControl.repositories["team/**"].policies[0].actions" */
  keyPath: string
  /** Keys and indexes from the root to it. */
  path: (string | number)[]
  node: Node
  value: unknown
}

export interface ConfigView {
  file: string
  text: string
  root: Node
  /** Every key that a path names; `*` stands for any key, `[*]` for any element. Case does not matter, as in zot. */
  find(path: string): Hit[]
  /** The key path of the first key that comes twice in one object, whatever its case. */
  duplicate?: string
}

/**
 * The file as a tree. Comments and commas too many are passed over, so that something can be said about the file also
 * where the engine will not have it. `reason` is half a sentence.
 */
export function viewConfig({ file, text }: ConfigText): ConfigView | { reason: string } {
  const faults: ParseError[] = []
  const root = parseTree(text, faults, { allowTrailingComma: true })
  const [fault] = faults
  if (fault !== undefined)
    return { reason: `it is no JSON: ${printParseErrorCode(fault.error)} at character ${fault.offset + 1}` }
  if (root?.type !== 'object') return { reason: 'it does not hold one JSON object' }
  const duplicate = duplicateIn(root, '')
  return {
    file,
    text,
    root,
    find: path => findIn(root, path),
    ...(duplicate === undefined ? {} : { duplicate }),
  }
}

/** The first property of this name; `name` in any case. */
export function property(object: Node, name: string): Node | undefined {
  return object.children?.find(child => keyOf(child).toLowerCase() === name.toLowerCase())
}

/** The name of a property of a JSON tree. */
export const keyOf = (child: Node): string => String(child.children?.[0]?.value ?? '')

const stepsOf = (path: string): string[] => path.replaceAll('[*]', '.[*]').split('.')

function findIn(root: Node, path: string): Hit[] {
  let hits: Hit[] = [{ keyPath: '', path: [], node: root, value: undefined }]
  for (const step of stepsOf(path)) hits = hits.flatMap(hit => below(hit, step))
  return hits.map(hit => ({ ...hit, value: getNodeValue(hit.node) }))
}

function below(hit: Hit, step: string): Hit[] {
  const children = hit.node.children ?? []
  if (hit.node.type === 'array')
    return step !== '[*]'
      ? []
      : children.map((node, index) => ({
          keyPath: `${hit.keyPath}[${index}]`,
          path: [...hit.path, index],
          node,
          value: undefined,
        }))
  if (hit.node.type !== 'object' || step === '[*]') return []
  return children.flatMap(child => {
    const key = keyOf(child)
    const node = child.children?.[1]
    if (node === undefined || (step !== '*' && key.toLowerCase() !== step.toLowerCase())) return []
    return [{ keyPath: childPath(hit.keyPath, key), path: [...hit.path, key], node, value: undefined }]
  })
}

function childPath(parent: string, key: string): string {
  if (!/^[\w-]{1,80}$/.test(key)) return `${parent}[${JSON.stringify(key.slice(0, 80))}]`
  return parent === '' ? key : `${parent}.${key}`
}

function duplicateIn(node: Node, keyPath: string): string | undefined {
  const names = new Set<string>()
  for (const [index, child] of (node.children ?? []).entries()) {
    const isProperty = child.type === 'property'
    const at = isProperty ? childPath(keyPath, keyOf(child)) : `${keyPath}[${index}]`
    if (isProperty) {
      const lower = keyOf(child).toLowerCase()
      if (names.has(lower)) return at
      names.add(lower)
    }
    const value = isProperty ? child.children?.[1] : child
    const deeper = value === undefined ? undefined : duplicateIn(value, at)
    if (deeper !== undefined) return deeper
  }
  return undefined
}

/** "http.port = "5050"": what a finding quotes. Blocks are named, not spelled out, and secrets are masked. */
export function quote({ keyPath, value, path }: Hit): string {
  if (path.some(part => typeof part === 'string' && /secret|passw|token|hashkey|encryptkey/i.test(part)))
    return `${keyPath} = "…"`
  if (value !== null && typeof value === 'object') {
    const isFlat = Array.isArray(value) && value.every(element => typeof element !== 'object')
    if (!isFlat) return `${keyPath} = ${Array.isArray(value) ? '[…]' : '{…}'}`
  }
  const text = JSON.stringify(value)
  return `${keyPath} = ${text.length > 200 ? `${text.slice(0, 200)}…` : text}`
}
