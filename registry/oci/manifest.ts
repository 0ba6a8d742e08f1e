import { isObject, parseJson } from '../../lib/json.ts'
import { type JsonObject, nestsDeeper, stringIn, stringsIn } from './json.ts'
import { type Digest, parseDigest } from './reference.ts'

export const ociManifest = 'application/vnd.oci.image.manifest.v1+json'
export const ociIndex = 'application/vnd.oci.image.index.v1+json'
export const dockerManifest = 'application/vnd.docker.distribution.manifest.v2+json'
export const dockerList = 'application/vnd.docker.distribution.manifest.list.v2+json'
const emptyConfig = 'application/vnd.oci.empty.v1+json'

export type ManifestKind = 'image' | 'index'

const kinds = new Map<string, ManifestKind>([
  [ociManifest, 'image'],
  [ociIndex, 'index'],
  [dockerManifest, 'image'],
  [dockerList, 'index'],
])

/** What a media type holds, or undefined when this registry does not store it. Parameters are ignored. */
export function kindOf(mediaType: string): ManifestKind | undefined {
  return kinds.get(mediaType) ?? kinds.get(withoutParameters(mediaType))
}

export const withoutParameters = (mediaType: string): string =>
  (mediaType.split(';', 1)[0] ?? '').trim().toLowerCase()

/** Configs whose layers are known to be blobs of the same repository; artifacts may point elsewhere. */
const isImageConfig = (mediaType: string): boolean =>
  mediaType === 'application/vnd.oci.image.config.v1+json' ||
  mediaType === 'application/vnd.docker.container.image.v1+json' ||
  mediaType === emptyConfig

/** Layers that stay at their publisher's and are never pushed. */
const isForeignLayer = (mediaType: string): boolean =>
  mediaType.startsWith('application/vnd.oci.image.layer.nondistributable.v1.') ||
  mediaType === 'application/vnd.docker.image.rootfs.foreign.diff.tar.gzip'

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
const maxDepth = 10_000

/**
 * Reads a manifest or index of either family.
 * https://github.com/opencontainers/image-spec/blob/v1.1.1/manifest.md and image-index.md
 */
export function parseManifest(bytes: Uint8Array, contentType: string): ManifestResult {
  const mediaType = withoutParameters(contentType)
  const kind = kindOf(mediaType)
  if (!kind) return bad(`media type ${mediaType} is not a manifest`)
  if (nestsDeeper(bytes, maxDepth)) return bad('the manifest nests too deep')
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

export interface SizedLink {
  readonly digest: string
  readonly mediaType: string
  readonly size: number
  /** "linux/arm/v7", where an index says so. */
  readonly platform: string | undefined
}

/** What a manifest names, read leniently: it is only shown, nothing depends on it. */
export interface ManifestContent {
  /** Of an image that may run: where its platform stands. */
  readonly config: SizedLink | undefined
  /** Config and layers. */
  readonly blobs: readonly SizedLink[]
  /** Manifests of an index. */
  readonly manifests: readonly SizedLink[]
}

const empty: ManifestContent = { config: undefined, blobs: [], manifests: [] }

export function contentOf(body: Buffer): ManifestContent {
  if (nestsDeeper(body, 100)) return empty
  const json = parseJson(body.toString('utf8'))
  if (!isObject(json)) return empty
  const config = linkIn(json['config'])
  const links = (key: string): SizedLink[] => {
    const list = json[key]
    return Array.isArray(list) ? list.map(linkIn).filter(link => link !== undefined) : []
  }
  return {
    config: config && isImageConfig(config.mediaType) ? config : undefined,
    blobs: [...(config ? [config] : []), ...links('layers')],
    manifests: links('manifests'),
  }
}

function linkIn(value: unknown): SizedLink | undefined {
  if (!isObject(value)) return undefined
  const { size } = value
  const digest = stringIn(value, 'digest')
  if (digest === undefined || typeof size !== 'number' || !(size >= 0)) return undefined
  const { platform } = value
  return {
    digest,
    size,
    mediaType: stringIn(value, 'mediaType') ?? '',
    platform: isObject(platform) ? platformName(platform) : undefined,
  }
}

/** "linux/arm/v7", of a config or a platform of an index; undefined for what runs nowhere ("unknown/unknown"). */
export function platformName(value: JsonObject): string | undefined {
  const os = stringIn(value, 'os') ?? ''
  const architecture = stringIn(value, 'architecture') ?? ''
  if (os === '' || architecture === '' || os === 'unknown' || architecture === 'unknown') return undefined
  return [os, architecture, stringIn(value, 'variant') ?? ''].filter(part => part !== '').join('/')
}
