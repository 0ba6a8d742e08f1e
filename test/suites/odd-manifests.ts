import { ociIndex, ociManifest } from '../../registry/oci/manifest.ts'
import { digestText } from './image.ts'

/** Manifests with one value replaced by each of a list of JSON literals: what is right, and what readers trip over. */

export type OddKind = 'image' | 'index'

/** JSON literals, as they are written. */
export const values = [
  'null',
  'true',
  '0',
  '2',
  '-0',
  '-5',
  '5.5',
  '2.0',
  '2e0',
  '1E2',
  '9007199254740993',
  '9223372036854775807',
  '9223372036854775808',
  '-9223372036854775808',
  '-9223372036854775809',
  '1e400',
  '""',
  '"text"',
  '"5"',
  '"YQ=="',
  '"YQ"',
  '"YR=="',
  '"Y\\nQ=\\r="',
  '"Y Q=="',
  '"Y==="',
  '"-_=="',
  '"\\u0041"',
  '"\\ud800"',
  '[]',
  '{}',
  '[null]',
  '[5]',
  '["a"]',
  '[65, 300]',
  '{"a": "b"}',
  '{"a": "b", "a": "c"}',
  '{"a": 5}',
  '{"a": null}',
  '{"a": {}}',
  '{"a": 5, "a": "b"}',
] as const

/** Keys and what stands there: a literal, or further keys. */
type Tree = { readonly [key: string]: string | Tree }

const descriptor: Tree = {
  mediaType: '"application/x.odd"',
  digest: `"${digestText('odd')}"`,
  size: '3',
  urls: '["http://x.example/a"]',
  annotations: '{"k": "v"}',
  data: '"b2Rk"',
  platform: {
    architecture: '"amd64"',
    os: '"linux"',
    'os.version': '"10"',
    'os.features': '["win32k"]',
    variant: '"v1"',
    other: '1',
  },
  artifactType: '"application/x.odd"',
  other: '1',
}
const common: Tree = {
  schemaVersion: '2',
  artifactType: '"application/x.odd"',
  subject: descriptor,
  annotations: '{"k": "v"}',
  other: '1',
}
const trees: Readonly<Record<OddKind, Tree>> = {
  image: { mediaType: `"${ociManifest}"`, ...common, config: descriptor, layers: { 0: descriptor } },
  index: { mediaType: `"${ociIndex}"`, ...common, manifests: { 0: descriptor } },
}

/** A tree as JSON; keys that are numbers make a list. */
function print(tree: string | Tree): string {
  if (typeof tree === 'string') return tree
  const entries = Object.entries(tree)
  return entries.some(([key]) => key === '0')
    ? `[${entries.map(([, value]) => print(value)).join()}]`
    : `{${entries.map(([key, value]) => `${JSON.stringify(key)}: ${print(value)}`).join()}}`
}

const pathsIn = (tree: Tree): string[][] =>
  Object.entries(tree).flatMap(([key, value]) => [
    [key],
    ...(typeof value === 'string' ? [] : pathsIn(value).map(path => [key, ...path])),
  ])

/** Every place where a value can be replaced, keys joined by a slash. */
export const placesOf = (kind: OddKind): string[] => pathsIn(trees[kind]).map(path => path.join('/'))

/** The manifest with `literal` at a place. */
export function oddManifest(kind: OddKind, place: string, literal: string): string {
  const replaced = (tree: string | Tree | undefined, [key, ...rest]: readonly string[]): string | Tree => {
    if (key === undefined) return literal
    if (tree === undefined || typeof tree === 'string') throw new Error(`no place ${place}`)
    return { ...tree, [key]: replaced(tree[key], rest) }
  }
  return print(replaced(trees[kind], place.split('/')))
}

/** The manifest with another member at its beginning, as it is written. */
export const manifestWith = (kind: OddKind, member: string): string =>
  print(trees[kind]).replace('{', `{${member}, `)
