import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { ociIndex, ociManifest } from '../../../registry/oci/manifest.ts'
import { parsePushedManifest } from '../../../registry/oci/pushed-manifest.ts'
import { manifestWith, type OddKind, oddManifest, placesOf, values } from '../../suites/odd-manifests.ts'

const types: Readonly<Record<OddKind, string>> = { image: ociManifest, index: ociIndex }
const kinds = ['image', 'index'] as const

/** Why a manifest is refused; undefined: it is taken. */
function problemOf(kind: OddKind, text: string | Buffer): string | undefined {
  const parsed = parsePushedManifest(Buffer.from(text), types[kind])
  return parsed.ok ? undefined : parsed.problem
}

/**
 * By kind and place one letter for each value: whether Go 1.26's encoding/json took it (`y`) for image-spec's
 * v1.Manifest or v1.Index. The same with GOEXPERIMENT=jsonv2, with which zot is built.
 */
const verdicts: Record<OddKind, Record<string, string>> = JSON.parse(
  readFileSync(new URL('../../fixtures/go-manifest-verdicts.json', import.meta.url), 'utf8'),
)

/** What Go takes, and the registry has refused before; and bytes that are not base64 but a list of numbers. */
const stricter =
  /^the manifest says mediaType|^schemaVersion must be 2|is not a (list of )?descriptors?$|a list, and has to be a text in base64/

describe('a pushed manifest', () => {
  it.each(kinds)('is refused wherever Go cannot read it (%s)', kind => {
    expect(Object.keys(verdicts[kind])).toEqual(placesOf(kind))
    const wrong: string[] = []
    for (const place of placesOf(kind)) {
      for (const [at, value] of values.entries()) {
        const problem = problemOf(kind, oddManifest(kind, place, value))
        const isTaken = verdicts[kind][place]?.[at] === 'y'
        const isRight = isTaken ? problem === undefined || stricter.test(problem) : problem !== undefined
        if (!isRight) wrong.push(`${place} ${value}: ${problem}`)
      }
    }
    expect(wrong).toEqual([])
  })

  /** Written before all others. The verdict is Go's: of those that it takes some are refused, as readers disagree. */
  it.each([
    ['"mediaType": "x"', 'y', 'mediaType is there twice'],
    ['"schemaVersion": 2', 'y', 'schemaVersion is there twice'],
    ['"MEDIATYPE": "x"', 'y', 'mediaType is written "MEDIATYPE"'],
    ['"MediaType": 5', 'n', 'mediaType is written "MediaType"'],
    ['"\\u017fchemaVersion": "2"', 'n', 'schemaVersion is written "ſchemaVersion"'],
    ['"\\u017fchemaVersion": 2', 'y', 'schemaVersion is written "ſchemaVersion"'],
    ['"ANNOTATIONS": {"a": 5}', 'n', 'annotations is written "ANNOTATIONS"'],
    ['"annotations": {"x": 1}', 'n', 'annotations.x is a number, and has to be a text'],
    ['"subject": 1', 'n', 'subject is a number, and has to be an object'],
    ['"m\\u0065diaType": 5', 'n', 'mediaType is a number, and has to be a text'],
    ['"m\\u0065diaType": "x"', 'y', 'mediaType is there twice'],
    ['"FSLAYERS": []', 'y', 'fsLayers is written "FSLAYERS"'],
    ['"fsLayers": []', 'y', 'fsLayers is for another kind of manifest'],
    ['"media-type": 5', 'y', undefined],
    ['"media_type": 5', 'y', undefined],
    ['"med\\u0131aType": 5', 'y', undefined],
    ['"platform": 5', 'y', undefined],
    ['"history": 5', 'y', undefined],
    ['"": 5', 'y', undefined],
    ['"__proto__": {"layers": 5}', 'y', undefined],
    ['"a": "\\"}", "b": "\\\\", "c": "\\\\\\"]"', 'y', undefined],
    ['"a": [[{"mediaType": 5}], "]", {"b": "}"}, -1.5e+3, true]', 'y', undefined],
    [`"a": ${'['.repeat(9998)}${']'.repeat(9998)}`, 'y', undefined],
    ['"a": 1e999', 'y', undefined],
    [' \t\r\n"a" \n:\t1 ', 'y', undefined],
  ])('with %s: Go says %s', (member, go, problem) => {
    if (go === 'n') expect(problem).toBeDefined()
    for (const kind of kinds) expect(problemOf(kind, manifestWith(kind, member))).toBe(problem)
  })

  it.each([
    ['image', '"Manifests": []', 'manifests is written "Manifests"'],
    ['image', '"MANIFESTS": null', 'manifests is written "MANIFESTS"'],
    ['index', '"Layers": []', 'layers is written "Layers"'],
    ['index', '"Config": {}', 'config is written "Config"'],
  ] as const)('is of one kind alone: %s with %s', (kind, member, problem) => {
    expect(problemOf(kind, manifestWith(kind, member))).toBe(problem)
  })

  const plain = manifestWith('image', '"a": 1')
  it.each([
    ['spaces around it', ` \r\n\t${plain}\n `, undefined],
    ['a byte order mark', `\ufeff${plain}`, 'the manifest begins with a byte order mark'],
    ['text after it', `${plain}x`, /not a JSON object/],
    ['another one after it', `${plain}${plain}`, /not a JSON object/],
    ['a comma too many', plain.replace(/}$/, ',}'), /not a JSON object/],
    ['a comment', `/* x */${plain}`, /not a JSON object/],
    ['NaN', plain.replace('"a": 1', '"a": NaN'), /not a JSON object/],
    ['a number with a zero before it', plain.replace('"a": 1', '"a": 01'), /not a JSON object/],
    ['a line end in a text', plain.replace('"a": 1', '"a": "\n"'), /not a JSON object/],
    ['nothing', '', /not a JSON object/],
    ['null', 'null', /not a JSON object/],
    [
      'bytes that are no UTF-8',
      Buffer.concat([Buffer.from('{"a":"'), Buffer.from([0xff]), Buffer.from(plain.slice(1))]),
      /UTF-8/,
    ],
    [
      'what nests too deep',
      plain.replace('"a": 1', `"a": ${'['.repeat(10_000)}${']'.repeat(10_000)}`),
      /too deep/,
    ],
  ] as const)('with %s', (_what, text, problem) => {
    const found = problemOf('image', text)
    if (problem === undefined || typeof problem === 'string') expect(found).toBe(problem)
    else expect(found).toMatch(problem)
  })
})
