import { type Digest, parseDigest } from './digest.ts'
import { isObject, type JsonObject, nestsDeeper, parseJson, stringIn, stringsIn } from './json.ts'
import { isForeignLayer, isImageConfig, kindOf, type ManifestKind, withoutParameters } from './media-type.ts'

export interface Link {
  readonly digest: Digest
  readonly mediaType: string
}

/** What the registry needs to know of a manifest. The bytes themselves are stored as they came. */
export interface Manifest {
  readonly kind: ManifestKind
  readonly mediaType: string
  /** Config and layers of an image, manifests of an index: everything a delete must respect. */
  readonly links: readonly Link[]
  /** The links that must be in the repository before the manifest may be pushed. */
  readonly required: readonly Link[]
  readonly subject: Digest | undefined
  readonly artifactType: string | undefined
  readonly annotations: Record<string, string> | undefined
}

export type ManifestResult = { ok: true; manifest: Manifest } | { ok: false; problem: string }

/** Largest manifest taken, in bytes: what zot and the specification's minimum agree on. */
export const manifestLimit = 4 * 1024 * 1024

/** Deepest nesting taken: what Go's parser, and so zot, takes. */
const deepest = 10_000

/**
 * Reads a manifest or index of either family.
 * https://github.com/opencontainers/image-spec/blob/v1.1.1/manifest.md and image-index.md
 */
export function parseManifest(bytes: Uint8Array, contentType: string): ManifestResult {
  const mediaType = withoutParameters(contentType)
  const kind = kindOf(mediaType)
  if (!kind) return bad(`media type ${mediaType} is not a manifest`)
  if (nestsDeeper(bytes, deepest)) return bad('the manifest nests too deep')
  let json: unknown
  try {
    json = parseJson(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch {
    return bad('the manifest is not UTF-8')
  }
  if (!isObject(json)) return bad('the manifest is not a JSON object')
  if (json['schemaVersion'] !== 2) return bad('schemaVersion must be 2')
  const named = stringIn(json, 'mediaType')
  if (named !== undefined && named !== mediaType) {
    return bad(`the manifest says mediaType ${named}, the request says ${mediaType}`)
  }
  const subject = linkAt(json, 'subject')
  if (subject === 'wrong') return bad('subject is not a descriptor')
  const common = { mediaType, subject: subject?.digest, annotations: stringsIn(json, 'annotations') }
  return kind === 'image' ? image(json, common) : index(json, common)
}

type Common = Pick<Manifest, 'mediaType' | 'subject' | 'annotations'>

function image(json: JsonObject, common: Common): ManifestResult {
  // An index sent as a manifest would hide its children: https://github.com/advisories/GHSA-77vh-xpmg-72qh
  if ('manifests' in json) return bad('an image manifest has no manifests')
  const config = linkAt(json, 'config')
  if (config === undefined || config === 'wrong') return bad('config is not a descriptor')
  const layers = linksAt(json, 'layers')
  if (!layers) return bad('layers is not a list of descriptors')
  const checked = isImageConfig(config.mediaType)
    ? [config, ...layers.filter(layer => !isForeignLayer(layer.mediaType))]
    : []
  return {
    ok: true,
    manifest: {
      kind: 'image',
      links: [config, ...layers],
      required: checked,
      artifactType: stringIn(json, 'artifactType') || config.mediaType,
      ...common,
    },
  }
}

function index(json: JsonObject, common: Common): ManifestResult {
  if ('layers' in json || 'config' in json) return bad('an index has no config and no layers')
  const manifests = linksAt(json, 'manifests')
  if (!manifests) return bad('manifests is not a list of descriptors')
  return {
    ok: true,
    manifest: {
      kind: 'index',
      links: manifests,
      required: manifests,
      artifactType: stringIn(json, 'artifactType') || undefined,
      ...common,
    },
  }
}

function linksAt(json: JsonObject, key: string): Link[] | undefined {
  const list = json[key]
  if (!Array.isArray(list)) return undefined
  const links = list.map(parseLink)
  return links.some(link => link === undefined) ? undefined : links.filter(link => link !== undefined)
}

function linkAt(json: JsonObject, key: string): Link | 'wrong' | undefined {
  if (json[key] === undefined || json[key] === null) return undefined
  return parseLink(json[key]) ?? 'wrong'
}

function parseLink(value: unknown): Link | undefined {
  if (!isObject(value)) return undefined
  const digest = parseDigest(stringIn(value, 'digest') ?? '')
  const mediaType = stringIn(value, 'mediaType')
  const size = value['size']
  if (!digest || mediaType === undefined || typeof size !== 'number' || !(size >= 0)) return undefined
  return { digest, mediaType }
}

const bad = (problem: string): ManifestResult => ({ ok: false, problem })
