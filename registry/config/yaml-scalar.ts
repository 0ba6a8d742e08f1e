import type { Scalar } from 'yaml'
import type { ScalarNode } from './value-node.ts'

/** A scalar of JSON, whose text is known to be JSON. */
export function jsonScalar(scalar: Scalar): ScalarNode {
  const source = scalar.source ?? ''
  if (scalar.type !== 'PLAIN') return { type: 'String', value: source }
  switch (source) {
    case 'null':
      return { type: 'Null' }
    case 'true':
    case 'false':
      return { type: 'Boolean', value: source === 'true' }
    default:
      return numberOf(Number(source))
  }
}

/**
 * A scalar of YAML as zot's reader understands it, which knows some of YAML 1.1: 010 is eight, 1_000 a thousand,
 * "yes" and "1:30" are text.
 * https://github.com/yaml/go-yaml/blob/v3.0.4/resolve.go
 */
export function yamlScalar(scalar: Scalar): ScalarNode | { fault: string } {
  const source = scalar.source ?? ''
  const tag = shortTag(scalar.tag)
  if (tag === 'binary') return { type: 'String', value: Buffer.from(source, 'base64').toString() }
  const isText = scalar.type !== 'PLAIN' && scalar.type !== undefined && tag === undefined
  if (isText || tag === 'str' || tag === 'other') return { type: 'String', value: source }
  const resolved = resolvePlain(source)
  if (tag === undefined || tagOf(resolved) === tag) return resolved
  if (tag === 'float' && tagOf(resolved) === 'int') return resolved
  return { fault: `this is no value of the kind !!${tag}` }
}

/** The name of a tag of YAML's own; `other` for somebody's, which zot passes over. */
function shortTag(tag: string | undefined): string | undefined {
  const short = /^(?:tag:yaml\.org,2002:|!!)(str|int|float|bool|null|timestamp|binary)$/.exec(tag ?? '')?.[1]
  return tag === undefined ? undefined : (short ?? 'other')
}

function tagOf(node: ScalarNode): string {
  switch (node.type) {
    case 'String':
      return 'str'
    case 'Number':
      return Number.isInteger(node.value) && /^-?\d+$/.test(node.text) ? 'int' : 'float'
    case 'Boolean':
      return 'bool'
    case 'Null':
      return 'null'
    case 'Date':
      return 'timestamp'
  }
}

const constants: Record<string, ScalarNode> = {}
for (const word of ['', '~', 'null', 'Null', 'NULL']) constants[word] = { type: 'Null' }
for (const word of ['true', 'True', 'TRUE']) constants[word] = { type: 'Boolean', value: true }
for (const word of ['false', 'False', 'FALSE']) constants[word] = { type: 'Boolean', value: false }
for (const word of ['.nan', '.NaN', '.NAN'])
  constants[word] = { type: 'Number', value: Number.NaN, text: 'NaN' }
for (const sign of ['', '+', '-'])
  for (const word of ['.inf', '.Inf', '.INF'])
    constants[sign + word] = {
      type: 'Number',
      value: sign === '-' ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY,
      text: sign === '-' ? '-Inf' : '+Inf',
    }

const date =
  /^\d{4}-\d{1,2}-\d{1,2}([Tt]\d{1,2}:\d{1,2}:\d{1,2}(\.\d+)?(Z|[+-]\d\d:\d\d)| \d{1,2}:\d{1,2}:\d{1,2}(\.\d+)?)?$/
const float = /^[-+]?(\.\d+|\d+(\.\d*)?)([eE][-+]?\d+)?$/

function resolvePlain(source: string): ScalarNode {
  const word = Object.hasOwn(constants, source) ? constants[source] : undefined
  if (word !== undefined) return word
  if (!/^[-+.\d]/.test(source)) return { type: 'String', value: source }
  if (date.test(source)) return { type: 'Date' }
  const plain = source.replaceAll('_', '')
  const whole = parseGoInteger(plain)
  if (whole !== undefined) return { type: 'Number', value: Number(whole), text: whole.toString() }
  if (float.test(plain)) return numberOf(Number(plain))
  return { type: 'String', value: source }
}

/** A whole number of 64 bits as Go writes one: 10, 0x1f, 0b1, 0o17 and 017; undefined for anything else. */
export function parseGoInteger(text: string): bigint | undefined {
  const [, sign, digits = ''] = /^([-+]?)(.*)$/s.exec(text) ?? []
  const isWhole = /^(0[xX][\da-fA-F]+|0[bB][01]+|0[oO]?[0-7]+|0|[1-9]\d*)$/.test(digits)
  if (!isWhole) return undefined
  const value = BigInt(/^0\d/.test(digits) ? `0o${digits.slice(1)}` : digits)
  if (value >= 2n ** 64n) return undefined
  return sign === '-' ? -value : value
}

/** A number that has no text of its own, as zot writes it: without an exponent. */
function numberOf(value: number): ScalarNode {
  return { type: 'Number', value, text: withoutExponent(value) }
}

function withoutExponent(value: number): string {
  const [, sign = '', first = '', rest = '', exponent] =
    /^(-?)(\d)(?:\.(\d+))?e([+-]\d+)$/.exec(String(value)) ?? []
  if (exponent === undefined) return Object.is(value, -0) ? '-0' : String(value)
  const digits = first + rest
  const shift = Number(exponent)
  return shift < 0 ? `${sign}0.${'0'.repeat(-shift - 1)}${digits}` : `${sign}${digits.padEnd(shift + 1, '0')}`
}
