import { isObject, type JsonObject, nestsDeeper, parseJson, stringIn } from './json.ts'
import { isImageConfig } from './media-type.ts'

export interface SizedLink {
  readonly digest: string
  readonly mediaType: string
  readonly size: number
  /** "linux/arm/v7", where an index says so. */
  readonly platform: string | undefined
}

/** What a manifest stands on: leniently read, as it is only told of and never acted on. */
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
