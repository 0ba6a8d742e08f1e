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
export const isImageConfig = (mediaType: string): boolean =>
  mediaType === 'application/vnd.oci.image.config.v1+json' ||
  mediaType === 'application/vnd.docker.container.image.v1+json' ||
  mediaType === emptyConfig

/** Layers that stay at their publisher's and are never pushed. */
export const isForeignLayer = (mediaType: string): boolean =>
  mediaType.startsWith('application/vnd.oci.image.layer.nondistributable.v1.') ||
  mediaType === 'application/vnd.docker.image.rootfs.foreign.diff.tar.gzip'
