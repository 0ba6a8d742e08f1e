import { createHash } from 'node:crypto'
import { dockerList, dockerManifest, ociIndex, ociManifest } from '../../registry/oci/manifest.ts'
import { type Digest, parseDigest } from '../../registry/oci/reference.ts'

export const digestText = (bytes: Uint8Array | string, algorithm = 'sha256'): string =>
  `${algorithm}:${createHash(algorithm).update(bytes).digest('hex')}`

export const digestOf = (bytes: Uint8Array | string, algorithm = 'sha256'): Digest =>
  parseDigest(digestText(bytes, algorithm))!

export const describeBytes = (mediaType: string, bytes: Uint8Array | string) => ({
  mediaType,
  digest: digestText(bytes),
  size: Buffer.byteLength(bytes),
})

export interface Made {
  mediaType: string
  bytes: Buffer
  digest: string
}

const made = (mediaType: string, content: object): Made => {
  const bytes = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType, ...content }))
  return { mediaType, bytes, digest: digestText(bytes) }
}

export const config = Buffer.from('{"architecture":"amd64","os":"linux"}')

/** An image manifest over the given layers; `extra` is added to it. */
export function imageOf(
  layers: (Buffer | string)[],
  extra: object = {},
  family: 'oci' | 'docker' = 'oci',
): Made {
  const docker = family === 'docker'
  return made(docker ? dockerManifest : ociManifest, {
    config: describeBytes(
      docker ? 'application/vnd.docker.container.image.v1+json' : 'application/vnd.oci.image.config.v1+json',
      config,
    ),
    layers: layers.map(layer => describeBytes('application/vnd.oci.image.layer.v1.tar', layer)),
    ...extra,
  })
}

export function indexOf(children: Made[], extra: object = {}, family: 'oci' | 'docker' = 'oci'): Made {
  const manifests = children.map(child => describeBytes(child.mediaType, child.bytes))
  return made(family === 'docker' ? dockerList : ociIndex, { manifests, ...extra })
}
